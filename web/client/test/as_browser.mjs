// What the clouds' own SDKs want of a browser, for Node, whose WebSocket needs
// --experimental-websocket before version 22. Nothing of it leaves loopback.

/** Every web socket that was made. */
export const sockets = [];
/** Every address elsewhere that was asked for, and was not. */
export const refused = [];

const near = (address) => ["127.0.0.1", "localhost"].includes(new URL(address).hostname);

class NearSocket extends WebSocket {
  constructor(address, ...rest) {
    if (!near(address)) throw new Error(`a web socket to ${address}`);
    super(address, ...rest);
    sockets.push(this);
  }
}

class NearRequest {
  upload = {};
  readyState = 0;
  status = 0;
  response = "";
  responseText = "";
  #headers = {};
  #listeners = {};

  open(method, address) {
    Object.assign(this, { method, address });
  }

  setRequestHeader(name, value) {
    this.#headers[name] = value;
  }

  getResponseHeader() {
    return null;
  }

  addEventListener(event, listener) {
    this.#listeners[event] = listener;
  }

  abort() {}

  async send(body) {
    try {
      if (!near(this.address)) {
        refused.push(this.address);
        throw new TypeError("not on this machine");
      }
      const answer = await fetch(this.address, { method: this.method, headers: this.#headers, body });
      this.response = this.responseText = await answer.text();
      this.status = answer.status;
    } catch {
      this.status = 0;
    }
    this.readyState = 4;
    for (const event of ["readystatechange", this.status === 0 ? "error" : "load"]) {
      this[`on${event}`]?.();
      this.#listeners[event]?.();
    }
  }
}

function store() {
  const items = new Map();
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, String(value)),
    removeItem: (key) => void items.delete(key),
    key: (i) => [...items.keys()][i] ?? null,
    get length() {
      return items.size;
    },
  };
}

const events = new EventTarget();
Object.assign(globalThis, {
  window: globalThis,
  self: globalThis,
  location: new URL("http://127.0.0.1/"),
  localStorage: store(),
  sessionStorage: store(),
  document: { addEventListener() {}, removeEventListener() {}, createElement: () => ({}) },
  WebSocket: NearSocket,
  XMLHttpRequest: NearRequest,
  addEventListener: events.addEventListener.bind(events),
  removeEventListener: events.removeEventListener.bind(events),
  dispatchEvent: events.dispatchEvent.bind(events),
});
Object.defineProperty(globalThis, "navigator", { configurable: true, value: { userAgent: "Node", connection: { effectiveType: "4g" } } });
