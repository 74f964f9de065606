// RongCloud's own SDK as the chat uses it. Each question ends: the SDK itself may wait half a
// minute for an answer that it has thrown away.
import * as RongIMLib from "/static/dist/rongcloud.js";
import { connectRongCloud } from "/static/dist/imbridge-client.js";

const patience = 4_000; // ms for one answer
const tries = 3;
const forSending = 5_000; // ms; whether a message has arrived is looked up then
const lost = 34006; // the SDK's own code for an answer that did not come
const { PRIVATE } = RongIMLib.ConversationType;

const later = (ms) => new Promise((resolve) => setTimeout(() => resolve({ code: lost }), ms));

export class Cloud {
  /** Whether messages last no longer than the tab. */
  tabOnly = false;
  #me;
  #connection;

  constructor(me) {
    this.#me = me;
  }

  connect(bridge, { onMessage, ...options }) {
    this.#connection = connectRongCloud(RongIMLib, bridge, {
      ...options,
      onMessage: (raw) => raw.conversationType === PRIVATE && onMessage(this.#messageOf(raw)),
    });
    return this.#connection;
  }

  /** The conversations with people, newest first; undefined where there is no answer. */
  async talks() {
    const data = await this.#ask(() => RongIMLib.getConversationList({ count: 100, startTime: 0, order: 0 }));
    if (!Array.isArray(data)) return undefined;
    return data
      .filter((talk) => talk.conversationType === PRIVATE)
      .map(({ targetId, latestMessage, unreadMessageCount }) => ({
        id: targetId,
        latest: latestMessage ? this.#messageOf({ ...latestMessage, targetId }) : undefined,
        unread: unreadMessageCount ?? 0,
      }));
  }

  /** What was written before a time (0: now), and whether there is more; undefined where there is no answer. */
  async history(id, before, count) {
    const data = await this.#ask(() => RongIMLib.getHistoryMessages(where(id), { timestamp: before, count, order: 0 }));
    return data && { list: data.list.map((raw) => this.#messageOf({ ...raw, targetId: id })), more: data.hasMore };
  }

  /** Tells the cloud that a conversation has been read. */
  async read(id) {
    await this.#ask(() => RongIMLib.clearMessagesUnreadStatus(where(id)));
  }

  /** Sends one message; what came of it: "sent", "unknown", or "refused" for good with the code. */
  async send({ talk, text, mark }) {
    if (!this.#online) return { outcome: "unknown", code: lost };
    const content = new RongIMLib.TextMessage({ content: text, extra: mark });
    const { code, data } = await Promise.race([RongIMLib.sendMessage(where(talk), content), later(forSending)]);
    if (code === 0) return { outcome: "sent", uid: data.messageUId, time: data.sentTime };
    // Codes of the SDK itself say nothing about what became of the message.
    const unsure = !this.#online || code === lost || (code >= 30000 && code < 34000);
    return { outcome: unsure ? "unknown" : "refused", code };
  }

  #messageOf(raw) {
    return {
      uid: raw.messageUId,
      mark: typeof raw.content?.extra === "string" ? raw.content.extra : "",
      talk: raw.targetId,
      mine: raw.senderUserId === this.#me,
      text: raw.messageType === "RC:TxtMsg" && typeof raw.content?.content === "string" ? raw.content.content : null,
      time: raw.sentTime,
    };
  }

  get #online() {
    return this.#connection?.state === "connected";
  }

  async #ask(question) {
    for (let left = tries; left > 0 && this.#online; left--) {
      const { code, data } = await Promise.race([question(), later(patience)]);
      if (code === 0) return data ?? true;
    }
    return undefined;
  }
}

const where = (targetId) => ({ conversationType: PRIVATE, targetId });
