// Messages that a cloud brings once, kept in this tab for as long as it is open, and how many
// of them are unread. The oldest make room.
const mostMessages = 300; // of one conversation

export class Kept {
  #slot;
  #talks = new Map(); // id → { list by time, unread }

  constructor(me) {
    this.#slot = `imbridge:kept:${me}:`;
    for (const key of Object.keys(sessionStorage)) {
      if (!key.startsWith(this.#slot)) continue;
      try {
        const { list, unread } = JSON.parse(sessionStorage.getItem(key));
        if (Array.isArray(list)) this.#talks.set(key.slice(this.#slot.length), { list, unread: Number(unread) || 0 });
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

  /** Where the tab has no room left, what is shown is all there is. */
  #store(id) {
    const { list, unread } = this.#talks.get(id);
    try {
      sessionStorage.setItem(this.#slot + id, JSON.stringify({ list, unread }));
    } catch {
      sessionStorage.removeItem(this.#slot + id);
    }
  }
}
