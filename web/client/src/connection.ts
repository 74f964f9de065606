import type { Bridge } from "./bridge.js";
import { Problem } from "./problem.js";
import type { ConnectToken } from "./connect_token.js";

/**
 * How the connection is:
 * - connecting: on its way, or the network is gone and somebody is trying
 * - connected
 * - renewing: the cloud refused the token, and a new one is being fetched
 * - banned: by an admin; final
 * - signed out elsewhere: the person connected from another place; final
 * - signed out: the session with imbridge has ended; final
 * - failed: see the detail; final
 * - stopped: by stop(); final
 */
export type ConnectionState = "connecting" | "connected" | "renewing" | "banned" | "signed out elsewhere" | "signed out" | "failed" | "stopped";

export interface ConnectionDetail {
  /** The cloud's code that led here. */
  code?: number;
  /** What imbridge answered, or why we gave up. */
  problem?: Problem;
  /** ms until the next try. */
  retryIn?: number;
  /** The person's id at the cloud, with connected. */
  userID?: string;
}

export interface ConnectionOptions<Message> {
  onState?: (state: ConnectionState, detail: ConnectionDetail) => void;
  onMessage?: (message: Message) => void;
  /**
   * Read from the cloud again what is shown, and resolve with whether there was something that
   * onMessage had not brought. Called after each connection, and now and then while it lasts.
   */
  onCatchUp?: () => Promise<boolean>;
  /** While connected, ask imbridge every so many ms whether the session has ended; never where it is not set. */
  checkSession?: number;
}

export interface Connection {
  readonly state: ConnectionState;
  readonly detail: ConnectionDetail;
  /** Resolves when the loop is over: the connection is stopped or final. */
  readonly over: Promise<void>;
  stop(): Promise<void>;
}

/** An SDK that is still at one try after so many ms will be at it for ever. */
const patience = 30_000;
const firstPause = 1_000;
const longestPause = 30_000;
/** Timers of days do not survive a laptop's sleep, and setTimeout ends at 24 days. */
const longestNap = 3_600_000;

// How often we look ourselves for what the SDK does not bring: often after a connection and after
// something was missed, else rarely.
const alertFor = 60_000;
export const alertPause = 4_000;
const calmPause = 30_000;

/** Starts a loop, and hands out what others may do with it. */
export function begin(loop: Loop<any>): Connection {
  const over = loop.run();
  return {
    get state() {
      return loop.state;
    },
    get detail() {
      return loop.detail;
    },
    over,
    stop: () => loop.stop(),
  };
}

/** The final state that a problem means, or undefined where another try may help. */
export function verdict(problem: Problem): ConnectionState | undefined {
  if (problem.code === "banned") return "banned";
  if (problem.status === 401 || problem.code === "logged_out") return "signed out";
  return problem.temporary ? undefined : "failed";
}

/** Keeps one person connected; what is particular to a cloud's SDK comes from its own class. */
export abstract class Loop<Message> {
  protected readonly bridge: Bridge;
  protected readonly options: ConnectionOptions<Message>;
  state: ConnectionState = "connecting";
  detail: ConnectionDetail = {};
  #over = false;
  #online = false;
  #wasOnline = false;
  /** The token that the connection lives on. */
  protected using = "";
  /** Until when messages may be missing without a word. */
  #alertUntil = 0;
  #catching = false;
  #catchAgain = false;
  #connected: ConnectionDetail = {};
  /** Told of the next end of the connection; undefined while there is none to end. */
  #onDisconnect: ((code: number) => void) | undefined;
  #wake: () => void = () => {};
  #undo: (() => void)[] = [];
  /** connect() is on its way. */
  #trying = false;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  readonly #stopping: Promise<undefined>;
  #leave: () => void = () => {};

  constructor(bridge: Bridge, options: ConnectionOptions<Message>) {
    this.bridge = bridge;
    this.options = options;
    this.#stopping = new Promise((resolve) => (this.#leave = () => resolve(undefined)));
  }

  /** What a code means: a state for good, "refused" for a token that will not do, undefined for what passes. */
  protected abstract meaning(code: number): ConnectionState | "refused" | undefined;
  /** Listens to the SDK, where that is set up once. */
  protected abstract listen(): void;
  /** Tries once: the code of the SDK, 0 when connected. */
  protected abstract connect(token: ConnectToken): Promise<{ code: number; userID?: string | undefined }>;
  protected abstract disconnect(): Promise<unknown>;
  /** The try that the SDK is at leads nowhere: ends it, so that the next one is not held up by it. */
  protected abstract abandon(): void;
  /** Called after each try and each connection. */
  protected abstract ended(): void;
  /** The next token is at hand while connected; resolves with ms until it is looked after again, where that is urgent. */
  protected abstract renewed(): Promise<number | undefined>;
  /** Whether the SDK may keep messages back while it is connected. */
  protected abstract readonly mayBeDeaf: boolean;

  async run(): Promise<void> {
    try {
      await this.#keepConnected();
    } catch (err) {
      // connect() and init() are not meant to throw.
      this.finish("failed", { problem: new Problem("sdk_failed", "the SDK failed", { cause: err }) });
    }
  }

  async #keepConnected(): Promise<void> {
    this.#tell("connecting");
    this.listen();
    this.#undo.push(this.bridge.onEnded((problem) => this.finish("signed out", { problem })));

    let refused: { code: number; token: string } | undefined;
    let failures = 0;
    while (!this.#over) {
      let token: ConnectToken;
      try {
        token = await (refused === undefined ? this.bridge.connectToken() : this.bridge.refused(refused.code, refused.token));
      } catch (err) {
        await this.#troubled(err, failures++, refused?.code);
        continue;
      }
      if (this.#over) break;
      const code = await this.#connectOnce(token);
      if (this.#over) break;
      if (code === 0) continue;
      if (code === undefined) {
        refused = undefined;
        const problem = new Problem("no_answer", `the cloud's SDK came to no end in ${patience / 1000} s`);
        await this.#pause("connecting", { problem }, failures++);
        continue;
      }
      const meaning = this.meaning(code);
      if (meaning !== undefined && meaning !== "refused") return this.finish(meaning, { code });
      if (this.#wasOnline) failures = 0;
      if (meaning === "refused") {
        refused = { code, token: this.using };
        this.#tell("renewing", { code });
      } else {
        refused = undefined;
        await this.#pause("connecting", { code }, failures++);
      }
    }
  }

  /** Connects, and resolves with the code that ended it: of the try, or of the connection; undefined for a try without an end. */
  async #connectOnce(token: ConnectToken): Promise<number | undefined> {
    this.#wasOnline = false;
    this.using = token.token;
    // Listened to from the start: a connection may end between the answer and its handling.
    const disconnected = new Promise<number>((resolve) => (this.#onDisconnect = resolve));
    try {
      // connect() may take its time, or for ever: stop() does not wait for it.
      this.#trying = true;
      const late = new Promise<"late">((resolve) => this.#expect(() => resolve("late")));
      const answer = await Promise.race([this.connect(token), late, this.#stopping]);
      if (this.#over || answer === undefined) return 0;
      if (answer === "late") {
        this.abandon();
        return undefined;
      }
      const { code, userID } = answer;
      if (code !== 0) return code;
      clearTimeout(this.#deadline);
      this.#trying = false;
      this.#online = this.#wasOnline = true;
      this.#connected = userID === undefined ? {} : { userID };
      this.#greet();
      const rest = this.#tend();
      const end = await disconnected;
      rest();
      return end;
    } finally {
      clearTimeout(this.#deadline);
      this.#trying = this.#online = false;
      this.#onDisconnect = undefined;
      this.ended();
    }
  }

  /** The SDK says that the connection has ended. */
  protected lost(code: number): void {
    this.#onDisconnect?.(code);
  }

  #expect(late: () => void): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(late, patience);
  }

  /** The SDK says that the connection is broken; it will mend it. */
  protected suspended(code: number): void {
    clearTimeout(this.#deadline);
    if (this.state === "connected") this.#tell("connecting", { code });
  }

  /** The SDK says that it is at another try to mend the connection. */
  protected mending(): void {
    if (this.#online) this.#expect(() => this.abandon());
  }

  /** The SDK says that it is connected, perhaps again. */
  protected restored(): void {
    if (this.#trying) return;
    clearTimeout(this.#deadline);
    if (this.#online) this.#greet();
    // A try that was given up has come to a good end all the same.
    else this.hurry();
  }

  protected heard(message: Message): void {
    this.#call(() => this.options.onMessage?.(message));
  }

  /** The network is back: no reason to wait any longer. */
  protected hurry(): void {
    this.#wake();
  }

  protected get online(): boolean {
    return this.#online;
  }

  #greet(): void {
    this.#tell("connected", this.#connected);
    this.#alertUntil = Date.now() + alertFor;
    void this.#catchUp();
  }

  /** One at a time; what is wanted meanwhile comes after it. */
  async #catchUp(): Promise<void> {
    this.#catchAgain = true;
    if (this.#catching) return;
    this.#catching = true;
    while (this.#catchAgain && this.state === "connected") {
      this.#catchAgain = false;
      try {
        if (await this.options.onCatchUp?.()) this.#alertUntil = Date.now() + alertFor;
      } catch (err) {
        this.#complain(err);
      }
    }
    this.#catching = false;
  }

  /** While connected: has the next token at hand when this one ends, and watches the session. */
  #tend(): () => void {
    const timers = new Set<ReturnType<typeof setTimeout>>();
    let ended = false;
    const every = (pause: () => number, work: () => Promise<unknown>) => {
      const timer = setTimeout(() => {
        timers.delete(timer);
        const again = () => void (!ended && every(pause, work));
        work().then(again, (err: unknown) => {
          const state = err instanceof Problem ? verdict(err) : undefined;
          // What else went wrong shows when the token is needed.
          if (state === "signed out" || state === "banned") this.finish(state, { problem: err as Problem });
          else again();
        });
      }, pause());
      timers.add(timer);
    };
    let urgent: number | undefined;
    every(
      () => urgent ?? Math.min(Math.max(this.bridge.tokenDueIn(), firstPause), longestNap),
      async () => {
        if (urgent === undefined && this.bridge.tokenDueIn() > 0) return;
        urgent = firstPause; // what fails is tried again soon
        await this.bridge.connectToken();
        urgent = await this.renewed();
      },
    );
    const { checkSession, onCatchUp } = this.options;
    if (checkSession !== undefined) every(() => checkSession, () => this.bridge.request("GET", "/v1/me"));
    if (onCatchUp !== undefined && this.mayBeDeaf) {
      every(
        () => (Date.now() < this.#alertUntil ? alertPause : calmPause),
        () => this.#catchUp(),
      );
    }
    return () => {
      ended = true;
      timers.forEach((timer) => clearTimeout(timer));
    };
  }

  async #troubled(err: unknown, failures: number, code: number | undefined): Promise<void> {
    const problem = err instanceof Problem ? err : new Problem("bad_answer", String(err));
    const detail: ConnectionDetail = code === undefined ? { problem } : { problem, code };
    const state = verdict(problem);
    if (state !== undefined) return this.finish(state, detail);
    await this.#pause(this.state === "renewing" ? "renewing" : "connecting", detail, failures);
  }

  /** Waits as long as the server asked for, or longer with each failure, and never in step with others. */
  async #pause(state: ConnectionState, detail: ConnectionDetail, failures: number): Promise<void> {
    const asked = detail.problem?.retryAfter;
    const pause = asked !== undefined ? asked * 1000 : Math.min(firstPause * 2 ** failures, longestPause) * (0.75 + Math.random() / 2);
    this.#tell(state, { ...detail, retryIn: pause });
    if (this.#over) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pause);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async stop(): Promise<void> {
    this.finish("stopped", {});
    await this.disconnect();
  }

  protected finish(state: ConnectionState, detail: ConnectionDetail): void {
    if (this.#over) return;
    this.#over = true;
    const held = this.#online || this.#trying;
    if (this.#trying) this.abandon();
    for (const undo of this.#undo) undo();
    this.#onDisconnect?.(0);
    this.#wake();
    this.#leave();
    if (held && state !== "stopped") void this.disconnect();
    this.#say(state, detail);
  }

  #tell(state: ConnectionState, detail: ConnectionDetail = {}): void {
    if (!this.#over) this.#say(state, detail);
  }

  #say(state: ConnectionState, detail: ConnectionDetail): void {
    this.state = state;
    this.detail = detail;
    this.#call(() => this.options.onState?.(state, detail));
  }

  /** A listener's mistake is the page's to hear of, and must not end the loop. */
  #call(listener: () => void): void {
    try {
      listener();
    } catch (err) {
      this.#complain(err);
    }
  }

  #complain(err: unknown): void {
    queueMicrotask(() => {
      throw err;
    });
  }

  /** Taken back when it is over. */
  protected undo(work: () => void): void {
    this.#undo.push(work);
  }
}
