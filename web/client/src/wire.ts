import { Problem, problemOf } from "./problem.js";

/** How long an answer may take, in ms. */
const patience = 15_000;

export interface Call {
  method: string;
  path: string;
  body?: unknown;
  access?: string | undefined;
  headers?: Record<string, string>;
  /** ms; 15 s where there is none. */
  timeout?: number;
}

/** Sends requests to one server. */
export class Wire {
  readonly #base: string;
  readonly #fetch: typeof fetch;
  readonly #cookie: boolean;

  constructor(base: string, fetcher: typeof fetch, cookie: boolean) {
    this.#base = base.replace(/\/+$/, "");
    this.#fetch = fetcher;
    this.#cookie = cookie;
  }

  /** The answer's JSON, or undefined where it has none. Rejects with a Problem. */
  async send(call: Call): Promise<unknown> {
    const headers: Record<string, string> = { Accept: "application/json", ...call.headers };
    if (call.access !== undefined) headers["Authorization"] = `Bearer ${call.access}`;
    const init: RequestInit = { method: call.method, headers, credentials: this.#cookie ? "same-origin" : "omit", cache: "no-store" };
    if (call.body !== undefined) {
      headers["Content-Type"] = "application/json";
      init.body = JSON.stringify(call.body);
    }
    // Not AbortSignal.timeout: React Native has none.
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), call.timeout ?? patience);
    init.signal = abort.signal;
    try {
      const answer = await this.#fetch(this.#base + call.path, init);
      if (!answer.ok) throw await problemOf(answer);
      if (answer.status === 204) return undefined;
      return JSON.parse(await answer.text());
    } catch (err) {
      if (err instanceof Problem) throw err;
      if (err instanceof SyntaxError) throw new Problem("bad_answer", `${call.method} ${call.path}: the answer is not JSON`);
      throw new Problem("no_answer", `${call.method} ${call.path}: no answer`, { cause: err });
    } finally {
      clearTimeout(timer);
    }
  }
}
