// What was written and has not arrived. It outlives a lost connection, and a reload of the
// page in the same tab.

const patience = 2_000; // ms before another try while connected

export class Outgoing {
  #slot;
  #transmit;
  #tell;
  #waiting = [];
  #flushing = false;
  #timer;

  /** transmit sends one; tell is called with a message whenever something became of it. */
  constructor(me, transmit, tell) {
    this.#slot = `imbridge:outgoing:${me}`;
    this.#transmit = transmit;
    this.#tell = tell;
    try {
      for (const kept of JSON.parse(sessionStorage.getItem(this.#slot) ?? "[]")) this.#waiting.push(this.#message(kept.talk, kept.text, kept.mark, kept.time));
    } catch {
      // Not ours, or from another version: nothing was kept.
    }
  }

  add(talk, text) {
    const mark = Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");
    const message = this.#message(talk, text, mark, Date.now());
    this.#waiting.push(message);
    this.#keep();
    this.#tell({ ...message });
    void this.flush();
  }

  of(talk) {
    return this.#waiting.filter((message) => message.talk === talk).map((message) => ({ ...message }));
  }

  /** One of ours came back to us: it has arrived, whatever we were told. */
  arrived(mark) {
    const message = mark === "" ? undefined : this.#waiting.find((m) => m.mark === mark);
    if (message !== undefined) this.#done(message, { fate: "" });
  }

  /** Sends what waits, one after the other, so that they arrive in the order of writing. */
  async flush() {
    if (this.#flushing) return;
    this.#flushing = true;
    clearTimeout(this.#timer);
    try {
      for (;;) {
        const message = this.#waiting.find((m) => m.fate === "waiting");
        if (message === undefined) return;
        message.fate = "sending";
        this.#tell({ ...message });
        const { outcome, code, uid, time } = await this.#transmit(message);
        if (outcome === "sent") this.#done(message, { fate: "", uid, time });
        else if (outcome === "refused") this.#refuse(message, code);
        else {
          message.fate = "waiting";
          this.#tell({ ...message });
          this.#timer = setTimeout(() => void this.flush(), patience);
          return;
        }
      }
    } finally {
      this.#flushing = false;
    }
  }

  #refuse(message, code) {
    message.fate = "refused";
    message.code = code;
    this.#tell({ ...message });
  }

  #done(message, facts) {
    if (!this.#waiting.includes(message)) return;
    this.#waiting = this.#waiting.filter((m) => m !== message);
    this.#keep();
    this.#tell({ ...message, ...facts });
  }

  #message(talk, text, mark, time) {
    const message = { uid: "", mark, talk, mine: true, text, time, fate: "waiting" };
    message.again = () => {
      const own = this.#waiting.find((m) => m.mark === mark);
      if (own === undefined) return;
      own.fate = "waiting";
      void this.flush();
    };
    return message;
  }

  #keep() {
    sessionStorage.setItem(this.#slot, JSON.stringify(this.#waiting.map(({ talk, text, mark, time }) => ({ talk, text, mark, time }))));
  }
}
