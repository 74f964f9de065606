// Messages on Easemob's socket whose receipts are slow, lost, or end with the connection, and a
// cloud that is away. A client's message that goes out twice is two messages to phones, webhooks
// and the history, so that these count what the cloud was given, too.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { browser, person, until } from "./lib/browser.mjs";
import { arrived, hears, messages, openChat, say, state, stateNow, statesSeen, talkTo } from "./lib/chat.mjs";
import { atEnd } from "./lib/ending.mjs";
import { easemob, serve } from "./lib/server.mjs";
import { tries } from "./lib/xss.mjs";

const trouble = /WebSocket connection to 'ws:\/\/127\.0\.0\.1|\/v1\/im\/token/;

/** Who is asked before each message, notes its text and takes its time. */
async function judge(t) {
  const asked = [];
  const one = { asked, slow: 0 };
  const http = createServer(async (request, answer) => {
    let body = "";
    for await (const part of request) body += part;
    asked.push(JSON.parse(body).payload.msg);
    await new Promise((resolve) => setTimeout(resolve, one.slow));
    answer.end(JSON.stringify({ valid: true }));
  });
  await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));
  atEnd(t, () => {
    http.closeAllConnections();
    http.close();
  });
  return Object.assign(one, { url: `http://127.0.0.1:${http.address().port}/` });
}

test("each message goes out once where receipts are slow, and not for ever where they are lost", async (t) => {
  const server = await serve(t, easemob);
  const chrome = await browser(t);
  const cloud = await judge(t);
  await server.control("/control/app", { easemob: { webhooks: { presend_url: cloud.url, presend_wait_ms: 20_000 } } });
  const enter = async (name) => {
    const who = await person(t, chrome, server, name, { allow: [trouble] });
    await openChat(who, server);
    return Object.assign(who, { id: await who.page.getAttribute("#chat", "data-me") });
  };
  const [ann, ben] = [await enter("ann"), await enter("ben")];
  await talkTo(ann, "ben");
  await talkTo(ben, "ann");
  const given = (text) => cloud.asked.filter((one) => one === text).length;
  const fault = (mode, times) => server.control("/control/faults", { path: "/ws/message", mode, user: ann.id, ...(times ? { times } : {}) });
  const all = [];
  const tell = async (...texts) => {
    for (const text of texts) await say(ann, text);
    all.push(...texts);
  };
  const both = async (within) => {
    await arrived(ann, within);
    for (const who of [ann, ben]) {
      await hears(who, all.slice(-1), within);
      assert.deepEqual(await messages(who), all, `what ${who.username} reads, each once and in order`);
    }
  };

  await t.test("a receipt that takes 6 s", async () => {
    cloud.slow = 6_000;
    await tell("慢慢来", "and the next");
    await both(30_000);
    await ann.page.waitForTimeout(4_000); // another try would be under way by now
    cloud.slow = 0;
    for (const text of all) assert.equal(given(text), 1, `how often the cloud was given ${text}`);
    assert.deepEqual((await statesSeen(ann)).at(-1), "connected");
  });

  for (const mode of ["empty", "reset_after"]) {
    await t.test(`a receipt that is lost: ${mode}`, async () => {
      await fault(mode, 1);
      await tell(`lost by ${mode}`, `after ${mode}`);
      await both(40_000);
      assert.ok(given(`lost by ${mode}`) <= 2, `the cloud was given the message ${given(`lost by ${mode}`)} times, want 2 at most`);
      assert.equal(given(`after ${mode}`), 1, "how often the cloud was given the next one");
      await server.control("/control/reset", {});
    });
  }

  await t.test("receipts that are always lost: it is left to the writer", async () => {
    await fault("reset_after");
    await say(ann, "are you getting this?");
    const fate = ann.page.locator("#log .message", { hasText: "are you getting this?" });
    await fate.getByText("It is not known whether this has arrived.").waitFor({ timeout: 60_000 });
    assert.equal(given("are you getting this?"), 3, "how often the cloud was given it");
    await server.control("/control/reset", {});
    await state(ann, "connected", 30_000);
    await fate.getByRole("button", { name: "Try again" }).click();
    await arrived(ann, 30_000);
    await hears(ben, ["are you getting this?"]);
    all.push("are you getting this?");
    await both();
  });

  await t.test("what would like to be a script is text, also in what the tab has kept", async () => {
    for (const who of [ann, ben]) await who.page.evaluate(() => (globalThis.alert = () => (globalThis.wasHit = true)));
    const some = tries.map((attempt) => attempt.trim()).filter((attempt) => attempt !== "");
    await tell(...some);
    await arrived(ann, 60_000);
    await hears(ben, some.slice(-1), 60_000);
    assert.deepEqual((await messages(ben)).slice(-some.length), some, "what ben reads");
    await ben.page.reload();
    await ben.page.evaluate(() => (globalThis.alert = () => (globalThis.wasHit = true)));
    await state(ben, "connected");
    await ben.page.locator("#talks li", { hasText: "ann" }).click();
    await hears(ben, some.slice(-1));
    for (const who of [ann, ben]) {
      assert.equal(await who.page.evaluate(() => globalThis.wasHit === true), false, `a script ran at ${who.username}`);
      const planted = await who.page.locator("main :is(script, iframe, object, embed, svg, img, math, style, base, meta, link)").count();
      assert.equal(planted, 0, `elements that a text planted at ${who.username}`);
    }
  });
});

test("Easemob is away for 20 s: the page says so, keeps what is written, and recovers", async (t) => {
  const server = await serve(t, easemob);
  const chrome = await browser(t);
  const ann = await person(t, chrome, server, "ann", { allow: [trouble] });
  const ben = await person(t, chrome, server, "ben", { allow: [trouble], lang: "zh" });
  for (const who of [ann, ben]) await openChat(who, server);
  await talkTo(ann, "ben");
  await talkTo(ben, "ann");
  await say(ann, "before");
  await hears(ben, ["before"]);

  const back = Date.now() + 20_000;
  await server.control("/control/faults", { path: "*", mode: "status", status: 503 });
  await server.control("/control/connections", { user_id: "*", action: "drop" });
  await state(ann, "connecting");
  await state(ben, "connecting");
  assert.equal(await ben.page.textContent("#state-text"), "正在连接……");
  for (const text of ["one", "二", "three"]) await say(ann, text);
  await say(ben, "四");
  await ann.page.locator("#log [data-fate=waiting]").nth(2).waitFor();
  // Somebody who loads the page in the middle of it loses nothing either.
  await ann.page.reload();
  await new Promise((resolve) => setTimeout(resolve, back - Date.now()));
  for (const who of [ann, ben]) assert.notEqual(await stateNow(who), "connected", who.username);

  await server.control("/control/reset", {});
  for (const who of [ann, ben]) await state(who, "connected", 45_000);
  await talkTo(ann, "ben");
  for (const who of [ann, ben]) await arrived(who, 15_000);
  const wanted = ["before", "one", "二", "three", "四"];
  for (const who of [ann, ben]) {
    await until(`${who.username} has all`, async () => (await messages(who)).length >= wanted.length).catch(() => {});
    const got = await messages(who);
    assert.deepEqual([...got].sort(), [...wanted].sort(), `what ${who.username} reads, each once`);
    assert.deepEqual(got.filter((text) => text !== "四"), ["before", "one", "二", "three"], `the order at ${who.username}`);
  }
});
