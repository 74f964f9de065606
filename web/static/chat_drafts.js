// What somebody has begun to write, by conversation. It outlives a reload of the page in the
// same tab.
export class Drafts {
  #slot;
  #texts = new Map();

  constructor(me) {
    this.#slot = `imbridge:drafts:${me}`;
    try {
      for (const [id, text] of JSON.parse(sessionStorage.getItem(this.#slot) ?? "[]")) this.#texts.set(id, String(text));
    } catch {
      // Not ours, or from another version: nothing was kept.
    }
  }

  of(id) {
    return this.#texts.get(id) ?? "";
  }

  keep(id, text) {
    if (id === "" || text === this.of(id)) return;
    if (text === "") this.#texts.delete(id);
    else this.#texts.set(id, text);
    try {
      sessionStorage.setItem(this.#slot, JSON.stringify([...this.#texts]));
    } catch {
      // No room: the draft outlives all but a reload.
    }
  }
}
