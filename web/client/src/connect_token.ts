import type { components } from "./api.js";
import { Problem } from "./problem.js";
import type { Call } from "./wire.js";

export type ConnectToken = components["schemas"]["ConnectToken"];

/** So many tokens may be refused within so many ms before we stop asking for more. */
const refusalCap = 3;
const refusalWindow = 60_000;
/** Renewals are spread over at most so many ms. */
const mostJitter = 60_000;

/** The connect token: kept while it is good, fetched once however many ask. */
export class ConnectTokens {
  readonly #send: (call: Call) => Promise<unknown>;
  readonly #now: () => number;
  readonly #random: () => number;
  #token: ConnectToken | undefined;
  /** The server's clock less ours, in ms. */
  #skew = 0;
  /** When to fetch the next one, and when this one ends, by the server's clock. */
  #due = Infinity;
  #ends = Infinity;
  /** The server asked not to be asked before this, by our clock. */
  #wait: { until: number; problem: Problem } | undefined;
  #fetching: Promise<ConnectToken> | undefined;
  /** A refusal that the server has not answered yet. */
  #owed: { token: string; code: number } | undefined;
  #refusals: number[] = [];
  /** Moves when what is under way no longer counts: another person, or a report. */
  #turn = 0;

  constructor(send: (call: Call) => Promise<unknown>, now: () => number, random: () => number) {
    this.#send = send;
    this.#now = now;
    this.#random = random;
  }

  /** Drops everything: the person changed. */
  forget(): void {
    this.#turn++;
    this.#token = this.#wait = this.#fetching = this.#owed = undefined;
    this.#refusals = [];
  }

  /** Takes a token that came with another answer. */
  take(token: ConnectToken | null): void {
    if (token !== null) this.#keep(token, this.#now(), this.#now());
  }

  get(): Promise<ConnectToken> {
    const at = this.#serverNow();
    const token = this.#token;
    if (token !== undefined && at < this.#due) return Promise.resolve(token);
    return this.#fetch().catch((err: unknown) => {
      // The stored one is still good while it has not ended.
      if (token !== undefined && this.#token === token && this.#serverNow() < this.#ends && err instanceof Problem && err.temporary) return token;
      throw err;
    });
  }

  /** ms until get() would ask the server; Infinity where it never would. */
  dueIn(): number {
    if (this.#token === undefined) return 0;
    const wait = this.#wait === undefined ? 0 : this.#wait.until - this.#now();
    return Math.max(this.#due - this.#serverNow(), wait, 0);
  }

  /**
   * Takes a report that the cloud refused a token (the one handed out last, where none is named), and
   * gives the next one. Rejects with gave_up after three in a minute.
   */
  refused(code: number, token: string | undefined): Promise<ConnectToken> {
    const bad = token ?? this.#token?.token;
    // A newer one is here already, or the server is being told.
    if (bad === undefined || this.#owed?.token === bad || (this.#token !== undefined && this.#token.token !== bad)) return this.get();
    this.#turn++;
    this.#fetching = this.#wait = undefined;
    const ended = this.#serverNow() >= this.#ends;
    this.#token = undefined;
    // That a token which had ended was refused is no surprise, and nothing to report.
    if (ended) return this.#fetch();
    const now = this.#now();
    this.#refusals = this.#refusals.filter((at) => at > now - refusalWindow && at <= now);
    this.#owed = { token: bad, code };
    const first = this.#refusals[0];
    if (this.#refusals.length >= refusalCap && first !== undefined) {
      const retryAfter = Math.max(1, Math.ceil((first + refusalWindow - now) / 1000));
      const problem = new Problem("gave_up", `the cloud refused one token after the other, the last with code ${code}`, { retryAfter });
      this.#wait = { until: now + retryAfter * 1000, problem };
      return Promise.reject(problem);
    }
    this.#refusals.push(now);
    return this.#fetch();
  }

  #fetch(): Promise<ConnectToken> {
    const wait = this.#wait;
    if (wait !== undefined && this.#now() < wait.until) {
      const { problem, until } = wait;
      const retryAfter = Math.ceil((until - this.#now()) / 1000);
      return Promise.reject(new Problem(problem.code, problem.message, { status: problem.status, retryAfter }));
    }
    if (this.#fetching === undefined) {
      const fetching = this.#ask(
        this.#owed === undefined
          ? { method: "GET", path: "/v1/im/token" }
          : { method: "POST", path: "/v1/im/token/refused", body: this.#owed },
      ).finally(() => {
        if (this.#fetching === fetching) this.#fetching = undefined;
      });
      this.#fetching = fetching;
    }
    return this.#fetching;
  }

  async #ask(call: Call): Promise<ConnectToken> {
    const turn = this.#turn;
    const sent = this.#now();
    try {
      const token = (await this.#send(call)) as ConnectToken;
      if (turn === this.#turn) this.#keep(token, sent, this.#now());
      return token;
    } catch (err) {
      if (turn === this.#turn && err instanceof Problem && err.retryAfter !== undefined) {
        this.#wait = { until: this.#now() + err.retryAfter * 1000, problem: err };
      }
      throw err;
    }
  }

  #keep(token: ConnectToken, sent: number, received: number): void {
    this.#token = token;
    this.#wait = this.#owed = undefined;
    this.#skew = Date.parse(token.server_time) - (sent + received) / 2;
    this.#ends = token.expires_at === null ? Infinity : Date.parse(token.expires_at);
    this.#due = Infinity;
    if (token.renew_after !== null) {
      // Spread over the first half of what is left, so that those who came together
      // do not come back together.
      const from = Date.parse(token.renew_after);
      const room = Math.min((this.#ends - from) / 2, mostJitter);
      this.#due = from + this.#random() * Math.max(0, room);
    } else if (this.#ends !== Infinity) {
      this.#due = this.#ends;
    }
    // The server renews behind its answer: whoever asks in time gets the old token once more.
    const left = this.#ends - this.#serverNow();
    this.#due = Math.max(this.#due, this.#serverNow() + Math.min(Math.max(left / 4, 0), mostJitter));
  }

  #serverNow(): number {
    return this.#now() + this.#skew;
  }
}
