import assert from "node:assert/strict";
import test from "node:test";
import { connectRongCloud, Problem } from "../dist/index.js";
import { FakeBridge, FakeRongIMLib } from "./fake_rongcloud.mjs";
import { bridgeTo, password, start } from "./rig.mjs";

const settle = async () => {
  for (let i = 0; i < 50; i++) await null;
};

function rig(options = {}) {
  const lib = new FakeRongIMLib();
  const bridge = options.bridge ?? new FakeBridge();
  const states = [];
  const messages = [];
  lib.codes = options.codes ?? [];
  bridge.failures = options.failures ?? [];
  const connect = () =>
    connectRongCloud(lib, bridge, { onState: (s) => states.at(-1) !== s && states.push(s), onMessage: (m) => messages.push(m), ...options.with });
  return { lib, bridge, states, messages, connect };
}

/** Moves the timers that a test has taken over, a second at a time. */
async function pass(t, ms) {
  for (let gone = 0; gone < ms; gone += 1000) {
    t.mock.timers.tick(1000);
    await settle();
  }
}

const down = () => new Problem("im_unavailable", "down", { status: 503, retryAfter: 5 });

test("it connects with the app key, navigators and token that imbridge gives", async () => {
  const { lib, states, messages, connect } = rig();
  const c = connect();
  await settle();
  assert.deepEqual(lib.inits, [{ appkey: "key", navigators: ["http://127.0.0.1:1"] }]);
  assert.deepEqual(lib.tokens, ["t1"]);
  assert.deepEqual(states, ["connecting", "connected"]);
  assert.equal(c.detail.userID, "u1");
  lib.emit("MESSAGES", { messages: [{ content: 1 }, { content: 2 }] });
  assert.deepEqual(messages, [{ content: 1 }, { content: 2 }]);
  await c.stop();
});

for (const code of [31004, 31020]) {
  test(`${code} at connect: reported once, then the next token`, async () => {
    const { lib, bridge, states, connect } = rig({ codes: [code] });
    const c = connect();
    await settle();
    assert.deepEqual(bridge.refusals, [[code, "t1"]]);
    assert.deepEqual(lib.tokens, ["t1", "t2"]);
    assert.deepEqual(states, ["connecting", "renewing", "connected"]);
    assert.equal(lib.inits.length, 1, "the library is set up once");
    await c.stop();
  });

  test(`${code} while online: the same, as often as it happens`, async () => {
    const { lib, bridge, states, connect } = rig();
    const c = connect();
    await settle();
    for (let i = 0; i < 5; i++) {
      lib.emit("DISCONNECT", code);
      await settle();
    }
    assert.deepEqual(lib.tokens, ["t1", "t2", "t3", "t4", "t5", "t6"]);
    assert.deepEqual(bridge.refusals.at(-1), [code, "t5"]);
    assert.deepEqual(states.slice(-2), ["renewing", "connected"]);
    await c.stop();
  });
}

for (const [code, state] of [[31009, "banned"], [31010, "signed out elsewhere"], [31029, "failed"]]) {
  test(`${code}: ${state}, and no other try`, async () => {
    for (const online of [false, true]) {
      const { lib, bridge, states, connect } = rig({ codes: online ? [] : [code] });
      const c = connect();
      await settle();
      if (online) lib.emit("DISCONNECT", code);
      await c.over;
      assert.equal(states.at(-1), state);
      assert.deepEqual(c.detail, { code });
      assert.deepEqual([lib.tokens.length, bridge.refusals.length, lib.listening], [1, 0, 0]);
    }
  });
}

test("a network that is gone is the SDK's to mend", async () => {
  const { lib, states, connect } = rig();
  const c = connect();
  await settle();
  lib.emit("SUSPEND", 30011);
  lib.emit("CONNECTING");
  assert.equal(c.state, "connecting");
  lib.emit("CONNECTED");
  assert.deepEqual(states, ["connecting", "connected", "connecting", "connected"]);
  assert.equal(lib.tokens.length, 1);
  await c.stop();
});

test("a first try that meets no network is made again, ever slower, without a report", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { lib, bridge, states, connect } = rig({ codes: Array(6).fill(30007) });
  const c = connect();
  await settle();
  assert.equal(lib.tokens.length, 1);
  assert.ok(c.detail.code === 30007 && c.detail.retryIn >= 750 && c.detail.retryIn <= 1250, JSON.stringify(c.detail));
  await pass(t, 3000);
  assert.ok(lib.tokens.length <= 3, `${lib.tokens.length} tries in 3 s`);
  await pass(t, 120_000);
  assert.equal(c.state, "connected");
  assert.equal(lib.tokens.length, 7);
  assert.deepEqual([bridge.refusals, new Set(lib.tokens)], [[], new Set(["t1"])]);
  assert.deepEqual(states, ["connecting", "connected"]);
  lib.emit("DISCONNECT", 30001);
  await settle();
  assert.ok(c.detail.retryIn <= 1250, `after a connection the first pause is ${c.detail.retryIn} ms, want about 1000`);
  await c.stop();
});

test("a refusal that was answered is not reported again when the network goes", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { lib, bridge, connect } = rig({ codes: [31020, 30007] });
  const c = connect();
  await settle();
  await pass(t, 5000);
  assert.deepEqual([c.state, lib.tokens, bridge.refusals], ["connected", ["t1", "t2", "t2"], [[31020, "t1"]]]);
  await c.stop();
});

test("while imbridge gives no token it waits as long as it was told", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { lib, bridge, states, connect } = rig({ codes: [31020], failures: [down(), down()] });
  const c = connect();
  await settle();
  assert.deepEqual([c.state, c.detail.retryIn, c.detail.problem.code], ["connecting", 5000, "im_unavailable"]);
  await pass(t, 4000);
  assert.equal(bridge.failures.length, 1);
  bridge.failures.push(down());
  await pass(t, 1000);
  assert.equal(bridge.failures.length, 1);
  await pass(t, 10_000);
  assert.deepEqual(lib.tokens, ["t1", "t2"]);
  assert.deepEqual(states, ["connecting", "renewing", "connected"]);
  await c.stop();
});

test("while a refused token cannot be replaced the state stays renewing", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { lib, bridge, connect } = rig();
  const c = connect();
  await settle();
  bridge.failures = [down()];
  lib.emit("DISCONNECT", 31020);
  await settle();
  assert.deepEqual([c.state, c.detail.retryIn, c.detail.code], ["renewing", 5000, 31020]);
  await pass(t, 5000);
  assert.deepEqual([c.state, bridge.refusals], ["connected", [[31020, "t1"]]]);
  await c.stop();
});

for (const [name, problem, state] of [
  ["nobody is logged in", new Problem("logged_out", "x"), "signed out"],
  ["the session has ended", new Problem("session_ended", "x", { status: 401 }), "signed out"],
  ["the person is banned", new Problem("banned", "x", { status: 403 }), "banned"],
  ["one token after the other was refused", new Problem("gave_up", "x", { retryAfter: 50 }), "failed"],
  ["imbridge says no", new Problem("forbidden", "x", { status: 403 }), "failed"],
]) {
  test(`${name}: ${state}`, async () => {
    const { lib, connect } = rig({ failures: [problem] });
    const c = connect();
    await c.over;
    assert.deepEqual([c.state, c.detail.problem, lib.tokens.length, lib.listening], [state, problem, 0, 0]);
  });
}

test("the end of the session while online disconnects", async () => {
  const { lib, bridge, connect } = rig();
  const c = connect();
  await settle();
  bridge.end(new Problem("session_ended", "x", { status: 401 }));
  await c.over;
  assert.deepEqual([c.state, c.detail.problem.code, lib.disconnects, lib.listening], ["signed out", "session_ended", 1, 0]);
});

test("checkSession asks imbridge while online, and not after", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { bridge, connect } = rig({ with: { checkSession: 4000 } });
  const c = connect();
  await settle();
  await pass(t, 13_000);
  assert.deepEqual(bridge.requests, Array(3).fill("GET /v1/me"));
  await c.stop();
  await pass(t, 13_000);
  assert.equal(bridge.requests.length, 3);
});

for (const [problem, state] of [
  [new Problem("banned", "x", { status: 403 }), "banned"],
  [new Problem("logged_out", "x"), "signed out"],
  [new Problem("no_answer", "x"), "connected"],
]) {
  test(`checkSession hears ${problem.code}: ${state}`, async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const { lib, bridge, connect } = rig({ with: { checkSession: 4000 } });
    bridge.request = async () => {
      throw problem;
    };
    const c = connect();
    await settle();
    await pass(t, 9000);
    assert.deepEqual([c.state, lib.disconnects], [state, state === "connected" ? 0 : 1]);
    await c.stop();
  });
}

test("while online the next token is fetched when it is due", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { bridge, connect } = rig();
  bridge.due = 30_000;
  let fetched = 0;
  const give = bridge.connectToken.bind(bridge);
  bridge.connectToken = () => (fetched++, give());
  const c = connect();
  await settle();
  assert.equal(fetched, 1);
  bridge.due = 0;
  await pass(t, 29_000);
  assert.equal(fetched, 1);
  await pass(t, 1000);
  assert.equal(fetched, 2);
  await c.stop();
});

test("stop() ends it wherever it is", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const never = () => new Promise(() => {});
  for (const options of [{}, { codes: [30007] }, { failures: [down()] }, { codes: [never] }]) {
    const { lib, states, connect } = rig(options);
    const c = connect();
    await settle();
    const tries = lib.tokens.length;
    await c.stop();
    await settle();
    if (options.codes?.length !== 0) await pass(t, 60_000);
    await c.over;
    assert.deepEqual([c.state, states.at(-1), lib.listening, lib.disconnects], ["stopped", "stopped", 0, 1]);
    assert.equal(lib.tokens.length, tries);
    const late = states.length;
    lib.emit("DISCONNECT", 31020);
    await settle();
    assert.equal(states.length, late);
  }
});

test("an SDK that throws: failed, with the cause", async () => {
  const cause = new Error("no IndexedDB");
  for (const broken of ["init", "connect"]) {
    const { lib, connect } = rig();
    lib[broken] = () => {
      throw cause;
    };
    const c = connect();
    await c.over;
    assert.deepEqual([c.state, c.detail.problem.code, c.detail.problem.cause, lib.listening], ["failed", "sdk_failed", cause, 0]);
  }
});

test("a listener that throws does not end the loop", async () => {
  const thrown = [];
  const others = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", (err) => thrown.push(err.message));
  try {
    const { lib, connect } = rig({
      with: {
        onState: (s) => {
          throw new Error(s);
        },
      },
    });
    const c = connect();
    await settle();
    lib.emit("DISCONNECT", 31020);
    await settle();
    assert.equal(c.state, "connected");
    await c.stop();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(thrown, ["connecting", "connected", "renewing", "connected", "stopped"]);
  } finally {
    process.removeAllListeners("uncaughtException");
    for (const other of others) process.on("uncaughtException", other);
  }
});

test("against imbridge: a cloud that refuses everything is given up, with words", async (t) => {
  const server = await start(t);
  const bridge = bridgeTo(server);
  await bridge.register({ username: "ann", password });
  const { lib, states, connect } = rig({ codes: Array(50).fill(31004), bridge });
  lib.codes = Array(50).fill(31004);
  const c = connect();
  await c.over;
  assert.deepEqual([c.state, c.detail.problem.code, c.detail.code], ["failed", "gave_up", 31004]);
  assert.equal(new Set(lib.tokens).size, 4, "the first and three others");
  assert.deepEqual(states, ["connecting", "renewing", "failed"]);
});

test("it has what is shown read again: after each connection, often at first, then seldom", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  let calls = 0;
  let news = false;
  const onCatchUp = async () => (calls++, news);
  const { lib, connect } = rig({ with: { onCatchUp } });
  const c = connect();
  await settle();
  assert.equal(calls, 1, "once connected");
  await pass(t, 60_000);
  assert.ok(calls >= 14 && calls <= 16, `${calls} times in the first minute, want every 4 s`);
  let before = calls;
  await pass(t, 300_000);
  assert.ok(calls - before >= 9 && calls - before <= 11, `${calls - before} times in five minutes more, want every 30 s`);

  news = true;
  await pass(t, 30_000);
  news = false;
  before = calls;
  await pass(t, 30_000);
  assert.ok(calls - before >= 6, `${calls - before} times in the half minute after something was missed, want every 4 s`);

  lib.emit("SUSPEND", 30011);
  before = calls;
  await pass(t, 60_000);
  assert.equal(calls, before, "not while the network is gone");
  lib.emit("CONNECTED");
  await settle();
  assert.equal(calls, before + 1, "at once when it is back");
  lib.emit("DISCONNECT", 31020);
  await settle();
  assert.equal(c.state, "connected");
  assert.equal(calls, before + 2, "and with the next token");
  before = calls;
  await pass(t, 8_000);
  assert.equal(calls, before + 2, "in one rhythm, however often it connected");
  await c.stop();
  await pass(t, 60_000);
  assert.equal(calls, before + 2, "not once it is stopped");
});

test("a reading that takes long is not overtaken, and one that fails ends nothing", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const complaints = [];
  const others = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", (err) => complaints.push(err.message));
  t.after(() => {
    process.removeAllListeners("uncaughtException");
    for (const listener of others) process.on("uncaughtException", listener);
  });
  const open = [];
  let now = 0;
  let most = 0;
  const onCatchUp = () => {
    most = Math.max(most, ++now);
    return new Promise((resolve, reject) => open.push({ resolve, reject })).finally(() => now--);
  };
  const { lib, connect } = rig({ with: { onCatchUp } });
  const c = connect();
  await settle();
  await pass(t, 12_000);
  lib.emit("SUSPEND", 30011);
  lib.emit("CONNECTED");
  await settle();
  assert.equal(open.length, 1, "the first is not done yet");
  open[0].resolve(false);
  await settle();
  assert.equal(open.length, 2, "what was wanted meanwhile is one more");
  open[1].reject(new Error("out of order"));
  await settle();
  await pass(t, 8_000);
  assert.equal(open.length, 3, "after a failure");
  assert.equal(most, 1, "at a time");
  assert.equal(c.state, "connected");
  await c.stop();
  open[2].resolve(false);
  await new Promise(setImmediate);
  assert.deepEqual(complaints, ["out of order"], "the page hears of it");
});
