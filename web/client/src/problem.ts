import { problemCodes, type ProblemCode } from "./codes.js";

/**
 * What can go wrong on this side of the wire:
 * - no_answer: the server could not be reached, or did not answer in time; it may have acted
 * - bad_answer: what answered is not imbridge
 * - logged_out: nobody is logged in here
 * - gave_up: the cloud refused one token after the other
 * - sdk_failed: the cloud's SDK threw; the cause says more
 */
export type LocalCode = "no_answer" | "bad_answer" | "logged_out" | "gave_up" | "sdk_failed";

export interface FieldProblem {
  field: string;
  wrong: string;
}

interface Facts {
  status?: number;
  fields?: FieldProblem[];
  retryAfter?: number;
  requestID?: string;
  cause?: unknown;
}

/** Every failure of this package. Programs branch on its code, never on its text. */
export class Problem extends Error {
  /** One of the server's codes, or one of ours where no server spoke. */
  readonly code: ProblemCode | LocalCode;
  /** The HTTP status; 0 where no server spoke. */
  readonly status: number;
  /** What is wrong with each field of the request. */
  readonly fields: FieldProblem[];
  /** Seconds until another try makes sense; undefined where the server named none. */
  readonly retryAfter: number | undefined;
  /** Finds the request in the server's log. */
  readonly requestID: string | undefined;

  constructor(code: ProblemCode | LocalCode, message: string, facts: Facts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = "Problem";
    this.code = code;
    this.status = facts.status ?? 0;
    this.fields = facts.fields ?? [];
    this.retryAfter = facts.retryAfter;
    this.requestID = facts.requestID;
  }

  /** Whether the same request may succeed later without anybody doing anything. */
  get temporary(): boolean {
    return this.code === "no_answer" || this.code === "bad_answer" || this.status >= 500 || this.status === 429;
  }
}

const known: ReadonlySet<string> = new Set(problemCodes);

/** The problem that an answer tells of. */
export async function problemOf(answer: Response): Promise<Problem> {
  const header = Number(answer.headers.get("Retry-After") ?? "");
  const facts: Facts = { status: answer.status };
  if (header > 0) facts.retryAfter = header;
  let body: Record<string, unknown> = {};
  try {
    const parsed: unknown = await answer.json();
    if (typeof parsed === "object" && parsed !== null) body = parsed as Record<string, unknown>;
  } catch {
    // Something before the server answered; the status is all there is.
  }
  if (typeof body["code"] !== "string" || !known.has(body["code"])) {
    return new Problem("bad_answer", `answer ${answer.status} is none of imbridge's`, facts);
  }
  if (Array.isArray(body["fields"])) facts.fields = body["fields"] as FieldProblem[];
  if (typeof body["retry_after"] === "number") facts.retryAfter = body["retry_after"];
  if (typeof body["request_id"] === "string") facts.requestID = body["request_id"];
  const text = typeof body["detail"] === "string" ? body["detail"] : String(body["title"]);
  return new Problem(body["code"] as ProblemCode, text, facts);
}
