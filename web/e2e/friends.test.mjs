// Friends from one person's page to another's: asked, named, blocked, ended.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { browser, person, until } from "./lib/browser.mjs";
import { arrived, hears, openChat, say, talkTo } from "./lib/chat.mjs";
import { serve } from "./lib/server.mjs";
import { tries } from "./lib/xss.mjs";

const axe = await readFile(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

/** What axe finds that keeps people out. */
async function faults(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return violations
    .filter((v) => v.impact === "serious" || v.impact === "critical")
    .map((v) => `${v.impact} ${v.id}: ${v.nodes.map((n) => `${n.target} ${n.any[0]?.message ?? ""}`).join(" | ")}`);
}

/** What strangers and the blocked read alike. */
const declined = "Not delivered: this person does not take your messages. If you are not friends yet, ask them to be.";

const dialog = (who) => who.page.locator("dialog[open]");

/** Presses what stands in the card of the open conversation's person. */
async function does(who, name) {
  if (await who.page.locator("#person-card").isHidden()) await who.page.click("#person-toggle");
  await who.page.locator("#person-does").getByRole("button", { name }).click();
}

/** Looks up somebody and asks them, with words of one's own. */
async function asks(who, username, message) {
  await who.page.fill("#search", username);
  await who.page.locator("#found li", { hasText: `@${username}` }).getByRole("button", { name: /^Add friend/ }).click();
  await dialog(who).getByRole("textbox").fill(message);
  await dialog(who).getByRole("button", { name: "Send the request" }).click();
  await dialog(who).waitFor({ state: "detached" });
}

/** The page looks for news when somebody comes back to it, not only now and then. */
const comesBack = (who) => who.page.waitForTimeout(2_100).then(() => who.page.evaluate(() => document.dispatchEvent(new Event("visibilitychange"))));

/** Says something until it meets the fate; what is told to the cloud takes a moment. */
async function refused(who, text, words) {
  await until(`${who.username} is refused`, async () => {
    await say(who, text);
    await until("a fate", async () => (await who.page.locator('#log .message:is([data-fate="sending"], [data-fate="waiting"])').count()) === 0);
    return (await who.page.locator('#log [data-fate="refused"]').count()) > 0;
  }, 20_000);
  assert.equal(await who.page.locator('#log [data-fate="refused"] .fate').last().textContent(), words);
}

test("two people become friends, name, block and unblock each other, and part", async (t) => {
  const server = await serve(t);
  const chrome = await browser(t);
  const ann = await person(t, chrome, server, "ann", { nickname: "Ann" });
  const ben = await person(t, chrome, server, "ben", { nickname: "Ben" });
  await openChat(ann, server);
  await openChat(ben, server);

  await t.test("a request with a message arrives without a reload", async () => {
    await asks(ann, "ben", "你好,it is Ann 👋");
    await ann.page.locator("#found").getByText("Asked", { exact: true }).waitFor();
    await ben.page.locator("#asked:visible").waitFor({ timeout: 40_000 });
    assert.equal(await ben.page.textContent("#asked-number"), "1");
    assert.match(await ben.page.textContent("#friends-said"), /Ann asks/);
    await ben.page.click("#tab-friends");
    const request = ben.page.locator("#incoming li");
    assert.equal(await request.locator(".said-by").textContent(), "你好,it is Ann 👋");
    assert.deepEqual(await faults(ben.page), [], "the panel with a request");
    await request.getByRole("button", { name: "Accept" }).click();
    await ben.page.locator("#friends").getByText("@ann").waitFor();
    assert.equal(await ben.page.locator("#asked").isVisible(), false, "the number of requests is shown");
    await comesBack(ann);
    await ann.page.click("#tab-friends");
    await ann.page.locator("#friends").getByText("@ben").waitFor();
    assert.equal(await ann.page.locator("#outgoing li").count(), 0, "requests that wait");
  });

  await t.test("a remark stands in for the name, for its owner alone", async () => {
    await ann.page.locator("#friends").getByText("@ben").click();
    await ann.page.waitForSelector("#text:visible");
    await does(ann, "Edit remark");
    const field = dialog(ann).getByRole("textbox");
    await field.fill("名".repeat(101));
    await dialog(ann).getByRole("button", { name: "Save" }).click();
    assert.equal(await dialog(ann).locator(".complaint").textContent(), "At most 100 characters.");
    assert.equal(await field.getAttribute("aria-invalid"), "true");
    assert.deepEqual(await faults(ann.page), [], "the dialog with a complaint");
    await field.fill("Benny from work");
    await field.press("Enter");
    await ann.page.locator("#talk-name", { hasText: "Benny from work" }).waitFor();
    assert.equal(await ann.page.textContent("#talk-user"), "Ben · @ben");
    assert.equal(await ann.page.textContent("#friends strong"), "Benny from work");
    await say(ann, "hello friend");
    await arrived(ann);
    await ann.page.click("#tab-talks");
    await ann.page.locator("#talks").getByText("Benny from work").waitFor();
    await talkTo(ben, "ann");
    await hears(ben, ["hello friend"]);
    assert.equal(await ben.page.textContent("#talk-name"), "Ann");
    await say(ben, "hello Ann");
    await hears(ann, ["hello Ann"]);
    await ann.page.reload();
    await ann.page.locator("#talks").getByText("Benny from work").click();
    await ann.page.locator("#person-toggle").waitFor();
    assert.equal(await ann.page.textContent("#talk-name"), "Benny from work");
  });

  await t.test("who is blocked reads that a message does not arrive, and not why, until the block ends", async () => {
    await does(ann, "Block");
    assert.match(await dialog(ann).textContent(), /Block Benny from work\?/);
    await dialog(ann).getByRole("button", { name: "Block" }).click();
    await ann.page.locator("#relation", { hasText: "You block this person" }).waitFor();
    await refused(ben, "are you there?", declined);
    await ann.page.click("#tab-friends");
    await ann.page.locator("#friends li", { hasText: "Benny" }).getByText("Blocked", { exact: true }).waitFor();
    await ann.page.locator(".blocks summary").click();
    assert.deepEqual(await faults(ann.page), [], "the list of the blocked");
    await ann.page.locator("#blocks").getByRole("button", { name: /^Unblock/ }).click();
    await ann.page.locator("#relation").waitFor({ state: "hidden" });
    assert.equal(await ann.page.locator("#blocks li").count(), 0, "people on the list of the blocked");
    await until("a message arrives again", async () => {
      await say(ben, "now?");
      return (await ann.page.locator("#log .message", { hasText: "now?" }).count()) > 0;
    }, 20_000);
  });

  await t.test("a friend who is removed is gone from both lists", async () => {
    await does(ann, "Remove friend");
    assert.equal(await ann.page.evaluate(() => document.activeElement.textContent), "Cancel", "where the focus is at first");
    assert.deepEqual(await faults(ann.page), [], "the question whether to remove");
    await ann.page.keyboard.press("Escape");
    await dialog(ann).waitFor({ state: "detached" });
    assert.equal(await ann.page.locator("#friends li").count(), 1, "friends after giving up");
    await does(ann, "Remove friend");
    await dialog(ann).getByRole("button", { name: "Remove friend" }).click();
    await ann.page.locator("#friends-empty:visible").waitFor();
    assert.equal(await ann.page.textContent("#talk-name"), "Ben", "the name without a remark");
    await ben.page.click("#tab-friends");
    await ben.page.locator("#friends-empty:visible").waitFor();
    await ann.page.click("#person-toggle");
    assert.deepEqual(await faults(ann.page), [], "the card of a stranger");
  });
});

test("remarks and messages of requests are text, and strangers read what the blocked read", async (t) => {
  const server = await serve(t, { IMBRIDGE_MESSAGES_REQUIRE_FRIENDSHIP: "true" });
  const chrome = await browser(t);
  const ann = await person(t, chrome, server, "ann");
  const mallory = await person(t, chrome, server, "mallory", { nickname: tries[0] });
  for (const who of [ann, mallory]) {
    await who.ctx.addInitScript(() => (globalThis.alert = () => (globalThis.wasHit = true)));
    await openChat(who, server);
  }
  const call = async (who, method, path, data) => {
    const answer = await who.ctx.request.fetch(server.api + path, { method, data, headers: { Origin: server.api } });
    assert.ok(answer.ok(), `${method} ${path} = ${answer.status()} ${await answer.text()}`);
    return answer.status() === 204 ? undefined : await answer.json();
  };
  const short = tries.filter((attempt) => [...attempt].length <= 100 && !/[\p{Cc}\u2028\u2029\u202e]/u.test(attempt));
  assert.ok(short.length >= 40, `${short.length} tries, want 40 at least`);
  const annID = (await server.user("ann")).id;
  const malloryID = (await server.user("mallory")).id;

  await ann.page.click("#tab-friends");
  for (const message of short) {
    const { request } = await call(mallory, "POST", "/v1/friends/requests", { user_id: annID, message });
    await ann.page.evaluate(() => document.getElementById("tab-friends").click());
    await ann.page.locator("#incoming .said-by").waitFor();
    await until(`the request says ${message}`, async () => (await ann.page.textContent("#incoming .said-by")) === message);
    assert.equal(await ann.page.textContent("#incoming strong"), tries[0]);
    // Withdrawn it would be one of three in vain.
    await call(ann, "POST", `/v1/friends/requests/${request.id}/accept`);
    await call(mallory, "DELETE", `/v1/friends/${annID}`);
    await ann.page.evaluate(() => document.getElementById("tab-friends").click());
    await ann.page.locator("#incoming .said-by").waitFor({ state: "detached" });
  }

  await talkTo(mallory, "ann");
  await mallory.page.locator("#text").waitFor();
  const { request } = await call(mallory, "POST", "/v1/friends/requests", { user_id: annID, message: short[1] });
  await call(ann, "POST", `/v1/friends/requests/${request.id}/accept`);
  await ann.page.click("#tab-friends");
  await ann.page.locator("#friends li button").click();
  await ann.page.waitForSelector("#text:visible");
  for (const remark of short) {
    await call(ann, "PUT", `/v1/friends/${malloryID}/remark`, { remark });
    await ann.page.evaluate(() => document.getElementById("tab-friends").click());
    await until(`the friend is called ${remark}`, async () => (await ann.page.textContent("#friends strong")) === remark.trim());
    assert.equal(await ann.page.textContent("#talk-name"), remark.trim());
  }
  await does(ann, "Edit remark");
  assert.equal(await dialog(ann).getByRole("textbox").inputValue(), short.at(-1));
  await ann.page.keyboard.press("Escape");
  await does(ann, "Remove friend");
  await dialog(ann).getByRole("button", { name: "Remove friend" }).click();
  await dialog(ann).waitFor({ state: "detached" });
  await refused(mallory, "still friends?", declined);
  for (const who of [ann, mallory]) {
    assert.equal(await who.page.evaluate(() => globalThis.wasHit === true), false, `a script ran at ${who.username}`);
    const planted = await who.page.locator("main :is(script, iframe, object, embed, svg, img, math, style, base, meta, link)").count();
    assert.equal(planted, 0, "elements that a text planted");
  }
});

test("a long list comes a page at a time, by keyboard too, and limits are told in the reader's language", async (t) => {
  const server = await serve(t);
  const chrome = await browser(t);
  const ann = await person(t, chrome, server, "ann", { lang: "zh", size: "phone", allow: [/status of (409|429)/] });
  await person(t, chrome, server, "ben");
  // The server's own pages have tests of their own; a hundred people would take minutes to register.
  const friends = Array.from({ length: 120 }, (_, i) => ({ id: `f${i}`, im_user_id: `f${i}`, username: `friend${i}`, nickname: "", avatar_url: "", remark: i === 119 ? "最后一位" : "", blocked: false, since: "2026-11-21T00:00:00Z" }));
  let pages = 0;
  await ann.ctx.route("**/v1/friends?*", (route) => {
    const query = new URL(route.request().url()).searchParams;
    if (query.has("all")) return route.fulfill({ json: { friends, next_cursor: null } });
    const from = Number(query.get("cursor") ?? 0);
    pages = Math.max(pages, from / 50 + 1);
    return route.fulfill({ json: { friends: friends.slice(from, from + 50), next_cursor: from + 50 < 120 ? String(from + 50) : null } });
  });
  await openChat(ann, server);
  const { page } = ann;
  await page.focus("#tab-talks");
  await page.keyboard.press("ArrowRight");
  assert.equal(await page.evaluate(() => document.activeElement.id), "tab-friends", "where the focus is");
  assert.equal(await page.getAttribute("#tab-friends", "aria-selected"), "true");
  const rows = page.locator("#friends li");
  await rows.nth(49).waitFor();
  assert.deepEqual([await rows.count(), pages], [50, 1], "friends and pages at first");
  for (const want of [100, 120]) {
    await page.locator(".side").evaluate((side) => side.scrollTo(0, side.scrollHeight));
    await until(`${want} friends`, async () => (await rows.count()) >= want);
    assert.equal(await rows.count(), want, "friends after scrolling once more");
  }
  assert.equal(await rows.last().locator("strong").textContent(), "最后一位");
  const wide = await page.evaluate(() => document.scrollingElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${wide} px wider than the window`);

  await ann.ctx.route("**/v1/friends/requests", (route) =>
    route.fulfill({ status: 409, contentType: "application/problem+json", json: { type: "about:blank", title: "Conflict", status: 409, code: "request_limit", detail: "too many" } }),
  );
  await page.fill("#search", "ben");
  await page.locator("#found").getByRole("button", { name: /^加好友/ }).press("Enter");
  await page.keyboard.press("Enter");
  await dialog(ann).getByRole("alert").getByText("等待对方答复的好友申请过多，请先撤回一些。").waitFor();
  for (const [code, wait, words] of [
    ["asked_too_often", 64_801, "一天内未成功的好友申请过多，请过些时候再申请。 请在 19 小时后重试。"],
    ["asked_too_often", 1_200, "一天内未成功的好友申请过多，请过些时候再申请。 请在 20 分钟后重试。"],
    ["too_many_changes", 42, "一分钟内的操作过多，请稍候再继续。 请在 42 秒后重试。"],
  ]) {
    await ann.ctx.route("**/v1/friends/requests", (route) =>
      route.fulfill({ status: 429, headers: { "Retry-After": String(wait) }, contentType: "application/problem+json", json: { type: "about:blank", title: "Too many", status: 429, code, detail: "wait", retry_after: wait } }),
    );
    await page.keyboard.press("Enter");
    await dialog(ann).getByRole("alert").getByText(words, { exact: true }).waitFor();
  }
  await page.keyboard.press("Escape");
  await dialog(ann).waitFor({ state: "detached" });
  assert.match(await page.evaluate(() => document.activeElement.ariaLabel), /^加好友/, "where the focus is after giving up");
});

test("a server that is slow or fails: nothing is done twice, and what was done is told", async (t) => {
  const server = await serve(t);
  const chrome = await browser(t);
  const ann = await person(t, chrome, server, "ann", { allow: [/status of 500/] });
  await person(t, chrome, server, "ben");
  const { page, ctx } = ann;
  const friend = (i, remark = "") => ({ id: `f${i}`, im_user_id: `f${i}`, username: `friend${i}`, nickname: "", avatar_url: "", remark, blocked: false, since: "2026-11-21T00:00:00Z" });
  const friends = Array.from({ length: 60 }, (_, i) => friend(i, i === 0 ? "\ufeff" : ""));
  let failing = true;
  await ctx.route("**/v1/friends?*", (route) => {
    const query = new URL(route.request().url()).searchParams;
    if (failing && (query.has("all") || query.has("cursor"))) return route.fulfill({ status: 500, json: { code: "internal", status: 500 } });
    if (query.has("all")) return route.fulfill({ json: { friends, next_cursor: null } });
    const from = Number(query.get("cursor") ?? 0);
    return route.fulfill({ json: { friends: friends.slice(from, from + 50), next_cursor: from + 50 < friends.length ? String(from + 50) : null } });
  });
  const asked = [];
  await ctx.route("**/v1/friends/requests?direction=incoming&*", (route) => route.fulfill({ json: { requests: asked, next_cursor: null } }));
  const slow = { DELETE: 0, POST: 0 };
  await ctx.route(/\/v1\/friends\/requests(\/[^?]*)?$/, async (route) => {
    const method = route.request().method();
    if (!(method in slow)) return route.fallback();
    slow[method]++;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    return route.fallback();
  });
  await openChat(ann, server);

  await t.test("a page that cannot be read, and a remark without a letter", async () => {
    await page.click("#tab-friends");
    await page.locator("#friends li").nth(49).waitFor();
    assert.equal(await page.locator("#friends strong").first().textContent(), "friend0", "a friend whose remark is nothing to see");
    await page.locator(".side").evaluate((side) => side.scrollTo(0, side.scrollHeight));
    const again = page.locator("#friends-end").getByRole("button", { name: "Show more" });
    await again.waitFor();
    assert.deepEqual(await faults(page), [], "the list whose end is missing");
    failing = false;
    await again.click();
    await page.locator("#friends li").nth(59).waitFor();
    assert.equal(await page.textContent("#friends-end"), "", "the end of the list");
  });

  await t.test("Escape does not hide what is under way", async () => {
    await page.fill("#search", "ben");
    await page.locator("#found").getByRole("button", { name: /^Add friend/ }).click();
    await dialog(ann).getByRole("button", { name: "Send the request" }).click();
    await page.keyboard.press("Escape");
    await dialog(ann).getByRole("button", { name: "Cancel" }).click();
    assert.equal(await dialog(ann).count(), 1, "the dialog while the request is on its way");
    await dialog(ann).waitFor({ state: "detached" });
    await until("it is said", async () => (await page.textContent("#friends-said")) === "You asked ben.");
  });

  await t.test("a button that is pressed twice does once what it says", async () => {
    await page.locator("#outgoing").getByRole("button", { name: /^Withdraw/ }).dblclick();
    await page.locator("#outgoing li").waitFor({ state: "detached" });
    assert.deepEqual([slow.DELETE, await page.locator("#friends-problem").isVisible()], [1, false], "requests, and whether there is a complaint");
  });

  await t.test("each new request is announced, whatever its time looks like", async () => {
    const request = (id, username, at) => ({ id, person: { id: `u${id}`, im_user_id: `u${id}`, username, nickname: "", avatar_url: "" }, message: "", created_at: `2026-11-21T10:00:00${at}Z` });
    for (const one of [request("01b", "cleo", ".5"), request("01c", "dan", ".51"), request("01d", "eve", ".512")]) {
      asked.unshift(one);
      await comesBack(ann);
      await until(`${one.person.username} is announced`, async () => (await page.textContent("#friends-said")) === `${one.person.username} asks to be your friend.`);
    }
  });
});
