// Tries to connect that come to no end: what opens, and never greets.
import assert from "node:assert/strict";
import test from "node:test";
import { connectEasemob, connectRongCloud } from "../dist/index.js";
import { FakeWebIM } from "./fake_easemob.mjs";
import { FakeBridge, FakeRongIMLib } from "./fake_rongcloud.mjs";

const never = () => new Promise(() => {});
const patience = 30_000;

/** Lets timers pass by hand; `left()` is how many wait. */
function clock(t) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const waiting = new Set();
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  globalThis.setTimeout = (work, ms) => {
    const timer = set(() => (waiting.delete(timer), work()), ms);
    waiting.add(timer);
    return timer;
  };
  globalThis.clearTimeout = (timer) => (waiting.delete(timer), clear(timer));
  t.after(() => Object.assign(globalThis, { setTimeout: set, clearTimeout: clear }));
  const settle = async () => {
    for (let i = 0; i < 100; i++) await null;
  };
  return {
    settle,
    left: () => waiting.size,
    async pass(ms) {
      await settle(); // what is under way has set its timers
      for (let gone = 0; gone < ms; gone += 500) {
        t.mock.timers.tick(500);
        await settle();
      }
    },
  };
}

/** A web socket that opens and hears what a test makes it hear. */
class FakeWebSocket extends EventTarget {
  static made = [];
  closed = false;

  constructor(url) {
    super();
    this.url = url;
    FakeWebSocket.made.push(this);
  }

  close() {
    this.closed = true;
    queueMicrotask(() => this.dispatchEvent(new Event("close")));
  }

  hear() {
    this.dispatchEvent(new Event("message"));
  }
}

/** RongCloud's SDK as it is where a socket opens and is silent: all that it does waits for the socket. */
class PatientRongIMLib extends FakeRongIMLib {
  silent = 0;
  #task;

  async connect(token) {
    if (this.#task !== undefined) return await this.#task;
    if (this.silent-- <= 0) return await super.connect(token);
    this.tokens.push(token);
    return await this.hang("CONNECTING");
  }

  /** One try, by itself or for connect(). */
  hang(event) {
    this.emit(event);
    const socket = new WebSocket("ws://127.0.0.1:1/websocket?appId=key&token=t");
    this.#task = new Promise((resolve) => socket.addEventListener("close", () => resolve({ code: 30002 })));
    return this.#task.finally(() => (this.#task = undefined));
  }

  async disconnect() {
    await this.#task;
    await super.disconnect();
  }
}

function rongcloud(t) {
  const { WebSocket: real } = globalThis;
  globalThis.WebSocket = FakeWebSocket;
  FakeWebSocket.made = [];
  t.after(() => (globalThis.WebSocket = real));
  const lib = new PatientRongIMLib();
  const bridge = new FakeBridge();
  return { lib, bridge, connect: (options) => connectRongCloud(lib, bridge, options), hang: (n) => (lib.silent = n) };
}

function easemob() {
  const lib = new FakeWebIM();
  const bridge = new FakeBridge();
  const give = bridge.connectToken.bind(bridge);
  bridge.connectToken = async () => ({ ...(await give()), im_user_id: "u1", endpoints: { navigators: [], socket_url: null, api_url: null } });
  return { lib, bridge, connect: (options) => connectEasemob(lib, bridge, options), hang: (n) => (lib.codes = Array(n).fill(never)) };
}

for (const [cloud, rig] of [["RongCloud", rongcloud], ["Easemob", easemob]]) {
  test(`${cloud}: a try without an end is given up after 30 s, and made again`, async (t) => {
    const { settle, pass, left } = clock(t);
    const { lib, bridge, connect, hang } = rig(t);
    hang(2);
    const told = [];
    const c = connect({ onState: (state, { retryIn, problem }) => told.push([state, retryIn !== undefined, problem?.code]) });
    await pass(patience - 500);
    assert.deepEqual(told, [["connecting", false, undefined]], "until then");
    assert.equal(lib.tokens.length, 1);
    await pass(500);
    assert.deepEqual(told.at(-1), ["connecting", true, "no_answer"], "after 30 s the page knows when the next try is");
    assert.ok(c.detail.retryIn <= 1250, `the first pause is ${c.detail.retryIn} ms, want about 1000`);
    await pass(1500);
    assert.equal(lib.tokens.length, 2, "tries");
    await pass(patience);
    assert.ok(c.detail.retryIn >= 1500, `the next pause is ${c.detail.retryIn} ms, want longer`);
    await pass(3000);
    assert.deepEqual([c.state, lib.tokens], ["connected", ["t1", "t1", "t1"]]);
    assert.deepEqual(bridge.refusals, [], "nothing was refused");
    await c.stop();
    await settle();
    assert.deepEqual([c.state, left()], ["stopped", 0], "timers that are left");
  });

  test(`${cloud}: no timer is left of a try that is over, nor one of a try that was stopped`, async (t) => {
    const { settle, left } = clock(t);
    const { connect, hang } = rig(t);
    hang(0);
    const c = connect();
    await settle();
    assert.deepEqual([c.state, left()], ["connected", 1], "connected: the one that looks after the next token");
    await c.stop();
    await settle();
    assert.equal(left(), 0, "timers of a stopped connection");
    hang(1);
    const hung = connect();
    await settle();
    assert.equal(left(), 1, "timers of a try");
    await hung.stop();
    await hung.over;
    await settle();
    assert.deepEqual([hung.state, left()], ["stopped", 0], "stopped in the middle of a try");
  });

  test(`${cloud}: a session that ends in the middle of a try leaves no connection behind`, async (t) => {
    const { settle } = clock(t);
    const { lib, bridge, connect } = rig(t);
    let greet;
    lib.codes = [() => new Promise((resolve) => (greet = () => resolve(0)))];
    const c = connect();
    await settle();
    const { last } = lib;
    bridge.end(new Error("ended"));
    greet();
    await settle();
    assert.equal(c.state, "signed out");
    if (last === undefined) assert.equal(lib.disconnects, 1);
    else assert.deepEqual([last.up, last.handlers.size], [false, 0]);
  });
}

test("RongCloud: silent sockets of the SDK are closed, and no others", async (t) => {
  const { pass } = clock(t);
  const { lib, connect, hang } = rongcloud(t);
  const before = globalThis.WebSocket;
  hang(1);
  const c = connect();
  await pass(500);
  const [silent] = FakeWebSocket.made;
  const greeted = new WebSocket("wss://127.0.0.1:1/websocket?appId=key&token=t");
  greeted.hear();
  const foreign = new WebSocket("ws://127.0.0.1:1/ws");
  assert.ok(foreign instanceof WebSocket && foreign instanceof FakeWebSocket, "they stay what they are");
  await pass(patience);
  assert.deepEqual([silent, greeted, foreign].map((s) => s.closed), [true, false, false]);
  await pass(2000);
  assert.equal(c.state, "connected");
  await c.stop();
  assert.equal(globalThis.WebSocket, before, "what was there is there again");
  assert.equal(lib.listening, 0);
});

test("RongCloud: a try of the SDK's own, in the middle of a connection, is ended as well", async (t) => {
  const { settle, pass } = clock(t);
  const { lib, connect, hang } = rongcloud(t);
  hang(0);
  const c = connect();
  await settle();
  lib.emit("SUSPEND", 30011);
  const task = lib.hang("CONNECTING");
  await pass(patience - 500);
  const [silent] = FakeWebSocket.made;
  assert.equal(silent.closed, false, "before 30 s");
  await pass(500);
  assert.equal(silent.closed, true, "after 30 s");
  assert.equal((await task).code, 30002, "which frees the SDK");
  lib.emit("SUSPEND", 30002);
  lib.emit("CONNECTING");
  lib.emit("CONNECTED");
  assert.equal(c.state, "connected");
  void lib.hang("CONNECTING");
  await c.stop();
  assert.deepEqual([c.state, lib.disconnects, FakeWebSocket.made[1].closed], ["stopped", 1, true], "stop() in the middle of one");
});

test("RongCloud: a greeting after all is no reason to wait for the next try", async (t) => {
  const { settle, pass } = clock(t);
  const lib = new FakeRongIMLib();
  let greet;
  lib.codes = [() => new Promise((resolve) => (greet = () => resolve(0)))];
  const c = connectRongCloud(lib, new FakeBridge());
  await pass(patience);
  assert.equal(c.state, "connecting");
  greet();
  await settle();
  assert.deepEqual([c.state, lib.tokens.length], ["connected", 2]);
  await c.stop();
});

test("Easemob: the connection that hangs is left, and closed also where it opens after all", async (t) => {
  const { pass, settle } = clock(t);
  const { lib, bridge, connect } = easemob();
  let greet;
  lib.codes = [() => new Promise((resolve) => (greet = () => resolve(0)))];
  const c = connect();
  await pass(patience + 1500);
  const [hung, next] = lib.made;
  assert.deepEqual([c.state, lib.made.length, c.sdk === next], ["connected", 2, true]);
  greet();
  await settle();
  assert.deepEqual([hung.up, hung.handlers.size, next.up, c.state], [false, 0, true, "connected"]);
  assert.deepEqual(bridge.refusals, []);
  await c.stop();
});
