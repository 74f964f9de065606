/**
 * The web sockets of an SDK that have yet to hear a first word. RongCloud's (5.38.0) waits for that word
 * without a limit, and its connect() and disconnect() wait with it: nothing but the end of the socket
 * frees it, and it shows its sockets to nobody.
 */
export class SilentSockets {
  readonly #address: RegExp;
  readonly #silent = new Set<WebSocket>();

  constructor(address: RegExp) {
    this.#address = address;
  }

  /** Looks at each web socket that is made from now on; returns what ends that. */
  watch(): () => void {
    const real = (globalThis as { WebSocket?: typeof WebSocket }).WebSocket;
    if (real === undefined) return () => {};
    let watching = true;
    const watched = new Proxy(real, {
      construct: (target, details, made) => {
        const socket = Reflect.construct(target, details, made === watched ? target : made) as WebSocket;
        if (watching && this.#address.test(socket.url)) this.#note(socket);
        return socket;
      },
    });
    globalThis.WebSocket = watched;
    return () => {
      watching = false;
      // Somebody else may look on as well by now.
      if (globalThis.WebSocket === watched) globalThis.WebSocket = real;
    };
  }

  #note(socket: WebSocket): void {
    this.#silent.add(socket);
    for (const event of ["message", "close"]) socket.addEventListener(event, () => this.#silent.delete(socket), { once: true });
  }

  close(): void {
    for (const socket of this.#silent) socket.close();
    this.#silent.clear();
  }
}
