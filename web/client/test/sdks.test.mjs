// The clouds' own SDKs, unmodified, against the real binary.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import test from "node:test";
import { connectEasemob, connectRongCloud } from "../dist/index.js";
import { refused, sockets } from "./as_browser.mjs";
import { bridgeTo, password, start } from "./rig.mjs";

/** Waits for what comes over the network, while a test has the timers. */
async function until(what, probe) {
  for (const end = Date.now() + 20_000; !probe(); ) {
    assert.ok(Date.now() < end, `not within 20 s: ${what}`);
    await new Promise(setImmediate);
  }
}

/** A socket is open, and its SDK has been told. */
async function opened(n) {
  await until(`${n} sockets are open`, () => sockets.length === n && sockets[n - 1].readyState === WebSocket.OPEN);
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
}

async function begin(t, env) {
  for (const word of ["log", "info", "warn", "error"]) t.mock.method(console, word, () => {});
  const server = await start(t, env);
  const bridge = bridgeTo(server);
  const user = await bridge.register({ username: "ann", password });
  t.mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  sockets.length = refused.length = 0;
  return { server, bridge, user };
}

test("RongCloud's SDK connects after a socket that opened and never greeted", async (t) => {
  const { server, bridge, user } = await begin(t);
  const RongIMLib = await import("@rongcloud/imlib-next");
  await server.control("/control/faults", { path: "/websocket/connack", mode: "empty", times: 2 });
  const told = [];
  const onState = (state, { retryIn, problem }) => told.push([state, retryIn !== undefined, problem?.code]);
  const c = connectRongCloud(RongIMLib, bridge, { onState });
  await opened(1);
  t.mock.timers.tick(29_000);
  await new Promise(setImmediate);
  assert.deepEqual(told, [["connecting", false, undefined]], "the SDK itself waits on");
  t.mock.timers.tick(1_000);
  await until("the page is told of the next try", () => told.length === 2);
  assert.deepEqual(told[1], ["connecting", true, "no_answer"]);
  await until("the silent socket is closed", () => sockets[0].readyState === WebSocket.CLOSED);

  t.mock.timers.tick(1_500);
  await opened(2);
  t.mock.timers.tick(30_000);
  await until("the next one as well", () => sockets[1].readyState === WebSocket.CLOSED);
  t.mock.timers.tick(3_000);
  await until("connected", () => c.state === "connected");
  assert.equal(c.detail.userID, user.id);
  assert.equal(bridge.count("POST /v1/im/token/refused"), 0, "nothing was refused");
  await c.stop();

  await server.control("/control/faults", { path: "/websocket/connack", mode: "empty", times: 1 });
  const hung = connectRongCloud(RongIMLib, bridge);
  await opened(4);
  await hung.stop();
  await until("stop() ends a silent socket", () => sockets[3].readyState === WebSocket.CLOSED);
  assert.ok(refused.every((address) => address.includes("rong-edge.com")), `calls elsewhere: ${refused}`);
});

test("Easemob's SDK connects after a socket that opened and never answered the login", async (t) => {
  const { server, bridge, user } = await begin(t, { IMBRIDGE_SANDBOX_CLOUD: "easemob" });
  const WebIM = createRequire(import.meta.url)("easemob-websdk");
  await server.control("/control/faults", { path: "/ws/provision", mode: "empty", times: 3 });
  const told = [];
  const c = connectEasemob(WebIM, bridge, { onState: (state, { retryIn }) => told.push([state, retryIn !== undefined]) });
  // It gives each socket 10 s, and makes three of them before it says anything.
  for (let n = 1; n <= 3; n++) {
    await opened(n);
    assert.deepEqual(told, [["connecting", false]]);
    t.mock.timers.tick(10_000);
    await until("the silent socket is closed", () => sockets[n - 1].readyState === WebSocket.CLOSED);
  }
  await until("the page is told of the next try", () => told.length === 2);
  assert.deepEqual(told[1], ["connecting", true]);
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
  t.mock.timers.tick(1_500);
  await until("connected", () => c.state === "connected");
  assert.deepEqual([c.detail.userID, bridge.count("POST /v1/im/token/refused")], [user.id, 0]);
  await c.stop();
  assert.deepEqual(refused, []);
});
