// Messages that a cloud brings once, kept in this tab for as long as it is open, and how many
// of them are unread. The oldest make room.
const mostMessages = 300; // of one conversation
const budget = 2_000_000; // characters of all; browsers give a tab 5 million, which drafts and what waits need too

export class Kept {
  #slot;
  #talks = new Map(); // id → { list by time, unread }
  #sizes = new Map(); // id → characters kept

  constructor(me) {
    this.#slot = `imbridge:kept:${me}:`;
    for (const key of Object.keys(sessionStorage)) {
      if (!key.startsWith(this.#slot)) continue;
      try {
        const text = sessionStorage.getItem(key);
        const { list, unread } = JSON.parse(text);
        if (!Array.isArray(list)) continue;
        const id = key.slice(this.#slot.length);
        this.#talks.set(id, { list, unread: Number(unread) || 0 });
        this.#sizes.set(id, text.length);
      } catch {
        // Not ours, or from another version: nothing was kept.
      }
    }
  }

  /** Takes a message in; false where it is here already. */
  put(message) {
    const talk = this.#talks.get(message.talk) ?? { list: [], unread: 0 };
    const same = (m) => (m.uid && m.uid === message.uid) || (m.mark && m.mark === message.mark && m.mine === message.mine);
    if (talk.list.some(same)) return false;
    const { uid, mark, mine, text, time } = message;
    talk.list.push({ uid, mark, talk: message.talk, mine, text, time });
    talk.list.sort((a, b) => a.time - b.time);
    talk.list.splice(0, talk.list.length - mostMessages);
    if (!message.mine) talk.unread++;
    this.#talks.set(message.talk, talk);
    this.#store(message.talk);
    return true;
  }

  talks() {
    return [...this.#talks].map(([id, { list, unread }]) => ({ id, latest: { ...list.at(-1) }, unread }));
  }

  /** At least count of the newest that are older than a time (0: now), and whether there are more. */
  before(id, time, count) {
    const all = (this.#talks.get(id)?.list ?? []).filter((message) => time === 0 || message.time < time);
    let from = Math.max(all.length - count, 0);
    // The next question names the time of the oldest here: those of the same moment come with it.
    while (from > 0 && all[from - 1].time === all[from].time) from--;
    // Copies: who shows them notes more in them.
    return { list: all.slice(from).map((message) => ({ ...message })), more: from > 0 };
  }

  newest(id) {
    return this.#talks.get(id)?.list.at(-1)?.time ?? 0;
  }

  read(id) {
    const talk = this.#talks.get(id);
    if (talk === undefined || talk.unread === 0) return;
    talk.unread = 0;
    this.#store(id);
  }

  /** Where the tab has no room left for a single conversation, what is shown is all there is. */
  #store(id) {
    const { list, unread } = this.#talks.get(id);
    const text = JSON.stringify({ list, unread });
    this.#sizes.set(id, text.length);
    while (this.#total() > budget && this.#forgetOldest(id));
    do {
      try {
        return sessionStorage.setItem(this.#slot + id, text);
      } catch {
        // Others may have taken the tab's room.
      }
    } while (this.#forgetOldest(id));
    sessionStorage.removeItem(this.#slot + id);
    this.#sizes.delete(id);
  }

  #total() {
    let sum = 0;
    for (const size of this.#sizes.values()) sum += size;
    return sum;
  }

  /** Forgets the conversation that has been quiet for longest, but for one; false where there is none. */
  #forgetOldest(but) {
    let oldest;
    for (const id of this.#sizes.keys()) if (id !== but && (oldest === undefined || this.newest(id) < this.newest(oldest))) oldest = id;
    if (oldest === undefined) return false;
    this.#talks.delete(oldest);
    this.#sizes.delete(oldest);
    sessionStorage.removeItem(this.#slot + oldest);
    return true;
  }
}
