// The pages with Easemob's own web SDK, against the sandbox in Easemob's place.
import assert from "node:assert/strict";
import { test } from "node:test";
import { browser, context, person, until } from "./lib/browser.mjs";
import { arrived, hears, messages, openChat, say, state, statesSeen, talkTo } from "./lib/chat.mjs";
import { easemob, password, serve } from "./lib/server.mjs";

/** What the browser writes when the API answers that somebody is out. */
const refused = /status of (401|403)/;

test("two people register, chat both ways, and read at their next login what came while they were away", async (t) => {
  const server = await serve(t, easemob);
  const chrome = await browser(t);
  const register = async (username, nickname) => {
    const ctx = await context(t, chrome, { allow: [refused] });
    const page = await ctx.newPage();
    await page.goto(server.api + "/register");
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
  assert.equal(await ann.page.getAttribute("#chat", "data-cloud"), "easemob");
  await ann.page.getByText("Messages are kept in this tab only").waitFor();

  await t.test("chat both ways, in Chinese and with emoji", async () => {
    await talkTo(ann, "ben");
    await say(ann, "你好,Ben!今天天气很好 🌤️");
    await ben.page.locator("#talks").getByText("你好,Ben!今天天气很好 🌤️").waitFor();
    assert.equal(await ben.page.locator("#talks .count").textContent(), "1", "unread at ben");
    await ben.page.locator("#talks").getByText("安娜").click();
    await hears(ben, ["你好,Ben!今天天气很好 🌤️"]);
    await say(ben, "早上好 👩‍👩‍👧‍👦🇨🇳\nzweite Zeile: Grüße");
    await hears(ann, ["你好,Ben!今天天气很好 🌤️", "早上好 👩‍👩‍👧‍👦🇨🇳\nzweite Zeile: Grüße"]);
    assert.equal(await ben.page.locator("#talks .count").count(), 0, "unread at ben after reading");
  });

  await t.test("what came while away is there at the next login, and nothing of what was there before somebody logged out", async () => {
    await ben.page.fill("#text", "a draft");
    const kept = () => ben.page.evaluate(() => Object.keys(sessionStorage).filter((key) => /^imbridge:(kept|drafts)/.test(key)).length);
    assert.equal(await kept(), 2, "what the tab keeps: a conversation and drafts");
    await ben.page.getByRole("button", { name: "Log out" }).click();
    await ben.page.waitForURL(/\/login/);
    await until("nothing is kept", async () => (await kept()) === 0);
    await say(ann, "等你回来 📮");
    await say(ann, "second thought");
    await arrived(ann);
    await ben.page.getByLabel("Username").fill("ben");
    await ben.page.getByLabel("Password").fill(password);
    await ben.page.getByRole("button", { name: "Log in" }).click();
    await state(ben, "connected");
    const talk = ben.page.locator("#talks li", { hasText: "安娜" });
    await talk.getByText("second thought").waitFor();
    assert.equal(await talk.locator(".count").textContent(), "2", "unread at ben");
    await talk.click();
    await hears(ben, ["等你回来 📮", "second thought"]);
    assert.equal((await messages(ben)).length, 2, "messages that ben reads");
    assert.equal(await ben.page.inputValue("#text"), "", "the draft of before");
    await say(ben, "I am back");
    await hears(ann, ["second thought", "I am back"]);
  });

  await t.test("a page that is loaded again shows what the tab has kept", async () => {
    await ben.page.reload();
    await state(ben, "connected");
    await ben.page.locator("#talks li", { hasText: "安娜" }).click();
    await hears(ben, ["等你回来 📮", "second thought", "I am back"]);
    assert.equal(await ben.page.locator("#talks .count").count(), 0, "unread at ben");
  });

  await t.test("who was put out finds what was there, and what was begun", async () => {
    await ben.page.fill("#text", "half a sen");
    await server.admin("POST", `/users/${(await server.user("ben")).id}/end-sessions`, {});
    await state(ben, "signed_out");
    await ben.page.getByRole("link", { name: "Log in again" }).click();
    await ben.page.waitForURL(/\/login/);
    await ben.page.getByLabel("Username").fill("ben");
    await ben.page.getByLabel("Password").fill(password);
    await ben.page.getByRole("button", { name: "Log in" }).click();
    await state(ben, "connected");
    await ben.page.locator("#talks li", { hasText: "安娜" }).click();
    await hears(ben, ["等你回来 📮", "second thought", "I am back"]);
    assert.equal(await ben.page.inputValue("#text"), "half a sen");
  });
});

test("a token of 20 s is renewed while two people chat, and no message is lost", async (t) => {
  const server = await serve(t, { ...easemob, IMBRIDGE_IM_LIFETIME: "20s" });
  const chrome = await browser(t);
  const ann = await person(t, chrome, server, "ann");
  const ben = await person(t, chrome, server, "ben");
  for (const who of [ann, ben]) await openChat(who, server);
  await talkTo(ann, "ben");
  await talkTo(ben, "ann");
  const renewals = { ann: 0, ben: 0 };
  for (const who of [ann, ben]) {
    who.page.on("response", (answer) => /\/sdk\/users\/[^/]+\/token\/expires/.test(answer.url()) && answer.ok() && renewals[who.username]++);
  }
  const wanted = [];
  const begin = Date.now();
  let dropped = false;
  for (let i = 1; Date.now() < begin + 45_000; i++) {
    if (!dropped && Date.now() > begin + 30_000) {
      dropped = true;
      await server.control("/control/connections", { user_id: "*", action: "drop" });
    }
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
    assert.deepEqual([...got].sort(), [...wanted].sort(), `what ${who.username} reads, each once`);
    assert.ok(renewals[who.username] >= 1, `${renewals[who.username]} renewals in place by ${who.username}, want 1 at least`);
    assert.equal((await statesSeen(who)).at(-1), "connected");
  }
});

test("a token that the cloud refuses is replaced, and the page says so meanwhile", async (t) => {
  const server = await serve(t, easemob);
  const chrome = await browser(t);
  const ben = await person(t, chrome, server, "ben");
  await openChat(ben, server);
  for (const [code, what, refuse] of [
    [28, "one that the cloud does not know", async (who) => {
      // The token that is stored is good: the page was given another one, once.
      let spoilt = false;
      await who.ctx.route("**/v1/im/token", async (route) => {
        if (spoilt) return route.fallback();
        spoilt = true;
        const answer = await route.fetch();
        return route.fulfill({ response: answer, json: { ...(await answer.json()), token: "YWMtspoilt" } });
      });
      await who.page.goto(server.api + "/chat");
    }],
    [56, "one that ended while the connection was away", async (who) => {
      await openChat(who, server);
      await who.page.evaluate(() => (globalThis.statesSeen.length = 0));
      await server.control("/control/connections", { user_id: await who.page.getAttribute("#chat", "data-me"), action: "expire" });
    }],
  ]) {
    await t.test(`${code}: ${what}`, async (t) => {
      const who = await person(t, chrome, server, `ann${code}`);
      const reports = [];
      who.page.on("request", (request) => request.url().endsWith("/v1/im/token/refused") && reports.push(request.postDataJSON().code ?? request.postDataJSON()));
      await refuse(who);
      await until(`${what} is replaced`, async () => (await statesSeen(who)).includes("renewing"));
      await state(who, "connected");
      assert.deepEqual(reports, [code], "codes that imbridge was told");
      await talkTo(who, "ben");
      await say(who, `after ${code}`);
      await ben.page.locator("#talks").getByText(`after ${code}`).waitFor();
    });
  }
});

test("what an admin ends, ends", async (t) => {
  const server = await serve(t, easemob);
  const chrome = await browser(t);
  const online = async (id) => (await server.control(`/control/connections?user_id=${id}`)).connections.length;
  const cloudID = (who) => who.page.getAttribute("#chat", "data-me");

  await t.test("an admin ends somebody's sessions", async (t) => {
    const ben = await person(t, chrome, server, "ben", { allow: [refused] });
    await openChat(ben, server);
    const token = await ben.page.evaluate(async () => (await (await fetch("/v1/im/token")).json()).token);
    const sdkState = async () => (await server.control("/control/token", { token })).state;
    const id = await cloudID(ben);
    assert.equal(await online(id), 1, "connections of ben");
    assert.equal(await sdkState(), "valid");
    await server.admin("POST", `/users/${(await server.user("ben")).id}/end-sessions`, {});
    await state(ben, "signed_out", 5_000);
    assert.equal(await ben.page.textContent("#state-text"), "Signed out");
    await until("the cloud lets the old token in no more", async () => (await sdkState()) !== "valid");
    await until("nobody is connected as ben", async () => (await online(id)) === 0);
  });

  await t.test("somebody is banned while chatting", async (t) => {
    const cleo = await person(t, chrome, server, "cleo", { allow: [refused], lang: "zh" });
    await openChat(cleo, server);
    const user = await server.user("cleo");
    const id = await cloudID(cleo);
    await server.admin("POST", `/users/${user.id}/ban`, { reason: "spam" });
    await state(cleo, ["banned"], 5_000);
    assert.equal(await cleo.page.textContent("#state-text"), "已被封禁");
    await until("nobody is connected as cleo", async () => (await online(id)) === 0);
  });

  await t.test("the same person is put out by another device", async (t) => {
    const dan = await person(t, chrome, server, "dan", { allow: [refused] });
    await openChat(dan, server);
    await server.control("/control/connections", { user_id: await cloudID(dan), action: "kick" });
    await state(dan, "signed_out_elsewhere", 5_000);
    await dan.page.getByRole("link", { name: "Load again" }).click();
    await state(dan, "connected");
  });
});
