import type { Bridge } from "./bridge.js";
import { alertPause, begin, Loop, verdict, type Connection, type ConnectionOptions, type ConnectionState } from "./connection.js";
import { Problem } from "./problem.js";
import type { ConnectToken } from "./connect_token.js";

/** What is used of a connection of `easemob-websdk`, version 4. */
export interface EasemobConnection {
  open(who: { user: string; accessToken: string }): Promise<unknown>;
  close(): void;
  renewToken(token: string): Promise<unknown>;
  addEventHandler(id: string, handlers: any): void;
  removeEventHandler(id: string): void;
}

/** What is used of `easemob-websdk`, version 4. */
export interface EasemobSDK<C extends EasemobConnection = EasemobConnection> {
  connection: new (options: any) => C;
  logger?: { disableAll(): void };
}

export interface EasemobKept<C extends EasemobConnection> extends Connection {
  /** The SDK's own connection, for sending; undefined until the first token is here. */
  readonly sdk: C | undefined;
}

// https://doc.easemob.com: error codes of the web SDK.
const refusedCodes: ReadonlySet<number> = new Set([
  28, // wrong, or of another person
  56, // expired
  401, // ours, for renewToken()
  // The person was put out, by an admin, by imbridge or by a change of the password at the cloud.
  // Which it was, and whether they may come again, imbridge knows.
  216,
  217,
]);
const finalCodes: ReadonlyMap<number, ConnectionState> = new Map([
  [206, "signed out elsewhere"],
  [2, "failed"], // deactivated at the cloud, without imbridge
  [57, "failed"], // the app is switched off
  [204, "failed"], // the account is gone from the cloud
  [207, "failed"], // the same, while connected
  [214, "failed"], // connected from too many devices
]);
/** The SDK's code for a connection that broke. */
const broken = 16;
const expired = 56;

const handler = "imbridge";
const messageEvents = ["Text", "Image", "Audio", "Video", "File", "Location", "Custom", "Combine"].map((kind) => `on${kind}Message`);

/**
 * Connects the person of a bridge to Easemob and keeps them connected until stop() or a final state.
 * The SDK makes no tries of its own: a lost network is mended here as a refused token is.
 */
export function connectEasemob<Message = unknown, C extends EasemobConnection = EasemobConnection>(
  sdk: EasemobSDK<C>,
  bridge: Bridge,
  options: ConnectionOptions<Message> = {},
): EasemobKept<C> {
  const loop = new EasemobLoop<Message, C>(sdk, bridge, options);
  return Object.defineProperty(begin(loop), "sdk", { get: () => loop.sdk, enumerable: true }) as EasemobKept<C>;
}

class EasemobLoop<Message, C extends EasemobConnection> extends Loop<Message> {
  readonly #lib: EasemobSDK<C>;
  // A new one with each page: two pages with one device would put each other out for ever.
  readonly #device = Array.from({ length: 12 }, () => Math.floor(Math.random() * 36).toString(36)).join("");
  // What waited is brought at the login, and by the SDK's own heartbeat.
  protected readonly mayBeDeaf = false;
  sdk: C | undefined;
  #about = "";
  /** The SDK is connected, as far as it said. */
  #up = false;
  /** Why the connection will end, where the SDK has said so. */
  #reason: number | undefined;
  #renewing: Promise<number | undefined> | undefined;
  /** The last try to log in. */
  #opening: Promise<unknown> | undefined;

  constructor(lib: EasemobSDK<C>, bridge: Bridge, options: ConnectionOptions<Message>) {
    super(bridge, options);
    this.#lib = lib;
    // It writes the beginning of each token.
    lib.logger?.disableAll();
  }

  protected meaning(code: number): ConnectionState | "refused" | undefined {
    return refusedCodes.has(code) ? "refused" : finalCodes.get(code);
  }

  protected listen(): void {
    this.undo(() => this.sdk?.removeEventHandler(handler));
  }

  protected async connect(token: ConnectToken): Promise<{ code: number; userID?: string | undefined }> {
    const sdk = this.#connectionFor(token);
    this.#reason = undefined;
    try {
      this.#opening = sdk.open({ user: token.im_user_id, accessToken: token.token });
      await this.#opening;
      return { code: 0, userID: token.im_user_id };
    } catch (err) {
      const code = codeOf(err);
      // Not the SDK's own words: something else is wrong.
      if (code === undefined) throw err;
      return { code: await this.#sure(code) };
    }
  }

  /** What means the end is asked of imbridge as well, which has better words for it. */
  async #sure(code: number): Promise<number> {
    if (this.meaning(code) !== "failed") return code;
    try {
      await this.bridge.request("GET", "/v1/me");
    } catch (err) {
      const state = err instanceof Problem ? verdict(err) : undefined;
      if (state === "banned" || state === "signed out") this.finish(state, { problem: err as Problem });
    }
    return code;
  }

  #connectionFor(token: ConnectToken): C {
    const { socket_url: url, api_url: apiUrl } = token.endpoints;
    const about = JSON.stringify([token.app_key, url, apiUrl]);
    if (this.sdk !== undefined && this.#about === about) return this.sdk;
    this.#drop();
    const own = url === null ? {} : { url, https: !url.startsWith("ws://"), isHttpDNS: false, ...(apiUrl === null ? {} : { apiUrl }) };
    // Zero would be taken for the default.
    const sdk = new this.#lib.connection({ appKey: token.app_key, deviceId: this.#device, isFixedDeviceId: false, autoReconnectNumMax: -1, ...own });
    const mine = (listener: (argument: any) => void) => (argument: any) => void (this.sdk === sdk && listener(argument));
    sdk.addEventHandler(handler, {
      onConnected: mine(() => (this.#up = true)),
      onDisconnected: mine((why) => this.#up && this.#gone(this.#reason ?? codeOf(why) ?? broken)),
      onError: mine((err) => {
        const code = codeOf(err);
        if (this.#up && code !== undefined && this.meaning(code) !== undefined) this.#reason = code;
      }),
      onTokenWillExpire: mine(() => void this.#renew().catch(() => {})),
      onTokenExpired: mine(() => (this.#reason = expired)),
      onOnline: mine(() => this.hurry()),
      // It missed an answer and goes its own way, which would cross ours: it is left there.
      onReconnecting: mine(() => {
        this.#drop();
        this.#gone(broken);
      }),
      ...Object.fromEntries(messageEvents.map((event) => [event, mine((message) => this.heard(message))])),
    });
    this.#about = about;
    return (this.sdk = sdk);
  }

  #drop(): void {
    this.sdk?.removeEventHandler(handler);
    this.sdk?.close();
    this.sdk = undefined;
  }

  /** A connection that is at a login refuses the next one, so that it needs another. */
  protected abandon(): void {
    const { sdk } = this;
    this.#drop();
    const close = () => sdk?.close();
    // It may yet open what was closed before it was there.
    void this.#opening?.then(close, close);
  }

  #gone(code: number): void {
    this.#up = false;
    void this.#sure(code).then((sure) => this.lost(sure));
  }

  protected async disconnect(): Promise<void> {
    this.#up = false;
    this.sdk?.close();
  }

  protected ended(): void {
    void this.disconnect();
  }

  protected renewed(): Promise<number | undefined> {
    return this.#renew();
  }

  /** Gives the living connection the token that imbridge has by now. One at a time. */
  #renew(): Promise<number | undefined> {
    this.#renewing ??= this.#exchange().finally(() => (this.#renewing = undefined));
    return this.#renewing;
  }

  async #exchange(): Promise<number | undefined> {
    let next = await this.bridge.connectToken();
    for (;;) {
      const { sdk } = this;
      if (!this.online || sdk === undefined || next.token === this.using) return undefined;
      try {
        await sdk.renewToken(next.token);
        if (this.sdk === sdk) this.using = next.token;
        return undefined;
      } catch (err) {
        // Without an answer the old token does for now; once it has ended, the next connection has the new one.
        if (!isUnauthorized(err)) return alertPause;
      }
      next = await this.bridge.refused(401, next.token);
    }
  }
}

function codeOf(err: unknown): number | undefined {
  const type = (err as { type?: unknown } | undefined | null)?.type;
  return typeof type === "number" ? type : undefined;
}

/** Whether the cloud's answer over HTTP was 401; 52 is the SDK's own word for it. */
function isUnauthorized(err: unknown): boolean {
  const { type, extraInfo } = (err ?? {}) as { type?: number; extraInfo?: { httpCode?: number } };
  return extraInfo?.httpCode === 401 || type === 52;
}
