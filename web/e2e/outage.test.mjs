import assert from "node:assert/strict";
import { test } from "node:test";
import { browser, person } from "./lib/browser.mjs";
import { arrived, hears, openChat, say, state, stateNow, talkTo } from "./lib/chat.mjs";
import { serve } from "./lib/server.mjs";

const trouble = /WebSocket connection to 'ws:\/\/127\.0\.0\.1|\/v2\/navi\.json|\/v1\/im\/token/;

test("the cloud is away for 30 s: the page says so, keeps what is written, and recovers", async (t) => {
  const server = await serve(t);
  const chrome = await browser(t);
  const ann = await person(t, chrome, server, "ann", { allow: [trouble] });
  const ben = await person(t, chrome, server, "ben", { allow: [trouble], lang: "zh" });
  await openChat(ann, server);
  await openChat(ben, server);
  await talkTo(ann, "ben");
  await talkTo(ben, "ann");
  await say(ann, "before");
  await hears(ben, ["before"]);

  const back = Date.now() + 30_000;
  await server.control("/control/faults", { path: "*", mode: "status", status: 503 });
  await server.control("/control/connections", { user_id: "*", action: "drop" });
  await state(ann, "connecting");
  await state(ben, "connecting");
  assert.equal(await ann.page.textContent("#state-text"), "Connecting …");
  assert.equal(await ben.page.textContent("#state-text"), "正在连接……");
  for (const text of ["one", "二", "three"]) await say(ann, text);
  await say(ben, "四");
  await ann.page.locator("#log [data-fate=waiting]").nth(2).waitFor();
  // Somebody who loads the page in the middle of it loses nothing either.
  await ann.page.reload();
  await new Promise((resolve) => setTimeout(resolve, back - Date.now()));
  assert.notEqual(await stateNow(ann), "connected");
  assert.notEqual(await stateNow(ben), "connected");

  await server.control("/control/reset", {});
  await state(ann, "connected", 45_000);
  await state(ben, "connected", 45_000);
  await talkTo(ann, "ben");
  for (const who of [ann, ben]) await arrived(who, 15_000);
  const readers = [ann, ben];
  for (const who of readers) {
    await hears(who, await expected(who));
  }

  /** All four, each once; ann's in their order. */
  async function expected(who) {
    const got = (await who.page.locator("#log .message > p").allTextContents()).slice(1);
    assert.deepEqual([...got].sort(), ["one", "three", "二", "四"].sort(), `what ${who.username} reads`);
    assert.deepEqual(got.filter((text) => text !== "四"), ["one", "二", "three"], `the order at ${who.username}`);
    return got;
  }
});
