import assert from "node:assert/strict";
import test from "node:test";
import { connectEasemob, Problem } from "../dist/index.js";
import { FakeWebIM } from "./fake_easemob.mjs";
import { FakeBridge } from "./fake_rongcloud.mjs";
import { bridgeTo, password, start } from "./rig.mjs";

const settle = async () => {
  for (let i = 0; i < 100; i++) await null;
};

/** A bridge whose tokens are for Easemob. */
class EasemobBridge extends FakeBridge {
  endpoints = { navigators: [], socket_url: "ws://127.0.0.1:1/ws", api_url: "http://127.0.0.1:1" };

  async connectToken() {
    return { ...(await super.connectToken()), app_key: "org#app", im_user_id: "u1", endpoints: this.endpoints };
  }
}

function rig(options = {}) {
  const lib = new FakeWebIM();
  const bridge = options.bridge ?? new EasemobBridge();
  const states = [];
  const messages = [];
  lib.codes = options.codes ?? [];
  bridge.failures = options.failures ?? [];
  const connect = () =>
    connectEasemob(lib, bridge, { onState: (s) => states.at(-1) !== s && states.push(s), onMessage: (m) => messages.push(m), ...options.with });
  return { lib, bridge, states, messages, connect };
}

/** Moves the timers that a test has taken over, a second at a time. */
async function pass(t, ms) {
  for (let gone = 0; gone < ms; gone += 1000) {
    t.mock.timers.tick(1000);
    await settle();
  }
}

test("it connects as the person, where imbridge says, and leaves no reconnecting to the SDK", async () => {
  const { lib, bridge, states, messages, connect } = rig();
  const c = connect();
  await settle();
  const { deviceId, ...options } = lib.last.options;
  assert.deepEqual(options, {
    appKey: "org#app", url: "ws://127.0.0.1:1/ws", apiUrl: "http://127.0.0.1:1", https: false, isHttpDNS: false, isFixedDeviceId: false, autoReconnectNumMax: -1,
  });
  assert.match(deviceId, /^[a-z0-9]{12}$/);
  assert.deepEqual([lib.tokens, lib.last.user, c.detail.userID, lib.quiet], [["t1"], "u1", "u1", true]);
  assert.equal(c.sdk, lib.last);
  lib.last.emit("onTextMessage", { id: "1" });
  lib.last.emit("onImageMessage", { id: "2" });
  assert.deepEqual(messages.map((m) => m.id), ["1", "2"]);
  assert.deepEqual(states, ["connecting", "connected"]);
  assert.deepEqual(bridge.refusals, []);
  await c.stop();
});

test("without addresses the SDK finds the public cloud by itself", async () => {
  const bridge = new EasemobBridge();
  bridge.endpoints = { navigators: [], socket_url: null, api_url: null };
  const { lib, connect } = rig({ bridge });
  const c = connect();
  await settle();
  for (const key of ["url", "apiUrl", "isHttpDNS", "https"]) assert.ok(!(key in lib.last.options), key);
  await c.stop();
});

for (const code of [28, 56]) {
  test(`${code} at the login: reported once, then the next token`, async () => {
    const { lib, bridge, states, connect } = rig({ codes: [code] });
    const c = connect();
    await settle();
    assert.deepEqual(bridge.refusals, [[code, "t1"]]);
    assert.deepEqual(lib.tokens, ["t1", "t2"]);
    assert.deepEqual(states, ["connecting", "renewing", "connected"]);
    assert.equal(lib.made.length, 1, "one connection of the SDK");
    await c.stop();
  });
}

for (const code of [216, 217]) {
  test(`${code} while online: imbridge is asked whether there is another token`, async () => {
    const { lib, bridge, states, connect } = rig();
    const c = connect();
    await settle();
    lib.last.end(code);
    await settle();
    assert.deepEqual([bridge.refusals, lib.tokens], [[[code, "t1"]], ["t1", "t2"]]);
    assert.deepEqual(states.slice(-2), ["renewing", "connected"]);
    bridge.failures = [new Problem("banned", "x", { status: 403 })];
    lib.last.end(code);
    await c.over;
    assert.deepEqual([c.state, c.detail.code], ["banned", code]);
  });
}

for (const [code, state] of [[206, "signed out elsewhere"], [57, "failed"], [204, "failed"], [207, "failed"], [2, "failed"], [214, "failed"]]) {
  test(`${code}: ${state}, and no other try`, async () => {
    for (const online of [false, true]) {
      const { lib, bridge, connect } = rig({ codes: online ? [] : [code] });
      const c = connect();
      await settle();
      if (online) lib.last.end(code);
      await c.over;
      assert.deepEqual([c.state, c.detail], [state, { code }]);
      assert.deepEqual([lib.tokens.length, bridge.refusals.length, lib.last.handlers.size], [1, 0, 0]);
      assert.deepEqual(bridge.requests, state === "failed" ? ["GET /v1/me"] : [], "what is asked of imbridge");
    }
  });
}

for (const [problem, state] of [
  [new Problem("session_ended", "x", { status: 401 }), "signed out"],
  [new Problem("banned", "x", { status: 403 }), "banned"],
  [new Problem("no_answer", "x"), "failed"],
]) {
  test(`the account is gone from the cloud, and imbridge says ${problem.code}: ${state}`, async () => {
    const { lib, bridge, connect } = rig();
    bridge.request = async () => {
      throw problem;
    };
    const c = connect();
    await settle();
    lib.last.end(207);
    await c.over;
    assert.equal(c.state, state);
  });
}

test("a connection that breaks is made again, ever slower, and at once when the network is back", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { lib, bridge, states, connect } = rig();
  const c = connect();
  await settle();
  lib.last.end();
  await settle();
  assert.ok(c.detail.retryIn >= 750 && c.detail.retryIn <= 1250, `the first pause is ${c.detail.retryIn} ms, want about 1000`);
  lib.codes = [16, 16, 16, 16];
  await pass(t, 12_000);
  assert.ok(lib.tokens.length <= 6 && c.state === "connecting", `${lib.tokens.length} tries, ${c.state}`);
  lib.codes = [];
  lib.last.emit("onOnline");
  await settle();
  assert.deepEqual([c.state, new Set(lib.tokens), bridge.refusals], ["connected", new Set(["t1"]), []]);
  assert.deepEqual(states, ["connecting", "connected", "connecting", "connected"]);
  await c.stop();
});

test("an SDK that goes its own way is left there", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { lib, messages, connect } = rig();
  const c = connect();
  await settle();
  const first = lib.last;
  first.emit("onReconnecting");
  await settle();
  await pass(t, 2000);
  assert.deepEqual([c.state, lib.made.length, first.closes > 0, c.sdk === lib.last], ["connected", 2, true, true]);
  first.emit("onTextMessage", { id: "ghost" });
  assert.deepEqual(messages, []);
  await c.stop();
});

test("the next token is taken in place, when it is due and when the SDK says so", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { lib, bridge, states, connect } = rig();
  bridge.due = 10_000;
  const c = connect();
  await settle();
  bridge.due = 0;
  bridge.n = 2;
  await pass(t, 9_000);
  assert.deepEqual(lib.renewed, [], "before it is due");
  await pass(t, 1_000);
  assert.deepEqual(lib.renewed, ["t2"]);
  await pass(t, 20_000);
  assert.deepEqual(lib.renewed, ["t2"], "once");
  bridge.n = 3;
  lib.last.emit("onTokenWillExpire");
  lib.last.emit("onTokenWillExpire");
  await settle();
  assert.deepEqual(lib.renewed, ["t2", "t3"]);
  assert.deepEqual([states, lib.tokens], [["connecting", "connected"], ["t1"]], "without another connection");
  lib.last.end(28);
  await settle();
  assert.deepEqual(bridge.refusals, [[28, "t3"]], "the token that the connection lived on is the one refused");
  await c.stop();
});

test("401 for the next token: reported, and the one after it is taken", async () => {
  const { lib, bridge, states, connect } = rig();
  const c = connect();
  await settle();
  bridge.n = 2;
  lib.renewals = [{ type: 52, message: "Unable to authenticate" }];
  lib.last.emit("onTokenWillExpire");
  await settle();
  assert.deepEqual([bridge.refusals, lib.renewed, lib.tokens], [[[401, "t2"]], ["t2", "t3"], ["t1"]]);
  assert.deepEqual(states, ["connecting", "connected"]);
  await c.stop();
});

test("a renewal without an answer is tried again; once the token has ended, the connection is made anew", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { lib, bridge, states, connect } = rig();
  bridge.due = 1_000;
  const c = connect();
  await settle();
  bridge.n = 2;
  bridge.due = 0;
  const silence = { type: -1, message: "Request Timeout" };
  lib.renewals = [silence, silence];
  await pass(t, 1_000);
  bridge.due = 3_600_000;
  await pass(t, 4_000);
  assert.deepEqual(lib.renewed, ["t2", "t2"]);
  lib.last.expire();
  await settle();
  assert.deepEqual([lib.tokens, bridge.refusals, c.state], [["t1", "t2"], [[56, "t1"]], "connected"]);
  assert.deepEqual(states, ["connecting", "connected", "renewing", "connected"]);
  await c.stop();
});

test("it has what is shown read again after each connection, and leaves the rest to the SDK", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let calls = 0;
  const { lib, connect } = rig({ with: { onCatchUp: async () => (calls++, false) } });
  const c = connect();
  await settle();
  await pass(t, 120_000);
  assert.equal(calls, 1);
  lib.last.end(28);
  await settle();
  assert.equal(calls, 2);
  await c.stop();
});

test("checkSession hears that the session has ended, and hangs up", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { lib, bridge, connect } = rig({ with: { checkSession: 4000 } });
  const c = connect();
  await settle();
  bridge.request = async () => {
    throw new Problem("session_ended", "x", { status: 401 });
  };
  await pass(t, 5_000);
  await c.over;
  assert.deepEqual([c.state, lib.last.up, lib.last.handlers.size], ["signed out", false, 0]);
});

test("stop() ends it wherever it is", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const never = () => new Promise(() => {});
  for (const options of [{}, { codes: [16] }, { failures: [new Problem("im_unavailable", "x", { status: 503, retryAfter: 5 })] }, { codes: [never] }]) {
    const { lib, states, connect } = rig(options);
    const c = connect();
    await settle();
    const tries = lib.tokens.length;
    await c.stop();
    await pass(t, 60_000);
    await c.over;
    assert.deepEqual([c.state, states.at(-1), lib.last?.up ?? false, lib.last?.handlers.size ?? 0], ["stopped", "stopped", false, 0]);
    assert.equal(lib.tokens.length, tries);
  }
});

test("an SDK that throws: failed, with the cause", async () => {
  const cause = new Error("no WebSocket");
  const { lib, connect } = rig();
  lib.codes = [
    () => {
      throw cause;
    },
  ];
  const c = connect();
  await c.over;
  assert.deepEqual([c.state, c.detail.problem.code, c.detail.problem.cause], ["failed", "sdk_failed", cause]);
});

test("against imbridge: a cloud that refuses everything is given up, with words", async (t) => {
  const server = await start(t, { IMBRIDGE_SANDBOX_CLOUD: "easemob" });
  const bridge = bridgeTo(server);
  await bridge.register({ username: "ann", password });
  const { lib, states, connect } = rig({ codes: Array(50).fill(28), bridge });
  const c = connect();
  await c.over;
  assert.deepEqual([c.state, c.detail.problem.code, c.detail.code], ["failed", "gave_up", 28]);
  assert.equal(new Set(lib.tokens).size, 4, "the first and three others");
  assert.deepEqual(states, ["connecting", "renewing", "failed"]);
  assert.match(lib.last.options.url, /^ws:\/\/127\.0\.0\.1:\d+\/ws$/);
  assert.match(lib.last.options.apiUrl, /^http:\/\/127\.0\.0\.1:\d+$/);
});
