import type { components } from "./api.js";
import { Problem } from "./problem.js";
import type { BridgeStorage } from "./storage.js";
import type { Call, Wire } from "./wire.js";

export type User = components["schemas"]["User"];
type Answered = components["schemas"]["Session"];

/** What is kept of a session. */
interface Kept {
  user: User;
  id: string;
  access: string;
  /** When the access token ends, in ms of this machine's clock. */
  until: number;
  refresh: string;
}

/** The part of the Web Locks API that is used. */
export interface Locks {
  request<T>(name: string, work: () => Promise<T>): Promise<T>;
}

/** Refresh this long before the access token ends: requests take time. */
const ahead = 30_000;

// The server gives the same successor to everybody who comes with the same refresh token
// within ten seconds, and ends the session for whoever comes later: an answer that was lost
// has to be asked for again before that.
const refreshTimeout = 3_000;
const refreshPauses = [200, 800];

/** One login, shared by all who share its storage. */
export class Session {
  readonly #wire: Wire;
  readonly #storage: BridgeStorage;
  readonly #locks: Locks | undefined;
  readonly #now: () => number;
  readonly #key: string;
  #refreshing: Promise<Kept> | undefined;
  /** Called when the server ended the session. */
  onEnded: (problem: Problem) => void = () => {};

  constructor(wire: Wire, storage: BridgeStorage, locks: Locks | undefined, now: () => number, key: string) {
    this.#wire = wire;
    this.#storage = storage;
    this.#locks = locks;
    this.#now = now;
    this.#key = key;
  }

  async user(): Promise<User | null> {
    return (await this.#read())?.user ?? null;
  }

  async begin(user: User, session: Answered): Promise<void> {
    await this.#write(this.#kept(user, session));
  }

  async forget(): Promise<void> {
    await this.#storage.removeItem(this.#key);
  }

  /** Sends a request as the person who is logged in, refreshing the session where needed. */
  async send(call: Call): Promise<unknown> {
    let kept = await this.#read();
    if (kept === null) throw new Problem("logged_out", "nobody is logged in");
    if (this.#now() > kept.until - ahead) kept = await this.#refresh(kept);
    try {
      return await this.#wire.send({ ...call, access: kept.access });
    } catch (err) {
      if (!(err instanceof Problem) || err.status !== 401) throw err;
      if (err.code === "session_ended") {
        await this.#end(kept, err);
        throw err;
      }
      if (err.code !== "token_expired" && err.code !== "token_invalid") throw err;
    }
    // The clock here was turned back, or the server's keys were replaced.
    kept = await this.#refresh(kept);
    return await this.#wire.send({ ...call, access: kept.access });
  }

  #refresh(seen: Kept): Promise<Kept> {
    this.#refreshing ??= this.#alone(() => this.#exchange(seen)).finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  #alone(work: () => Promise<Kept>): Promise<Kept> {
    return this.#locks === undefined ? work() : this.#locks.request(this.#key, work);
  }

  async #exchange(seen: Kept): Promise<Kept> {
    const kept = await this.#read();
    if (kept === null) throw new Problem("logged_out", "another tab logged out");
    // Another tab was first.
    if (kept.access !== seen.access) return kept;
    for (let attempt = 0; ; attempt++) {
      try {
        const call = { method: "POST", path: "/v1/session/refresh", body: { refresh_token: kept.refresh }, timeout: refreshTimeout };
        const { session } = (await this.#wire.send(call)) as { session: Answered };
        const next = this.#kept(kept.user, session);
        await this.#write(next);
        return next;
      } catch (err) {
        if (!(err instanceof Problem)) throw err;
        const pause = refreshPauses[attempt];
        if ((err.temporary || err.code === "changed_meanwhile") && pause !== undefined) {
          await new Promise((resolve) => setTimeout(resolve, pause));
          continue;
        }
        if (err.status === 401) await this.#end(kept, err);
        throw err;
      }
    }
  }

  async #end(kept: Kept, why: Problem): Promise<void> {
    // Somebody may have logged in anew meanwhile, in another tab.
    if ((await this.#read())?.id !== kept.id) return;
    await this.forget();
    this.onEnded(why);
  }

  #kept(user: User, s: Answered): Kept {
    return { user, id: s.id, access: s.access_token, until: this.#now() + s.expires_in * 1000, refresh: s.refresh_token };
  }

  async #read(): Promise<Kept | null> {
    const text = await this.#storage.getItem(this.#key);
    if (text === null) return null;
    try {
      const kept = JSON.parse(text) as Partial<Kept>;
      if (typeof kept.access === "string" && typeof kept.refresh === "string" && typeof kept.id === "string" && typeof kept.until === "number") {
        return kept as Kept;
      }
    } catch {
      // Not ours, or from another version: the same as nothing.
    }
    return null;
  }

  async #write(kept: Kept): Promise<void> {
    await this.#storage.setItem(this.#key, JSON.stringify(kept));
  }
}
