import assert from "node:assert/strict";
import { test } from "node:test";
import { browser, context, person, until } from "./lib/browser.mjs";
import { arrived, hears, messages, openChat, readBack, say, state, talkTo } from "./lib/chat.mjs";
import { password, serve } from "./lib/server.mjs";

test("two people register, chat both ways, and read at their next login what came while they were away", async (t) => {
  const server = await serve(t);
  const chrome = await browser(t);

  const register = async (username, nickname) => {
    const ctx = await context(t, chrome);
    const page = await ctx.newPage();
    await page.goto(server.api + "/");
    await page.getByRole("navigation").getByRole("link", { name: "Register" }).click();
    await page.getByLabel("Username").fill(username);
    await page.getByLabel("Password").fill(password);
    await page.getByLabel(/Shown name/).fill(nickname);
    await page.getByRole("button", { name: "Register" }).click();
    await page.waitForURL(server.api + "/chat");
    const who = { ctx, page, username, name: nickname };
    await state(who, "connected");
    return who;
  };
  const ann = await register("ann", "安娜");
  const ben = await register("ben", "Ben 🐻");

  await t.test("chat both ways, in Chinese and with emoji", async () => {
    await talkTo(ann, "ben");
    assert.equal(await ann.page.textContent("#talk-name"), "Ben 🐻");
    await say(ann, "你好,Ben!今天天气很好 🌤️");
    await ben.page.locator("#talks").getByText("你好,Ben!今天天气很好 🌤️").waitFor();
    assert.equal(await ben.page.locator("#talks .count").textContent(), "1", "unread at ben");
    await ben.page.locator("#talks").getByText("安娜").click();
    await hears(ben, ["你好,Ben!今天天气很好 🌤️"]);
    await say(ben, "早上好 👩‍👩‍👧‍👦🇨🇳\nzweite Zeile: Grüße");
    await hears(ann, ["你好,Ben!今天天气很好 🌤️", "早上好 👩‍👩‍👧‍👦🇨🇳\nzweite Zeile: Grüße"]);
    assert.equal(await ben.page.locator("#talks .count").count(), 0, "unread at ben after reading");
  });

  await t.test("what came while away is there at the next login", async () => {
    await ben.page.getByRole("button", { name: "Log out" }).click();
    await ben.page.waitForURL(/\/login/);
    await ben.page.getByText("You are logged out.").waitFor();
    await say(ann, "等你回来 📮");
    await say(ann, "second thought");
    await hears(ann, ["等你回来 📮", "second thought"]);
    await arrived(ann);

    await ben.page.getByLabel("Username").fill("ben");
    await ben.page.getByLabel("Password").fill(password);
    await ben.page.getByRole("button", { name: "Log in" }).click();
    await state(ben, "connected");
    const talk = ben.page.locator("#talks li", { hasText: "安娜" });
    await talk.getByText("second thought").waitFor();
    assert.equal(await talk.locator(".count").textContent(), "2", "unread at ben");
    await talk.click();
    await hears(ben, ["你好,Ben!今天天气很好 🌤️", "早上好 👩‍👩‍👧‍👦🇨🇳\nzweite Zeile: Grüße", "等你回来 📮", "second thought"]);
    await say(ben, "I am back");
    await hears(ann, ["second thought", "I am back"]);
  });

  assert.ok(ann.ctx.homeCalls.tried > 0, "the SDK tried to call home, so the watch over it was tried too");
});

test("the conversation list and the log follow the cloud, whatever the device's clock says", async (t) => {
  const server = await serve(t);
  const chrome = await browser(t);
  const hour = 3_600_000;
  const shift = (by) => {
    const now = Date.now;
    Date.now = () => now() + by;
  };
  const ann = await person(t, chrome, server, "ann");
  const ben = await person(t, chrome, server, "ben");
  const row = (who) => who.page.locator("#talks .line");
  const talk = async (part) => {
    for (const [from, to] of [[ann, ben], [ben, ann], [ann, ben], [ben, ann]]) {
      const text = `${part} from ${from.username} ${await from.page.locator("#log .message").count()}`;
      await say(from, text);
      await row(from).getByText(`You: ${text}`, { exact: true }).waitFor({ timeout: 5_000 });
      await row(to).getByText(text, { exact: true }).waitFor({ timeout: 5_000 });
      await arrived(from);
      for (const who of [from, to]) assert.deepEqual((await messages(who)).slice(-1), [text], `the end of the log at ${who.username}, ${part}`);
    }
  };
  await ann.ctx.addInitScript(shift, hour);
  await ben.ctx.addInitScript(shift, -hour);
  for (const who of [ann, ben]) await openChat(who, server);
  await talkTo(ann, "ben");
  await talkTo(ben, "ann");
  await talk("wrong from the start");
  await ann.page.evaluate(shift, hour);
  await ben.page.evaluate(shift, -hour);
  await talk("set while the page is open");
  assert.deepEqual(await messages(ann), await messages(ben), "what both read, in order");
});

test("names that cannot be had are asked for again, and so are those that may have changed", async (t) => {
  const server = await serve(t);
  const chrome = await browser(t);
  const ann = await person(t, chrome, server, "ann", { allow: [/status of (429|503)/] });
  const ben = await person(t, chrome, server, "ben", { nickname: "Benjamin" });
  await openChat(ben, server);
  await talkTo(ben, "ann");
  await say(ben, "who am I?");
  await arrived(ben);
  const answers = [
    { status: 503, json: { status: 503, code: "unavailable" } },
    { status: 429, headers: { "Retry-After": "1" }, json: { status: 429, code: "throttled", retry_after: 1 } },
  ];
  let asked = 0;
  let trouble = true;
  await ann.ctx.route(/\/v1\/people\?im_user_ids=/, (route) => {
    const answer = answers[asked++ % answers.length];
    return trouble ? route.fulfill({ contentType: "application/problem+json", ...answer }) : route.continue();
  });

  await openChat(ann, server);
  const name = ann.page.locator("#talks strong");
  await ann.page.locator("#talks").getByText("who am I?").click();
  await hears(ann, ["who am I?"]);
  assert.deepEqual([await name.textContent(), await ann.page.textContent("#talk-name")], ["Loading …", "Loading …"], "the name while nobody tells it");
  assert.equal(await ann.page.locator("#person-toggle").isVisible(), false, "what can be done about somebody unknown is offered");
  await until("two questions were answered badly", async () => asked >= 2);
  trouble = false;
  await ann.page.locator("#talks").getByText("Benjamin", { exact: true }).waitFor();
  assert.deepEqual([await ann.page.textContent("#talk-name"), await ann.page.textContent("#talk-user")], ["Benjamin", "@ben"], "what is known of the open conversation's person");

  const renamed = await ben.ctx.request.patch(server.api + "/v1/me", { data: { nickname: "Big Ben" }, headers: { Origin: server.api } });
  assert.ok(renamed.ok(), `${renamed.status()} ${await renamed.text()}`);
  await ann.page.evaluate(() => {
    const now = Date.now;
    Date.now = () => now() + 300_000;
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await ann.page.locator("#talks").getByText("Big Ben", { exact: true }).waitFor();
  assert.equal(await ann.page.textContent("#talk-name"), "Big Ben", "the name of the open conversation");
});

test("what somebody types is shown as text, whatever it looks like", async (t) => {
  const server = await serve(t);
  const chrome = await browser(t);
  const { tries } = await import("./lib/xss.mjs");
  assert.ok(tries.length >= 40, `${tries.length} tries, want 40 at least`);
  const mallory = await person(t, chrome, server, "mallory", { nickname: tries[0] });
  const ann = await person(t, chrome, server, "ann", { nickname: `${tries[1]}` });
  for (const who of [mallory, ann]) {
    await who.ctx.addInitScript(() => {
      globalThis.alert = () => (globalThis.wasHit = true);
    });
  }
  await openChat(mallory, server);
  await openChat(ann, server);
  await talkTo(mallory, "ann");
  assert.equal(await mallory.page.textContent("#talk-name"), tries[1]);
  for (const attack of tries) await say(mallory, attack);
  await arrived(mallory);
  await talkTo(ann, "mallory");
  await hears(ann, tries.slice(-20));
  await readBack(ann);
  await hears(ann, tries);
  assert.equal(await ann.page.textContent("#talk-name"), tries[0]);
  // A new page would know nothing of what ran in this one.
  const unharmed = async (after) => {
    for (const who of [mallory, ann]) {
      assert.equal(await who.page.evaluate(() => globalThis.wasHit === true), false, `a script ran at ${who.username}, after ${after}`);
      const planted = await who.page.locator("main :is(script, iframe, object, embed, svg, img, math, style, base, meta, link)").count();
      assert.equal(planted, 0, `elements that were planted at ${who.username}, after ${after}`);
    }
  };
  await unharmed("all messages");

  // As the name of a friend it stands in the list of friends, in that of conversations, and above the open one.
  const call = async (who, method, path, data) => {
    const answer = await who.ctx.request.fetch(server.api + path, { method, data, headers: { Origin: server.api } });
    assert.ok(answer.ok(), `${method} ${path} = ${answer.status()} ${await answer.text()}`);
    return answer.status() === 204 ? undefined : await answer.json();
  };
  const { request } = await call(mallory, "POST", "/v1/friends/requests", { user_id: (await server.user("ann")).id, message: "" });
  await call(ann, "POST", `/v1/friends/requests/${request.id}/accept`);
  const names = tries.filter((attempt) => [...attempt].length <= 64 && !/[\p{Cc}\u2028\u2029\u202e]/u.test(attempt));
  assert.ok(names.length >= 40, `${names.length} tries as names, want 40 at least`);
  for (const name of names) {
    await call(mallory, "PATCH", "/v1/me", { nickname: name });
    await ann.page.evaluate(() => document.getElementById("tab-friends").click());
    const places = ["#friends strong", "#talks strong", "#talk-name"];
    const shown = () => Promise.all(places.map((place) => ann.page.textContent(place, { timeout: 5_000 })));
    await until(`mallory is called ${name} everywhere`, async () => (await shown()).every((text) => text === name.trim()));
  }
  await unharmed("all names");

  for (const who of [mallory, ann]) {
    const name = who === mallory ? names.at(-1) : who.name;
    await who.page.goto(server.api + "/account");
    assert.equal(await who.page.textContent(".lead strong"), name);
    assert.equal(await who.page.inputValue("#nickname"), name);
  }
  await unharmed("the pages of the accounts");
});

test("a token in an address is seen by the watch over each page", async (t) => {
  const server = await serve(t);
  const chrome = await browser(t);
  const ann = await person(t, chrome, server, "ann");
  await openChat(ann, server);
  assert.deepEqual(await ann.ctx.leaks(), [], "what leaks by itself");
  assert.ok([...ann.ctx.tokens.values()].includes("the connect token"), `the watch knows ${[...ann.ctx.tokens.values()]}`);
  const page = await (await context(t, chrome)).newPage();
  const ctx = page.context();
  for (const [token, source] of ann.ctx.tokens) ctx.tokens.set(token, source);
  for (const token of ann.ctx.tokens.keys()) await page.goto(`${server.api}/login?from=${encodeURIComponent(token)}`);
  assert.equal((await ctx.leaks()).length, ann.ctx.tokens.size, "tokens in addresses that the watch found");
  ctx.tokens.clear();
});
