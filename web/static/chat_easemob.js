// Easemob's own web SDK as the chat uses it. Its cloud brings each message once; what has come
// is kept in this tab.
import WebIM from "/static/dist/easemob.js";
import { connectEasemob } from "/static/dist/imbridge-client.js";
import { now } from "/static/chat_clock.js";
import { Kept } from "/static/chat_kept.js";

const mostTries = 3; // at one message, while nobody says what became of it
// The SDK's codes that say nothing about what became of a message: no answer, not connected.
const unsure = new Set([-2, -1, 16, 17, 39, 40, 510, 512]);
const lost = 512;

export class Cloud {
  tabOnly = true;
  /** The most that a text may have: 5 KB, of which our mark and what is around it take their share. */
  mostBytes = 4_800;
  #me;
  #kept;
  #connection;
  #tries = new Map(); // mark → how often it went out without a word of what became of it

  constructor(me) {
    this.#me = me;
    this.#kept = new Kept(me);
  }

  connect(bridge, { onMessage, ...options }) {
    this.#connection = connectEasemob(WebIM, bridge, {
      ...options,
      onMessage: (raw) => {
        if (raw.chatType !== "singleChat") return;
        const message = this.#messageOf(raw);
        // Whoever got no answer sends again, with the same mark.
        if (this.#kept.put(message)) onMessage(message);
      },
    });
    return this.#connection;
  }

  async talks() {
    return this.#kept.talks();
  }

  async history(id, before, count) {
    return this.#kept.before(id, before, count);
  }

  async read(id) {
    this.#kept.read(id);
  }

  async send({ talk, text, mark }) {
    if (this.#connection?.state !== "connected") return { outcome: "unknown", code: lost };
    const message = WebIM.message.create({ type: "txt", chatType: "singleChat", to: talk, msg: text, ext: { mark } });
    try {
      // The SDK waits 15 s for the answer, and ends with the connection. Who gives up before it sends twice.
      const { serverMsgId } = await this.#connection.sdk.send(message);
      this.#tries.delete(mark);
      // The answer has no time, and clocks differ: it stands after what it answers.
      const time = Math.max(now(), this.#kept.newest(talk) + 1);
      this.#kept.put({ uid: serverMsgId, mark, talk, mine: true, text, time });
      return { outcome: "sent", uid: serverMsgId, time };
    } catch (err) {
      // Where the service itself said no, its word is in the message.
      const code = err?.type === 502 && err.message ? err.message : err?.type;
      if (code === undefined) throw err;
      if (unsure.has(code) || this.#connection.state !== "connected") return this.#unknown(mark, code);
      this.#tries.delete(mark);
      return { outcome: "refused", code };
    }
  }

  /** Each try may have arrived, and phones show each: after some it is the writer's turn to say. */
  #unknown(mark, code) {
    const tries = (this.#tries.get(mark) ?? 0) + 1;
    this.#tries.set(mark, tries);
    if (tries < mostTries) return { outcome: "unknown", code };
    this.#tries.delete(mark);
    return { outcome: "refused", code: "unknown" };
  }

  #messageOf(raw) {
    const mine = raw.from === this.#me;
    return {
      uid: raw.id,
      mark: typeof raw.ext?.mark === "string" ? raw.ext.mark : "",
      talk: mine ? raw.to : raw.from,
      mine,
      text: raw.type === "txt" && typeof raw.msg === "string" ? raw.msg : null,
      time: Number(raw.time) || now(),
    };
  }
}
