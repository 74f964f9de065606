import assert from "node:assert/strict";
import test from "node:test";
import { bridgeTo, browser, password, problem, start } from "./rig.mjs";

const minutes = 60_000;

test("sessions", async (t) => {
  const server = await start(t);
  let people = 0;
  const register = async (options) => {
    const bridge = bridgeTo(server, options);
    const username = `person${++people}`;
    const user = await bridge.register({ username, password });
    return { bridge, user, username };
  };

  await t.test("registering logs in, and brings the connect token along", async () => {
    const { bridge, user, username } = await register();
    assert.equal(user.username, username);
    assert.deepEqual(await bridge.user(), user);
    assert.deepEqual((await bridge.request("GET", "/v1/me")).user, user);
    assert.equal((await bridge.connectToken()).im_user_id, user.id);
    assert.deepEqual(bridge.calls, ["POST /v1/register", "GET /v1/me"]);
  });

  await t.test("problems carry code, status and fields", async () => {
    const { username } = await register();
    const bridge = bridgeTo(server);
    const taken = await problem(bridge.register({ username, password }));
    assert.deepEqual([taken.code, taken.status], ["username_taken", 409]);
    assert.ok(taken.requestID);
    const short = await problem(bridge.register({ username: "somebody", password: "x" }));
    assert.deepEqual([short.code, short.status, short.fields.map((f) => f.field)], ["invalid_field", 422, ["password"]]);
    const wrong = await problem(bridge.login({ login: username, password: "wrong horse" }));
    assert.deepEqual([wrong.code, wrong.temporary], ["bad_credentials", false]);
    assert.equal((await problem(bridge.connectToken())).code, "logged_out");
    assert.equal(await bridge.user(), null);
  });

  await t.test("nobody listens: no_answer, and temporary", async () => {
    const bridge = bridgeTo({ api: "http://127.0.0.1:1", now: Date.now });
    const err = await problem(bridge.login({ login: "a", password: "b" }));
    assert.deepEqual([err.code, err.status, err.temporary], ["no_answer", 0, true]);
  });

  await t.test("many requests refresh once", async () => {
    const { bridge } = await register();
    await server.advance(11 * minutes);
    await Promise.all(Array.from({ length: 20 }, () => bridge.request("GET", "/v1/me")));
    assert.equal(bridge.count("POST /v1/session/refresh"), 1);
    assert.equal(bridge.count("GET /v1/me"), 20, "and none of them was refused first");
    await bridge.request("GET", "/v1/me");
    assert.equal(bridge.count("POST /v1/session/refresh"), 1, "and the new session is kept");
  });

  await t.test("two tabs with locks refresh once, and both go on", async () => {
    const shared = browser();
    const { bridge: one, username } = await register(shared);
    const two = bridgeTo(server, shared);
    assert.equal((await two.user()).username, username);
    for (let round = 1; round <= 3; round++) {
      await server.advance(11 * minutes);
      await Promise.all([one.request("GET", "/v1/me"), two.request("GET", "/v1/me")]);
      assert.equal(one.count("POST /v1/session/refresh") + two.count("POST /v1/session/refresh"), round);
    }
  });

  await t.test("two tabs without locks refresh at once, and both go on", async () => {
    const shared = { storage: browser().storage, locks: null };
    const { bridge: one } = await register(shared);
    const two = bridgeTo(server, shared);
    for (let round = 1; round <= 3; round++) {
      await server.advance(11 * minutes);
      await Promise.all([one.request("GET", "/v1/me"), two.request("GET", "/v1/me")]);
    }
    assert.equal(one.count("POST /v1/session/refresh") + two.count("POST /v1/session/refresh"), 6);
  });

  await t.test("a refresh whose answer is lost is asked for again at once", async () => {
    const { bridge } = await register();
    await server.advance(11 * minutes);
    bridge.lose("/v1/session/refresh");
    await bridge.request("GET", "/v1/me");
    assert.equal(bridge.count("POST /v1/session/refresh"), 2);
    await server.advance(11 * minutes);
    await bridge.request("GET", "/v1/me");
  });

  await t.test("a clock that is behind is noticed by the server's 401", async () => {
    let behind = 0;
    const { bridge } = await register({ now: () => server.now() - behind });
    await server.advance(11 * minutes);
    behind = 11 * minutes;
    await bridge.request("GET", "/v1/me");
    assert.deepEqual(bridge.calls.slice(1), ["GET /v1/me", "POST /v1/session/refresh", "GET /v1/me"]);
  });

  await t.test("a session that was ended elsewhere is told of once, and forgotten", async () => {
    const shared = browser();
    const { bridge, username } = await register(shared);
    const told = [];
    bridge.onEnded((p) => told.push(p.code));
    const other = bridgeTo(server);
    await other.login({ login: username, password });
    await other.logout("others");
    assert.equal((await problem(bridge.request("GET", "/v1/me"))).code, "session_ended");
    assert.equal((await problem(bridge.request("GET", "/v1/me"))).code, "logged_out");
    assert.deepEqual(told, ["session_ended"]);
    assert.equal(shared.items.size, 0);
    await other.request("GET", "/v1/me");
  });

  await t.test("the end of an old session leaves the new one of another tab alone", async () => {
    const shared = browser();
    let open = () => {};
    let gate = Promise.resolve();
    const slowly = async (url, init) => {
      await gate;
      return await fetch(url, init);
    };
    const { bridge: one, username } = await register({ ...shared, fetch: slowly });
    const two = bridgeTo(server, shared);
    gate = new Promise((resolve) => (open = resolve));
    const slow = one.request("GET", "/v1/me");
    await two.logout();
    await two.login({ login: username, password });
    open();
    assert.equal((await problem(slow)).code, "session_ended");
    await two.request("GET", "/v1/me");
    await one.request("GET", "/v1/me");
  });

  await t.test("logging out ends the session at the server and here", async () => {
    const shared = browser();
    const { bridge } = await register(shared);
    const access = JSON.parse([...shared.items.values()][0]).access;
    await bridge.logout();
    assert.equal(shared.items.size, 0);
    const answer = await fetch(server.api + "/v1/me", { headers: { Authorization: `Bearer ${access}` } });
    assert.equal((await answer.json()).code, "session_ended");
    assert.equal((await problem(bridge.connectToken())).code, "logged_out", "the connect token is forgotten as well");
    await bridge.logout();
  });

  await t.test("another tab logs out, or logs in as somebody else: the connect token follows", async () => {
    const shared = browser();
    const { bridge: one, user } = await register(shared);
    const two = bridgeTo(server, shared);
    assert.equal((await one.connectToken()).im_user_id, user.id);
    await two.logout();
    assert.equal((await problem(one.connectToken())).code, "logged_out");
    const other = await two.register({ username: `person${++people}`, password });
    assert.equal((await one.connectToken()).im_user_id, other.id);
  });

  await t.test("a refresh that the server could not finish is asked for again at once", async () => {
    const failures = [];
    const failing = async (url, init) => (url.endsWith("/refresh") && failures.shift()) || (await fetch(url, init));
    const { bridge } = await register({ fetch: failing });
    for (const [status, code] of [[503, "timeout"], [409, "changed_meanwhile"]]) {
      failures.push(new Response(JSON.stringify({ code, detail: "x" }), { status }));
      await server.advance(11 * minutes);
      await bridge.request("GET", "/v1/me");
    }
    assert.equal(bridge.count("POST /v1/session/refresh"), 4);
  });

  await t.test("logging out without a network forgets, and says so", async () => {
    const shared = browser();
    await register(shared);
    const offline = bridgeTo(server, { ...shared, fetch: () => Promise.reject(new TypeError("no network")) });
    assert.equal((await problem(offline.logout())).code, "no_answer");
    assert.equal(shared.items.size, 0);
  });

  await t.test("a registration whose answer is lost is found again, also after a reload", async () => {
    const shared = browser();
    const first = bridgeTo(server, shared);
    const who = { username: `person${++people}`, password };
    first.lose("/v1/register");
    assert.equal((await problem(first.register(who))).code, "no_answer");
    assert.ok(!JSON.stringify([...shared.items]).includes(password), "no password is stored");
    const user = await bridgeTo(server, shared).register(who);
    assert.equal(user.username, who.username);
    // Answered: the key is not used again.
    assert.equal((await problem(bridgeTo(server, shared).register(who))).code, "username_taken");
  });

  await t.test("a registration that was changed after a lost answer is another one", async () => {
    const bridge = bridgeTo(server, browser());
    const username = `person${++people}`;
    bridge.lose("/v1/register");
    await problem(bridge.register({ username, password }));
    assert.equal((await problem(bridge.register({ username, password: "another good battery" }))).code, "username_taken");
    await bridge.login({ login: username, password });
  });

  await t.test("what a stranger left in the storage is the same as nothing", async () => {
    for (const text of ["", "{", "null", "[]", '{"access":1}', '{"access":"a","refresh":"b"}']) {
      const shared = browser();
      shared.storage.getItem = () => text;
      assert.equal(await bridgeTo(server, shared).user(), null, text);
    }
  });
});

test("with cookies nothing is stored and no token is sent", async () => {
  const shared = browser();
  const seen = [];
  const answers = [
    new Response(JSON.stringify({ user: { id: "u" } }), { status: 200 }),
    new Response(JSON.stringify({ code: "session_ended", detail: "it has ended" }), { status: 401 }),
  ];
  const fetched = async (url, init) => (seen.push(init), answers.shift());
  const bridge = bridgeTo({ api: "http://imbridge.test", now: Date.now }, { ...shared, credentials: "cookie", fetch: fetched });
  const told = [];
  bridge.onEnded((p) => told.push(p.code));
  await bridge.request("GET", "/v1/me");
  assert.equal((await problem(bridge.request("GET", "/v1/me"))).code, "session_ended");
  assert.deepEqual(told, ["session_ended"]);
  await assert.rejects(bridge.login({ login: "a", password: "b" }), TypeError);
  for (const init of seen) {
    assert.equal(init.credentials, "same-origin");
    assert.ok(!("Authorization" in init.headers));
  }
  assert.equal(shared.items.size, 0);
});

test("an answer that is none of imbridge's is a Problem", async () => {
  for (const [body, status, code] of [["<html>", 200, "bad_answer"], ["<html>", 502, "bad_answer"], ['{"code":"of_another"}', 400, "bad_answer"], ['{"code":"busy","detail":"x","retry_after":3}', 503, "busy"]]) {
    const bridge = bridgeTo({ api: "http://imbridge.test", now: Date.now }, { fetch: async () => new Response(body, { status, headers: { "Retry-After": "3" } }) });
    const err = await problem(bridge.login({ login: "a", password: "b" }));
    assert.equal(err.code, code, body);
    if (status >= 500) assert.equal(err.retryAfter, 3);
  }
});
