// A stand-in for Easemob's SDK: connections, events, and answers to open() that a test lines
// up. `codes` says what each open() comes to; with none left it is 0. `renewals` does so for renewToken().
export class FakeWebIM {
  made = [];
  tokens = [];
  renewed = [];
  codes = [];
  renewals = [];
  quiet = false;
  logger = { disableAll: () => (this.quiet = true) };

  constructor() {
    const sdk = this;
    this.connection = class {
      options;
      handlers = new Map();
      closes = 0;
      up = false;

      constructor(options) {
        this.options = options;
        sdk.made.push(this);
      }

      async open({ user, accessToken }) {
        this.user = user;
        sdk.tokens.push(accessToken);
        const next = sdk.codes.shift() ?? 0;
        const code = typeof next === "function" ? await next() : next;
        await null;
        if (code !== 0) {
          this.emit("onError", { type: code });
          throw { type: code, message: "refused" };
        }
        this.up = true;
        this.emit("onConnected");
        return { accessToken };
      }

      async renewToken(token) {
        sdk.renewed.push(token);
        const err = sdk.renewals.shift();
        if (err !== undefined) throw err;
        return { status: true, token };
      }

      close() {
        this.closes++;
        if (!this.up) return;
        this.up = false;
        this.emit("onDisconnected", undefined);
      }

      /** As the server does: it says why, or not, and hangs up. */
      end(code) {
        if (code !== undefined) this.emit("onError", { type: code });
        this.up = false;
        this.emit("onDisconnected", code === undefined ? { type: 16 } : { type: code });
      }

      /** As the SDK does when a token's time is up. */
      expire() {
        this.emit("onTokenExpired");
        this.close();
      }

      addEventHandler(id, handlers) {
        this.handlers.set(id, handlers);
      }

      removeEventHandler(id) {
        this.handlers.delete(id);
      }

      emit(event, argument) {
        for (const handlers of this.handlers.values()) handlers[event]?.(argument);
      }
    };
  }

  get last() {
    return this.made.at(-1);
  }
}
