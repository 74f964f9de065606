// Whether what this tab has kept is its own: a tab that was duplicated begins with a copy of
// what the other keeps.
const patience = 1_500; // ms; a page that is loaded again has its lock back in a few

/** Holds the lock for as long as the page is open; resolves with whether that worked in time. */
const hold = (name, signal) =>
  new Promise((resolve) => {
    const held = () => {
      resolve(true);
      return new Promise(() => {});
    };
    navigator.locks.request(name, { signal }, held).catch(() => resolve(false));
  });

/** Resolves with false where the tab from which this one was copied is still open. */
export async function ownTab() {
  const slot = "imbridge:tab";
  if (navigator.locks === undefined) return true; // a page without TLS
  try {
    const id = sessionStorage.getItem(slot);
    if (id !== null && !(await hold(`${slot}:${id}`, AbortSignal.timeout(patience)))) sessionStorage.removeItem(slot);
    else if (id !== null) return true;
    const fresh = crypto.randomUUID();
    await hold(`${slot}:${fresh}`);
    sessionStorage.setItem(slot, fresh);
    return id === null;
  } catch {
    return true; // no room: nothing was kept either
  }
}
