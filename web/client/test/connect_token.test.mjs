import assert from "node:assert/strict";
import test from "node:test";
import { bridgeTo, browser, password, problem, start } from "./rig.mjs";

const seconds = 1000;
const hours = 3600 * seconds;
const get = "GET /v1/im/token";
const report = "POST /v1/im/token/refused";

test("connect tokens of a day", async (t) => {
  const server = await start(t, { IMBRIDGE_IM_LIFETIME: "1d" });
  let people = 0;
  // A second bridge on the storage of the one that registered has a session and no token yet.
  const person = async (options = {}) => {
    const shared = browser();
    const first = bridgeTo(server, shared);
    await first.register({ username: `person${++people}`, password });
    return bridgeTo(server, { ...shared, ...options });
  };
  const toRenewal = (token) => Date.parse(token.renew_after) - server.now();

  await t.test("one request, however many ask, and one token at the cloud", async () => {
    const before = await server.mints();
    const bridge = await person();
    const got = await Promise.all(Array.from({ length: 50 }, () => bridge.connectToken()));
    assert.equal(new Set(got.map((g) => g.token)).size, 1);
    assert.equal(bridge.count(get), 1);
    await bridge.connectToken();
    assert.equal(bridge.count(get), 1, "and it is kept");
    assert.equal((await server.mints()) - before, 1);
  });

  await t.test("it is renewed from renew_after on, before it ends", async () => {
    const bridge = await person();
    const first = await bridge.connectToken();
    assert.ok(bridge.tokenDueIn() > 12 * hours && bridge.tokenDueIn() < 24 * hours, `due in ${bridge.tokenDueIn()} ms`);
    await server.advance(toRenewal(first) - 30 * seconds);
    await bridge.connectToken();
    assert.equal(bridge.count(get), 1, "before its time nothing is asked");
    const minted = await server.mints();
    let next = first;
    for (let asked = 0; next.token === first.token && asked < 20; asked++) {
      await server.advance(Math.max(bridge.tokenDueIn(), 1));
      next = await bridge.connectToken();
      // The server renews behind its answer, in its own time.
      for (const patience = Date.now() + 60 * seconds; (await server.mints()) === minted; ) {
        assert.ok(Date.now() < patience, "a token in its window is renewed behind the answer");
      }
    }
    assert.ok(server.now() < Date.parse(first.expires_at), "the new one is here before the old one ends");
    assert.ok(bridge.count(get) <= 4, `${bridge.count(get)} requests, want few`);
    assert.ok(bridge.tokenDueIn() > 12 * hours);
  });

  await t.test("renewals are spread: jitter moves them", async () => {
    const early = await person({ random: () => 0 });
    const late = await person({ random: () => 1 });
    const [a, b] = [await early.connectToken(), await late.connectToken()];
    const after = (token, bridge) => server.now() + bridge.tokenDueIn() - Date.parse(token.renew_after);
    assert.ok(Math.abs(after(a, early)) < 20 * seconds, `${after(a, early)} ms after renew_after, want 0`);
    assert.ok(Math.abs(after(b, late) - 60 * seconds) < 20 * seconds, `${after(b, late)} ms after renew_after, want a minute`);
  });

  await t.test("a clock that is wrong by hours changes nothing", async () => {
    for (const wrong of [-50 * hours, 50 * hours]) {
      const bridge = await person({ now: () => server.now() + wrong });
      const first = await bridge.connectToken();
      await bridge.connectToken();
      assert.equal(bridge.count(get), 1);
      await server.advance(25 * hours);
      assert.notEqual((await bridge.connectToken()).token, first.token);
    }
  });

  await t.test("a token that had ended is replaced without a report", async () => {
    const bridge = await person();
    for (let i = 0; i < 6; i++) {
      const token = await bridge.connectToken();
      await server.advance(25 * hours);
      assert.notEqual((await bridge.refused(31020, token.token)).token, token.token);
    }
    assert.equal(bridge.count(report), 0);
  });
});

test("connect tokens that are refused", async (t) => {
  const server = await start(t);
  let people = 0;
  const person = async (options) => {
    const bridge = bridgeTo(server, options);
    await bridge.register({ username: `person${++people}`, password });
    return bridge;
  };

  await t.test("a permanent one is never asked for again", async () => {
    const bridge = await person();
    assert.equal(bridge.tokenDueIn(), Infinity);
    await bridge.connectToken();
    assert.equal(bridge.count(get), 0);
  });

  await t.test("it is reported once, however many report it, and the next one is given", async () => {
    const bridge = await person();
    const bad = (await bridge.connectToken()).token;
    const before = await server.mints();
    const got = await Promise.all([...Array.from({ length: 20 }, () => bridge.refused(31004, bad)), bridge.refused(31004), bridge.connectToken()]);
    assert.equal(new Set(got.map((g) => g.token)).size, 1);
    assert.notEqual(got[0].token, bad);
    assert.equal(bridge.count(report), 1);
    assert.equal((await server.mints()) - before, 1);
    assert.equal((await bridge.refused(31004, bad)).token, got[0].token, "a late report finds the next one");
    assert.equal(bridge.count(report) + bridge.count(get), 1);
  });

  await t.test("after three in a minute it gives up, says why, and tries again later", async () => {
    const bridge = await person();
    const seen = new Set([(await bridge.connectToken()).token]);
    for (let i = 0; i < 3; i++) seen.add((await bridge.refused(31004)).token);
    assert.equal(seen.size, 4);
    const err = await problem(bridge.refused(31004));
    assert.deepEqual([err.code, err.temporary], ["gave_up", false]);
    assert.match(err.message, /31004/);
    assert.ok(err.retryAfter > 50 && err.retryAfter <= 60, `retry after ${err.retryAfter}`);
    assert.equal((await problem(bridge.connectToken())).code, "gave_up", "the refused one is not handed out again");
    assert.equal(bridge.count(report), 3);
    await server.advance(61 * seconds);
    assert.ok(!seen.has((await bridge.connectToken()).token));
    assert.equal(bridge.count(report), 4);
  });

  await t.test("a report without an answer stays owed, and counts once", async () => {
    const bridge = await person();
    const bad = (await bridge.connectToken()).token;
    await server.control("/control/faults", { path: "/user/getToken.json", mode: "status", status: 503 });
    const down = await problem(bridge.refused(31004, bad));
    assert.deepEqual([down.code, down.temporary], ["im_unavailable", true]);
    assert.ok(down.retryAfter >= 1);
    for (let i = 0; i < 5; i++) {
      const err = await problem(bridge.connectToken());
      assert.equal(err.code, "im_unavailable");
      assert.ok(err.retryAfter <= down.retryAfter);
    }
    assert.deepEqual([bridge.count(report), bridge.count(get)], [1, 0], "nothing is asked before Retry-After");
    await server.control("/control/reset", {});
    let next;
    for (let i = 0; i < 30 && next === undefined; i++) {
      await server.advance(down.retryAfter * seconds);
      next = await bridge.refused(31004, bad).catch((err) => assert.ok(err.temporary, `${err.code}: ${err.message}`));
    }
    assert.ok(next !== undefined && next.token !== bad, "a new one once the cloud is back");
    assert.equal(bridge.count(get), 0, "the server was told, not asked");
    for (let i = 0; i < 2; i++) await bridge.refused(31004);
  });

  await t.test("another person's login drops the token", async () => {
    const bridge = await person();
    const first = await bridge.connectToken();
    await bridge.register({ username: `person${++people}`, password });
    assert.notEqual((await bridge.connectToken()).im_user_id, first.im_user_id);
  });
});

test("a token is handed out until its end while it cannot be renewed", async () => {
  let now = Date.parse("2026-01-01T00:00:00Z");
  const at = (s) => new Date(Date.parse("2026-01-01T00:00:00Z") + s * seconds).toISOString();
  const token = { cloud: "rongcloud", app_key: "k", im_user_id: "u", token: "one", issued_at: at(0), expires_at: at(100), renew_after: at(80), server_time: at(0), endpoints: { navigators: [] } };
  const answers = [new Response(JSON.stringify(token))];
  const fetched = async () => answers.shift() ?? new Response(JSON.stringify({ code: "im_unavailable", detail: "down" }), { status: 503, headers: { "Retry-After": "7" } });
  const bridge = bridgeTo({ api: "http://imbridge.test", now: () => now }, { credentials: "cookie", fetch: fetched });
  await bridge.connectToken();
  now += 90 * seconds;
  for (let i = 0; i < 5; i++) assert.equal((await bridge.connectToken()).token, "one");
  assert.equal(bridge.count(get), 2, "and Retry-After is honoured");
  assert.equal(bridge.tokenDueIn(), 7 * seconds);
  now += 7 * seconds;
  await bridge.connectToken();
  assert.equal(bridge.count(get), 3);
  now += 7 * seconds;
  const err = await problem(bridge.connectToken());
  assert.deepEqual([err.code, err.status, err.retryAfter], ["im_unavailable", 503, 7]);
  now += 2 * seconds;
  assert.equal((await problem(bridge.connectToken())).retryAfter, 5);
});

test("a server that is slow to renew is not asked all the time", async () => {
  let now = Date.parse("2026-01-01T00:01:30Z");
  const token = { token: "old", expires_at: "2026-01-01T00:01:40Z", renew_after: "2026-01-01T00:01:20Z" };
  const fetched = async () => new Response(JSON.stringify({ ...token, server_time: new Date(now).toISOString() }));
  const bridge = bridgeTo({ api: "http://imbridge.test", now: () => now }, { credentials: "cookie", fetch: fetched });
  for (let i = 0; i < 5; i++) await bridge.connectToken();
  assert.equal(bridge.count(get), 1);
  now += 2500;
  await bridge.connectToken();
  assert.equal(bridge.count(get), 2, "a quarter of what is left later, it is");
});
