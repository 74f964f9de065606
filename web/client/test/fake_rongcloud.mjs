// A stand-in for RongCloud's SDK: one connection, events, and answers to connect() that a
// test lines up. `codes` says what each connect() comes to; with none left it is 0.
export class FakeRongIMLib {
  Events = { CONNECTING: "CONNECTING", CONNECTED: "CONNECTED", SUSPEND: "SUSPEND", DISCONNECT: "DISCONNECT", MESSAGES: "MESSAGES" };
  inits = [];
  tokens = [];
  codes = [];
  disconnects = 0;
  #listeners = new Map();

  init(options) {
    this.inits.push(options);
  }

  async connect(token) {
    this.tokens.push(token);
    this.emit("CONNECTING");
    const next = this.codes.shift() ?? 0;
    const code = typeof next === "function" ? await next() : next;
    await null;
    if (code === 0) this.emit("CONNECTED");
    // The real one tells of a refusal twice: by its answer and by an event.
    else this.emit("DISCONNECT", code);
    return code === 0 ? { code, data: { userId: "u1" } } : { code };
  }

  async disconnect() {
    this.disconnects++;
    this.emit("DISCONNECT", 30010);
  }

  addEventListener(event, listener) {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
  }

  removeEventListener(event, listener) {
    this.#listeners.set(event, (this.#listeners.get(event) ?? []).filter((l) => l !== listener));
  }

  emit(event, argument) {
    for (const listener of this.#listeners.get(event) ?? []) listener(argument);
  }

  get listening() {
    return [...this.#listeners.values()].flat().length;
  }
}

/** A bridge that gives t1, t2, …; `failures` are thrown first. */
export class FakeBridge {
  n = 1;
  refusals = [];
  failures = [];
  requests = [];
  due = Infinity;
  #ended = new Set();

  async connectToken() {
    if (this.failures.length > 0) throw this.failures.shift();
    return { token: `t${this.n}`, app_key: "key", endpoints: { navigators: ["http://127.0.0.1:1"] } };
  }

  async refused(code, token) {
    if (this.failures.length > 0) throw this.failures.shift();
    this.refusals.push([code, token]);
    if (token === `t${this.n}`) this.n++;
    return await this.connectToken();
  }

  async request(method, path) {
    this.requests.push(`${method} ${path}`);
  }

  tokenDueIn() {
    return this.due;
  }

  onEnded(listener) {
    this.#ended.add(listener);
    return () => this.#ended.delete(listener);
  }

  end(problem) {
    for (const listener of this.#ended) listener(problem);
  }
}
