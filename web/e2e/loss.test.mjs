// The SDK can be deaf for minutes and say that it is connected: an answer to one of its pulls
// is lost, or the connection ends under it. The page shows everything nevertheless, and once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { browser, person, until } from "./lib/browser.mjs";
import { arrived, hears, messages, openChat, readBack, say, state, stateNow, statesSeen, talkTo } from "./lib/chat.mjs";
import { serve } from "./lib/server.mjs";

const socketTrouble = /WebSocket connection to 'ws:\/\/127\.0\.0\.1/;

/** How long a message may take that the SDK never hears of. */
const late = 20_000;

test("no message is lost where the SDK is deaf", async (t) => {
  const server = await serve(t);
  const chrome = await browser(t);
  const enter = async (name) => {
    const who = await person(t, chrome, server, name, { allow: [socketTrouble] });
    await openChat(who, server);
    return Object.assign(who, { id: await who.page.getAttribute("#chat", "data-me") });
  };
  const [ann, ben, cleo] = await Promise.all(["ann", "ben", "cleo"].map(enter));
  await talkTo(ann, "ben");
  await talkTo(ben, "ann");
  await talkTo(cleo, "ben");
  await say(ann, "0");
  await hears(ben, ["0"]);

  const fault = (topic, mode, who, times) => server.control("/control/faults", { path: `/websocket/${topic}`, mode, user: who.id, ...(times ? { times } : {}) });
  const end = (who, action) => server.control("/control/connections", { user_id: who.id, action });
  const struck = async () => until("the faults have struck", async () => (await server.control("/control/faults")).faults.every((f) => f.fired > 0));
  const over = () => server.control("/control/reset", {});
  /** All that ben should have read until now. */
  const all = ["0"];
  const tell = async (...texts) => {
    for (const text of texts) await say(ann, text);
    all.push(...texts);
  };
  /** Ben begins anew: what an earlier fault has done to his SDK is gone. */
  const afresh = async () => {
    await over();
    await ben.page.reload();
    await state(ben, "connected");
    await ben.page.locator("#talks li", { hasText: "ann" }).click();
    await hears(ben, all.slice(-1));
    await shown();
  };
  /** What ben reads from here on is held against what he sees now: a page begins with the newest. */
  const shown = async () => all.splice(0, all.length, ...(await messages(ben)));
  const benHasAll = async () => {
    await hears(ben, all, late);
    assert.deepEqual(await messages(ben), all, "what ben reads, each once and in order");
  };

  await t.test("the answer to a pull never comes", async () => {
    await fault("pullMsg", "empty", ben, 1);
    await tell("announced, and the answer is lost");
    await struck();
    await tell("not even asked for", "二");
    await benHasAll();
  });

  await t.test("the connection breaks between the announcement and the answer, and the next pull is lost as well", async () => {
    await afresh();
    await fault("pullMsg", "reset_before", ben, 1);
    await fault("pullMsg", "empty", ben, 1);
    await tell("breaks");
    await struck();
    await tell("after the break", "再来一条");
    await benHasAll();
  });

  await t.test("the token ends between the announcement and the answer", async () => {
    await afresh();
    await fault("pullMsg", "empty", ben, 2);
    await tell("announced as the token ends");
    await struck();
    await end(ben, "expire");
    await until("ben was told of a renewal", async () => (await statesSeen(ben)).includes("renewing"));
    await state(ben, "connected");
    await tell("after the new token", "还在吗?");
    await benHasAll();
  });

  await t.test("another conversation than the open one", async () => {
    await afresh();
    await fault("pullMsg", "empty", ben, 1);
    await say(cleo, "from cleo, unheard");
    const talk = ben.page.locator("#talks li", { hasText: "cleo" });
    await talk.getByText("from cleo, unheard").waitFor({ timeout: late });
    assert.equal(await talk.locator(".count").textContent(), "1", "unread at ben");
  });

  await t.test("more than one page of history: no hole is left", async () => {
    await afresh();
    for (const topic of ["pullMsg", "qryPMsg", "qryRelationR"]) await fault(topic, "empty", ben);
    await tell(...Array.from({ length: 45 }, (_, i) => `${i + 1} of 45`));
    await arrived(ann);
    // What ben writes himself is there at once, behind the hole.
    await say(ben, "ben knows nothing");
    await arrived(ben);
    all.push("ben knows nothing");
    assert.ok((await messages(ben)).length < 45, "ben was deaf");
    await over();
    await benHasAll();
  });

  await t.test("a receipt that is lost: shown once at both, and what is written next is not held up", async () => {
    await afresh();
    await fault("ppMsgP", "empty", ann, 1);
    await tell("no receipt for this");
    await struck();
    await tell("and another");
    await benHasAll();
    await arrived(ann, late);
    assert.deepEqual((await messages(ann)).slice(-2), ["no receipt for this", "and another"], "what ann reads");
  });

  await t.test("who reads what is old keeps the place, and who writes keeps the draft", async () => {
    await afresh();
    await readBack(ben);
    await shown();
    const { page } = ben;
    await page.fill("#text", "a draft, 还没写完");
    await page.locator("#log").evaluate((log) => (log.scrollTop = 300));
    const place = () => page.locator("#log").evaluate((log) => [...log.querySelectorAll(".message")].map((m) => [m.textContent, Math.round(m.getBoundingClientRect().top)]).find(([, top]) => top > 200));
    const before = await place();
    await page.evaluate(() => (globalThis.held = document.querySelectorAll("#log .message")[8]));
    await fault("pullMsg", "empty", ben, 2);
    await end(ben, "expire");
    await until("ben is away", async () => (await stateNow(ben)) !== "connected");
    await tell("while ben reads back");
    await benHasAll();
    assert.deepEqual(await place(), before, "what ben looks at, and where");
    assert.ok(await page.evaluate(() => held.isConnected && held === document.querySelectorAll("#log .message")[8]), "a row that did not change is still the same element");
    assert.equal(await page.inputValue("#text"), "a draft, 还没写完");
    await page.locator("#newer:visible").waitFor();
    await over();
    // The draft belongs to this conversation.
    await page.locator("#talks li", { hasText: "cleo" }).click();
    await page.locator("#talk-user", { hasText: "cleo" }).waitFor();
    assert.equal(await page.inputValue("#text"), "", "the draft for ann in the conversation with cleo");
    await page.reload();
    await state(ben, "connected");
    await page.locator("#talks li", { hasText: "ann" }).click();
    await page.locator("#talk-user", { hasText: "ann" }).waitFor();
    assert.equal(await page.inputValue("#text"), "a draft, 还没写完", "the draft after the page was loaded again");
  });
});
