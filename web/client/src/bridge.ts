import type { paths } from "./api.js";
import { ConnectTokens, type ConnectToken } from "./connect_token.js";
import { Problem } from "./problem.js";
import { Session, type Locks, type User } from "./session.js";
import { memoryStorage, type BridgeStorage } from "./storage.js";
import { Wire } from "./wire.js";

type Body<Path extends keyof paths, Method extends keyof paths[Path]> = paths[Path][Method] extends {
  requestBody: { content: { "application/json": infer B } };
}
  ? B
  : never;

export type Registration = Body<"/v1/register", "post">;
export type Login = Body<"/v1/login", "post">;
export type LogoutScope = Body<"/v1/logout", "post">["scope"];
type LoggedIn = paths["/v1/login"]["post"]["responses"][200]["content"]["application/json"];

export interface BridgeOptions {
  /** Where imbridge is, like https://im.example.com; empty for the page's own origin. */
  baseURL: string;
  /** Where the session is kept; in memory where none is named. */
  storage?: BridgeStorage;
  /** "cookie": the page was logged in by its server, and the browser's cookie is the session. Nothing is stored. */
  credentials?: "cookie";
  /** What the person sees in the list of their sessions. */
  device?: string;
  fetch?: typeof fetch;
  /** ms since 1970; Date.now where none is named. */
  now?: () => number;
  /** The browser's Web Locks where there are any; null for none. */
  locks?: Locks | null;
  /** 0 to 1; Math.random where none is named. */
  random?: () => number;
}

/** A person's session with imbridge, and the connect token that an IM SDK needs. Rejects only with a Problem. */
export interface Bridge {
  register(who: Registration): Promise<User>;
  login(who: Login): Promise<User>;
  /** Ends this session, all others, or all. The session here is forgotten even where the server cannot be reached. */
  logout(scope?: LogoutScope): Promise<void>;
  /** Who is logged in here, as of the last answer; null where nobody is, and always with cookies. */
  user(): Promise<User | null>;
  /** Any other request of the API as the person who is logged in: request("GET", "/v1/me"). */
  request(method: string, path: string, body?: unknown): Promise<unknown>;
  /** The connect token: kept while it is good, and one request however many ask. */
  connectToken(): Promise<ConnectToken>;
  /**
   * Reports that the cloud refused a token, and gives the next one. Say which token, where more than
   * one may be about; a token is reported once. Rejects with code gave_up after three in a minute.
   */
  refused(code: number, token?: string): Promise<ConnectToken>;
  /** ms until connectToken() would ask the server for a newer one; Infinity for a permanent token. */
  tokenDueIn(): number;
  /** Called when the server has ended the session; returns what takes it back. */
  onEnded(listener: (problem: Problem) => void): () => void;
}

/** Makes the bridge of one person to one server. */
export function createBridge(options: BridgeOptions): Bridge {
  const { credentials, device, baseURL } = options;
  const now = options.now ?? Date.now;
  const fetcher = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
  const cookie = credentials === "cookie";
  const wire = new Wire(baseURL, fetcher, cookie);
  const storage = options.storage ?? memoryStorage();
  const prefix = `imbridge:${baseURL}`;
  const session = new Session(wire, storage, options.locks === undefined ? webLocks() : (options.locks ?? undefined), now, `${prefix}:session`);
  const listeners = new Set<(problem: Problem) => void>();
  const ended = (problem: Problem) => {
    tokens.forget();
    for (const listener of listeners) listener(problem);
  };
  session.onEnded = ended;

  const send: Session["send"] = async (call) => {
    if (!cookie) return await session.send(call);
    try {
      return await wire.send(call);
    } catch (err) {
      // bad_credentials is about a password in the request.
      if (err instanceof Problem && err.status === 401 && err.code !== "bad_credentials") ended(err);
      throw err;
    }
  };
  const tokens = new ConnectTokens(send, now, options.random ?? Math.random);
  const headers: Record<string, string> = device === undefined ? {} : { "X-Device-Name": device };

  // Whose tokens those are. Another tab may log out, or log in as somebody else.
  let owner: string | undefined;
  const mine = async (): Promise<void> => {
    if (cookie) return;
    const id = (await session.user())?.id;
    if (owner !== undefined && owner !== id) tokens.forget();
    owner = id;
  };

  const begin = async (answer: LoggedIn): Promise<User> => {
    tokens.forget();
    await session.begin(answer.user, answer.session);
    owner = answer.user.id;
    tokens.take(answer.im);
    return answer.user;
  };

  const byJSON = (): void => {
    if (cookie) throw new TypeError("with cookies, people log in by the server's own form");
  };

  return {
    async register(who) {
      byJSON();
      const slot = `${prefix}:register`;
      for (let again = false; ; again = true) {
        const key = await registrationKey(storage, slot, who.username);
        try {
          const answer = await wire.send({ method: "POST", path: "/v1/register", body: who, headers: { ...headers, "Idempotency-Key": key } });
          await storage.removeItem(slot);
          return await begin(answer as LoggedIn);
        } catch (err) {
          if (!(err instanceof Problem) || err.temporary) throw err;
          await storage.removeItem(slot);
          // The key was kept for another try of the same person, who has changed their mind since.
          if (!again && (err.code === "idempotency_key_reused" || err.code === "idempotency_key_spent")) continue;
          throw err;
        }
      }
    },
    async login(who) {
      byJSON();
      return await begin((await wire.send({ method: "POST", path: "/v1/login", body: who, headers })) as LoggedIn);
    },
    async logout(scope = "this") {
      try {
        await send({ method: "POST", path: "/v1/logout", body: { scope } });
      } catch (err) {
        if (!(err instanceof Problem) || (err.status !== 401 && err.code !== "logged_out")) throw err;
      } finally {
        tokens.forget();
        if (scope !== "others" && !cookie) await session.forget();
      }
    },
    user: () => session.user(),
    request: (method, path, body) => send(body === undefined ? { method, path } : { method, path, body }),
    async connectToken() {
      await mine();
      return await tokens.get();
    },
    async refused(code, token) {
      await mine();
      return await tokens.refused(code, token);
    },
    tokenDueIn: () => tokens.dueIn(),
    onEnded(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/**
 * The Idempotency-Key of a registration, kept until it is answered, so that a second try after a lost
 * answer finds the account of the first. Only the name is kept with it, nothing secret.
 */
async function registrationKey(storage: BridgeStorage, slot: string, username: string): Promise<string> {
  try {
    const kept = JSON.parse((await storage.getItem(slot)) ?? "null") as { key?: unknown; username?: unknown } | null;
    if (kept !== null && typeof kept.key === "string" && kept.username === username) return kept.key;
  } catch {
    // Not ours.
  }
  const key = drawKey();
  await storage.setItem(slot, JSON.stringify({ key, username }));
  return key;
}

function drawKey(): string {
  const bytes = new Uint8Array(16);
  const source = globalThis.crypto as Crypto | undefined;
  // React Native has no crypto of its own; the key has to be new, not secret.
  if (source === undefined) bytes.forEach((_, i) => (bytes[i] = Math.floor(Math.random() * 256)));
  else source.getRandomValues(bytes);
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}

function webLocks(): Locks | undefined {
  const locks = (globalThis.navigator as { locks?: Locks } | undefined)?.locks;
  // Called on its owner: browsers refuse it elsewhere.
  return locks === undefined ? undefined : { request: (name, work) => locks.request(name, work) };
}
