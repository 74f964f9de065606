// Tabs that share a session, with the browser's own Web Locks.
import assert from "node:assert/strict";
import { test } from "node:test";
import { browser, context, until } from "./lib/browser.mjs";
import { password, serve } from "./lib/server.mjs";

const refresh = "/v1/session/refresh";
const minutes = 60_000;

test("two tabs refresh their session at the same moment", { timeout: 3 * minutes }, async (t) => {
  const server = await serve(t);
  const chrome = await browser(t);
  const ctx = await context(t, chrome);
  // By hand from here on: no limit of time passes while a test holds an answer back.
  await ctx.clock.install();
  let time = Date.now();
  const held = [];
  await ctx.route(`**${refresh}`, (route) => void held.push(route));
  const tabs = [await ctx.newPage(), await ctx.newPage()];

  /** Opens the tabs anew, each with a bridge to the one session of their storage. */
  const open = async (locks) => {
    for (const tab of tabs) {
      await tab.goto(server.api + "/login");
      await tab.evaluate(async (locks) => {
        const { createBridge } = await import("/static/dist/imbridge-client.js");
        globalThis.bridge = createBridge({ baseURL: "", storage: localStorage, ...locks });
      }, locks);
    }
  };
  const me = () => Promise.all(tabs.map((tab) => tab.evaluate(async () => (await globalThis.bridge.request("GET", "/v1/me")).user.username)));
  const waiting = (tab) => tab.evaluate(async () => (await navigator.locks.query()).pending.length);
  const let11MinutesPass = async () => {
    time += 11 * minutes;
    await ctx.clock.pauseAt(time);
  };
  const access = () => tabs[0].evaluate(() => JSON.parse(Object.entries(localStorage).find(([key]) => key.endsWith(":session"))[1]).access);

  await open({});
  await tabs[0].evaluate((password) => globalThis.bridge.register({ username: "ann", password }).then(() => undefined), password);
  assert.deepEqual(await me(), ["ann", "ann"]);
  assert.equal(held.length, 0, "refreshes of a new session");

  await t.test("with locks there is one request, and the other tab takes its answer", async () => {
    for (let round = 1; round <= 2; round++) {
      const before = await access();
      await let11MinutesPass();
      const both = me();
      await until("one tab asks for a refresh, and the other for the lock", async () => held.length === 1 && (await waiting(tabs[0])) === 1);
      await held.pop().continue();
      assert.deepEqual(await both, ["ann", "ann"]);
      assert.equal(held.length, 0, "refreshes beyond the first");
      assert.notEqual(await access(), before, "the token that both go on with");
    }
  });

  await t.test("without locks both ask, and both go on", async () => {
    await open({ locks: null });
    await let11MinutesPass();
    const both = me();
    await until("both tabs ask for a refresh", () => held.length === 2);
    for (const route of held.splice(0)) await route.continue();
    assert.deepEqual(await both, ["ann", "ann"]);
  });
});
