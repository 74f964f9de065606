import assert from "node:assert/strict";
import { test } from "node:test";
import { browser, person, until } from "./lib/browser.mjs";
import { arrived, hears, listenIn, messages, openChat, say, state, statesSeen, talkTo } from "./lib/chat.mjs";
import { serve } from "./lib/server.mjs";

const secret = "sandbox-secret-of-the-tests";
const socketTrouble = /WebSocket connection to 'ws:\/\/127\.0\.0\.1|\/v2\/navi\.json|status of 50[023].*\/v1\/im\/token/;

test("a token of 20 s ends while two people chat, again and again, and no message is lost", async (t) => {
  const server = await serve(t, { IMBRIDGE_IM_LIFETIME: "20s", IMBRIDGE_IM_RONGCLOUD_CONSOLE_LIFETIME: "20s" });
  const chrome = await browser(t);
  const ann = await person(t, chrome, server, "ann", { allow: [socketTrouble] });
  const ben = await person(t, chrome, server, "ben", { allow: [socketTrouble] });
  const heard = new Map([ann, ben].map((who) => [who, listenIn(who)]));
  await openChat(ann, server);
  await openChat(ben, server);
  const { "/user/getToken.json": mintedBefore } = await server.control("/control/calls");
  await talkTo(ann, "ben");
  await talkTo(ben, "ann");
  const wanted = [];
  const begin = Date.now();
  // The tokens that the connections began with are over at 20 s. The cloud notices when
  // somebody comes with one again, or tells them.
  const events = [
    { at: 21_500, action: "drop" },
    { at: 27_000, action: "expire" },
  ];
  for (let i = 1; Date.now() < begin + 32_000; i++) {
    if (events.length > 0 && Date.now() > begin + events[0].at) await server.control("/control/connections", { user_id: "*", action: events.shift().action });
    const who = i % 2 === 0 ? ann : ben;
    const text = `${who.username} ${i} 消息`;
    await say(who, text);
    wanted.push(text);
    await new Promise((resolve) => setTimeout(resolve, 700));
  }
  for (const who of [ann, ben]) {
    await state(who, "connected", 20_000);
    await arrived(who, 20_000);
  }
  for (const who of [ann, ben]) {
    await until(`${who.username} has all`, async () => (await messages(who)).length >= wanted.length, 10_000).catch(() => {});
    const got = await messages(who);
    if (got.length !== wanted.length) t.diagnostic(`the sockets of ${who.username}:\n${heard.get(who)()}`);
    assert.deepEqual([...got].sort(), [...wanted].sort(), `what ${who.username} reads, each once`);
    for (const from of [ann, ben]) {
      const his = (list) => list.filter((text) => text.startsWith(from.username));
      assert.deepEqual(his(got), his(wanted), `what ${who.username} reads of ${from.username}, in order`);
    }
    const seen = await statesSeen(who);
    assert.ok(seen.filter((s) => s === "renewing").length >= 2, `${who.username} was told of two renewals: ${seen}`);
    assert.equal(await who.page.evaluate(() => performance.getEntriesByType("navigation")[0].type), "navigate", "the page was not loaded again");
  }
  const { "/user/getToken.json": minted } = await server.control("/control/calls");
  assert.ok(minted - mintedBefore >= 2 && minted - mintedBefore <= 12, `${minted - mintedBefore} more tokens for two people in 32 s, want 2 to 12`);
});

test("the cloud's secret changes under the pages", async (t) => {
  const server = await serve(t, { IMBRIDGE_IM_RONGCLOUD_APP_SECRET: secret });
  const chrome = await browser(t);
  const ann = await person(t, chrome, server, "ann", { allow: [socketTrouble] });
  const ben = await person(t, chrome, server, "ben", { allow: [socketTrouble] });
  await openChat(ann, server);
  await openChat(ben, server);
  await talkTo(ann, "ben");
  await talkTo(ben, "ann");

  await t.test("rotated to one that we do not have: said so, and what is written waits", async () => {
    await server.control("/control/app", { rotate_secret: "another-secret-than-ours" });
    await server.control("/control/connections", { user_id: "*", action: "drop" });
    await state(ann, ["renewing", "connecting"]);
    await say(ann, "写于密钥错误时");
    await ann.page.locator("#log [data-fate=waiting]").waitFor();
    await ann.page.locator("#state-wait", { hasText: /^Next try in \d+ s\. Messages are kept\.$/ }).waitFor({ timeout: 20_000 });
    assert.notEqual(await ann.page.getAttribute("#state", "data-state"), "failed");
  });

  await t.test("set right again: new tokens for all, and what waited arrives", async () => {
    await server.control("/control/app", { rotate_secret: secret });
    for (const who of [ann, ben]) await state(who, "connected", 60_000);
    await hears(ben, ["写于密钥错误时"]);
    await arrived(ann);
    await say(ben, "all well again");
    await hears(ann, ["写于密钥错误时", "all well again"]);
  });
});
