// What was written and has not arrived. It outlives a lost connection, and a reload of the
// page in the same tab.

const patience = 2_000; // ms before another try while connected

export class Outgoing {
  #slot;
  #cloud;
  #tell;
  #now;
  #waiting = [];
  #flushing = false;
  #timer;

  /**
   * cloud.transmit sends one, cloud.find looks for one that may have arrived; tell is called with
   * a message whenever something became of it; now is the time as the cloud has it, in ms. What was
   * kept is another tab's where it is not our own.
   */
  constructor(me, cloud, tell, now, own = true) {
    this.#slot = `imbridge:outgoing:${me}`;
    this.#cloud = cloud;
    this.#tell = tell;
    this.#now = now;
    try {
      for (const kept of own ? JSON.parse(sessionStorage.getItem(this.#slot) ?? "[]") : []) {
        const message = { ...this.#message(kept.talk, kept.text, kept.mark, kept.time), tried: kept.tried };
        // What was refused waits for its writer to try again.
        this.#waiting.push(kept.fate === "refused" ? { ...message, fate: kept.fate, code: kept.code } : message);
      }
    } catch {
      // Not ours, or from another version: nothing was kept.
    }
    if (!own) this.#keep();
  }

  add(talk, text) {
    const mark = Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");
    const message = this.#message(talk, text, mark, this.#now());
    this.#waiting.push(message);
    this.#keep();
    this.#tell({ ...message });
    void this.flush();
  }

  of(talk) {
    return this.#waiting.filter((message) => message.talk === talk).map((message) => ({ ...message }));
  }

  /** One of ours came back to us: it has arrived, whatever we were told. */
  arrived(mark, { uid, time }) {
    const message = mark === "" ? undefined : this.#waiting.find((m) => m.mark === mark);
    if (message !== undefined) this.#done(message, { fate: "", uid, time });
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
        const { outcome, code, uid, time } = await this.#send(message).catch((err) => {
          console.warn("a message could not be sent:", err);
          return { outcome: "unknown" };
        });
        if (!this.#waiting.includes(message)) continue; // it has been seen to arrive
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

  /** What was sent once, without an answer, is sent again only where it has not arrived. */
  async #send(message) {
    if (message.tried) {
      const found = await this.#cloud.find(message);
      if (found === undefined) return { outcome: "unknown" };
      if (found !== null) return { outcome: "sent", uid: found.uid, time: found.time };
    }
    message.tried = true;
    this.#keep();
    return await this.#cloud.transmit(message);
  }

  #refuse(message, code) {
    message.fate = "refused";
    message.code = code;
    this.#keep();
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
      own.tried = false;
      this.#keep();
      void this.flush();
    };
    return message;
  }

  #keep() {
    try {
      sessionStorage.setItem(this.#slot, JSON.stringify(this.#waiting.map(({ talk, text, mark, time, tried, fate, code }) => ({ talk, text, mark, time, tried, fate, code }))));
    } catch {
      // No room: what waits outlives all but a reload.
    }
  }
}
