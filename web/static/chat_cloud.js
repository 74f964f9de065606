// The questions that the page asks RongCloud's SDK. Each ends: the SDK itself may wait half a
// minute for an answer that it has thrown away.

const patience = 4_000; // ms for one answer
const tries = 3;
const forSending = 5_000; // ms; whether a message has arrived is looked up then
const lost = 34006; // the SDK's own code for an answer that did not come

const later = (ms) => new Promise((resolve) => setTimeout(() => resolve({ code: lost }), ms));

export class Cloud {
  #lib;
  #online;

  constructor(lib, online) {
    this.#lib = lib;
    this.#online = online;
  }

  /** The conversations with people, newest first; undefined where there is no answer. */
  async talks() {
    const data = await this.#ask(() => this.#lib.getConversationList({ count: 100, startTime: 0, order: 0 }));
    return Array.isArray(data) ? data.filter((talk) => talk.conversationType === this.#lib.ConversationType.PRIVATE) : undefined;
  }

  /** What was written before a time (0: now), and whether there is more; undefined where there is no answer. */
  async history(id, before, count) {
    const data = await this.#ask(() => this.#lib.getHistoryMessages(this.#with(id), { timestamp: before, count, order: 0 }));
    return data && { list: data.list, more: data.hasMore };
  }

  /** Tells the cloud that a conversation has been read. */
  async read(id) {
    await this.#ask(() => this.#lib.clearMessagesUnreadStatus(this.#with(id)));
  }

  /** Sends once; the SDK's code, and its data where that is 0. */
  async send(id, content) {
    if (!this.#online()) return { code: lost };
    return await Promise.race([this.#lib.sendMessage(this.#with(id), content), later(forSending)]);
  }

  /** Whether a code says nothing about what became of a message. */
  unsure(code) {
    return !this.#online() || code === lost || (code >= 30000 && code < 34000);
  }

  #with(targetId) {
    return { conversationType: this.#lib.ConversationType.PRIVATE, targetId };
  }

  async #ask(question) {
    for (let left = tries; left > 0 && this.#online(); left--) {
      const { code, data } = await Promise.race([question(), later(patience)]);
      if (code === 0) return data ?? true;
    }
    return undefined;
  }
}
