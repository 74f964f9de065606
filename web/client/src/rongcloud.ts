import type { Bridge } from "./bridge.js";
import { begin, Loop, type Connection, type ConnectionOptions, type ConnectionState } from "./connection.js";
import type { ConnectToken } from "./connect_token.js";
import { SilentSockets } from "./silent_sockets.js";

/** What is used of `@rongcloud/imlib-next`, version 5. */
export interface RongIMLib {
  Events: { CONNECTING: string; CONNECTED: string; SUSPEND: string; DISCONNECT: string; MESSAGES: string };
  init(options: { appkey: string; navigators: string[] }): void;
  connect(token: string): Promise<{ code: number; data?: { userId: string } | undefined }>;
  disconnect(): Promise<unknown>;
  // The SDK types a listener by its event; any one of ours fits.
  addEventListener(event: any, listener: (argument: any) => void): void;
  removeEventListener(event: any, listener: (argument: any) => void): void;
}

// https://docs.rongcloud.io: status codes of the client SDKs.
const refusedCodes: ReadonlySet<number> = new Set([31004, 31020]);
const finalCodes: ReadonlyMap<number, ConnectionState> = new Map([
  [31009, "banned"],
  [31010, "signed out elsewhere"],
  [31002, "failed"], // the app key is unknown
  [31008, "failed"], // the app key is locked
  [31029, "failed"], // the account is gone from the cloud
  [34005, "failed"], // the key is for another kind of app
]);

/** The library keeps one connection for the page, and wants to be set up once. */
const setUp = new WeakMap<object, string>();

/**
 * Connects the person of a bridge to RongCloud and keeps them connected until stop() or a final state.
 * A lost network is the SDK's to mend; a refused token is ours.
 */
export function connectRongCloud<Message = unknown>(lib: RongIMLib, bridge: Bridge, options: ConnectionOptions<Message> = {}): Connection {
  return begin(new RongCloudLoop<Message>(lib, bridge, options));
}

class RongCloudLoop<Message> extends Loop<Message> {
  readonly #lib: RongIMLib;
  // The SDK numbers its questions anew with each connection, and the clocks of the last one's run on:
  // for half a minute they take away answers of this one. When that hits a pull, what is announced is
  // not fetched, for up to three minutes and whatever the state is (engine 5.38.0).
  protected readonly mayBeDeaf = true;
  readonly #silent = new SilentSockets(/^wss?:\/\/[^?]*\/websocket\?appId=/);

  constructor(lib: RongIMLib, bridge: Bridge, options: ConnectionOptions<Message>) {
    super(bridge, options);
    this.#lib = lib;
  }

  protected meaning(code: number): ConnectionState | "refused" | undefined {
    return refusedCodes.has(code) ? "refused" : finalCodes.get(code);
  }

  protected listen(): void {
    const { Events } = this.#lib;
    this.#on(Events.DISCONNECT, (code: number) => this.lost(code));
    this.undo(this.#silent.watch());
    this.#on(Events.CONNECTING, () => this.mending());
    this.#on(Events.SUSPEND, (code: number) => this.suspended(code));
    this.#on(Events.CONNECTED, () => this.restored());
    this.#on(Events.MESSAGES, (event: { messages: Message[] }) => {
      for (const message of event.messages) this.heard(message);
    });
  }

  protected async connect(token: ConnectToken): Promise<{ code: number; userID?: string | undefined }> {
    const about = JSON.stringify([token.app_key, token.endpoints.navigators]);
    if (setUp.get(this.#lib) !== about) {
      this.#lib.init({ appkey: token.app_key, navigators: token.endpoints.navigators });
      setUp.set(this.#lib, about);
    }
    const { code, data } = await this.#lib.connect(token.token);
    return { code, userID: data?.userId };
  }

  protected abandon(): void {
    this.#silent.close();
  }

  protected disconnect(): Promise<unknown> {
    // The SDK waits for the end of a try that it is at.
    this.#silent.close();
    return this.#lib.disconnect();
  }

  protected ended(): void {}

  /** The SDK takes the next token when it connects again. */
  protected async renewed(): Promise<undefined> {}

  #on(event: string, listener: (argument: any) => void): void {
    this.#lib.addEventListener(event, listener);
    this.undo(() => this.#lib.removeEventListener(event, listener));
  }
}
