import assert from "node:assert/strict";
import { test } from "node:test";
import { browser, person, until } from "./lib/browser.mjs";
import { arrived, hears, openChat, say, state, stateNow, statesSeen, talkTo } from "./lib/chat.mjs";
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

/** Notes in each frame where these parts of the page are. */
function watchPlaces(parts) {
  const places = (globalThis.places = {});
  const look = () => {
    for (const part of parts) {
      const element = document.querySelector(part);
      if (!element?.checkVisibility()) continue;
      const { left, top, width, height } = element.getBoundingClientRect();
      const place = [left, top, width, height].map(Math.round).join(" ");
      if (!(places[part] ??= []).includes(place)) places[part].push(place);
    }
    requestAnimationFrame(look);
  };
  look();
}

test("nothing moves, whatever becomes of the connection, and each state is told to those who do not see it", async (t) => {
  const server = await serve(t);
  const chrome = await browser(t);
  const [ann, ben, cleo] = await Promise.all([
    person(t, chrome, server, "ann", { allow: [trouble] }),
    person(t, chrome, server, "ben", { allow: [trouble], size: "phone" }),
    person(t, chrome, server, "cleo", { allow: [trouble], size: "phone", lang: "zh" }),
  ]);
  for (const who of [ann, ben, cleo]) await openChat(who, server);
  await talkTo(ann, "ben");
  await talkTo(ben, "ann");
  await talkTo(cleo, "ann");
  await say(ann, "stay where you are");
  await say(cleo, "我也是");
  await hears(ben, ["stay where you are"]);
  await arrived(cleo);
  await cleo.page.click("#back"); // her list of conversations is shown
  const [list, talk] = [["#search-form", "#tab-talks", "#panel-talks", "#talks li"], ["#talk-head", "#log", "#log .message", "#write"]];
  const parts = new Map([[ann, [...list, ...talk]], [ben, talk], [cleo, list]]);
  for (const [who, its] of parts) await who.page.evaluate(watchPlaces, its);
  const told = (who) => who.page.getByRole("status").allTextContents();
  const tells = (who, text) => until(`${who.username} is told ${text}`, async () => (await told(who)).includes(text));

  await server.control("/control/faults", { path: "*", mode: "status", status: 503 });
  await server.control("/control/connections", { user_id: "*", action: "expire" });
  await tells(ann, "Renewing the connection …");
  await tells(ben, "Renewing the connection …");
  await ann.page.locator("#state-wait", { hasText: /^Next try in \d+ s/ }).waitFor();
  await ben.page.locator("#talk-state-wait", { hasText: /^Next try in \d+ s/ }).waitFor();
  await cleo.page.locator("#state-wait", { hasText: /^\d+ 秒后重试/ }).waitFor();
  await server.control("/control/reset", {});
  for (const who of [ann, ben, cleo]) await state(who, "connected", 45_000);
  await tells(ben, "Connected");
  for (const who of [ann, ben, cleo]) await server.control("/control/connections", { user_id: await who.page.getAttribute("#chat", "data-me"), action: "kick" });
  for (const who of [ann, ben, cleo]) {
    await state(who, "signed_out_elsewhere");
    await who.page.getByRole("link", { name: who === cleo ? "重新加载" : "Load again" }).waitFor();
    await who.page.getByRole("alert").filter({ hasText: who === cleo ? "您已在其他窗口" : "You connected from another window" }).waitFor();
    assert.ok((await statesSeen(who)).length >= 4, `the states that ${who.username} saw`);
  }
  for (const [who, its] of parts) {
    const places = await who.page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => resolve(globalThis.places))));
    assert.deepEqual(Object.keys(places).sort(), [...its].sort(), `what was watched at ${who.username}`);
    for (const [part, seen] of Object.entries(places)) assert.equal(seen.length, 1, `${part} at ${who.username} was at ${seen.join(", then ")}`);
  }
});
