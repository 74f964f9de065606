import assert from "node:assert/strict";
import { test } from "node:test";
import { admin, browser, context, person, until } from "./lib/browser.mjs";
import { openChat, state } from "./lib/chat.mjs";
import { password, serve } from "./lib/server.mjs";

const comesBack = /status of (401|403|412|422)/;

/** Chooses a lifetime and looks at what it would do. */
async function preview(who, server, lifetime) {
  await who.page.goto(server.api + "/admin/lifetimes");
  await who.page.locator(`.choices input[value="${lifetime}"]`).check();
  await who.page.locator("form:has(.choices) button").click();
  await who.page.locator("#preview").waitFor();
}

const confirm = (who) => who.page.locator('#preview form[method="post"] button').click();

/** The default that the page shows as the one in force. */
const inForce = (who) => who.page.locator(".choice:has(.tag) input").getAttribute("value");

test("admins steer on pages", async (t) => {
  const server = await serve(t);
  const chrome = await browser(t);
  const one = await admin(t, chrome, server, "one", { allow: [comesBack] });
  const two = await admin(t, chrome, server, "two", { allow: [comesBack], lang: "zh" });
  const ann = await person(t, chrome, server, "ann", { allow: [comesBack] });
  const ben = await person(t, chrome, server, "ben", { allow: [comesBack] });
  await openChat(ann, server);
  await openChat(ben, server);

  await t.test("a lifetime: looked at, set, and taken back", async () => {
    await preview(one, server, "7d");
    assert.equal(await one.page.locator("#preview .say").textContent(),
      "0 tokens become due within a day, 0 people are affected within an hour, 0 of them at once.", "of two new tokens");
    assert.match(await one.page.locator("#preview").textContent(), /7 days/);
    assert.equal(await inForce(one), "permanent", "a preview changes nothing");
    await confirm(one);
    await one.page.locator(".notice.good").waitFor();
    assert.equal(await inForce(one), "7d");
    assert.equal((await server.admin("GET", "/lifetimes")).default.lifetime, "7d");
    await one.page.locator(".undo button").click();
    await one.page.waitForURL(/undone/);
    assert.equal(await inForce(one), "permanent");
    assert.equal((await server.admin("GET", "/lifetimes")).default.lifetime, "permanent");
  });

  await t.test("a lifetime shows its effect: shorter tokens are fetched while people chat on", async () => {
    await preview(one, server, "20s");
    assert.match(await one.page.locator("#preview .say").textContent(),
      /^2 tokens become due within a day, 2 people are affected within an hour, [012] of them at once\.$/, "of the same two");
    await confirm(one);
    await one.page.locator(".notice.good").waitFor();
    await until("ann's token ends soon", async () => {
      const token = await ann.page.evaluate(async () => (await fetch("/v1/im/token")).json());
      return token.expires_at !== null && new Date(token.expires_at) - Date.now() < 21_000;
    }, 10_000);
    await state(ann, "connected");
    await one.page.locator(".undo button").click();
    await one.page.waitForURL(/undone/);
  });

  await t.test("two admins at once: the second is told in words, and nothing is lost", async () => {
    await preview(one, server, "30d");
    await preview(two, server, "1d");
    await confirm(one);
    await one.page.locator(".notice.good").waitFor();
    const answer = two.page.waitForResponse((r) => r.request().method() === "POST");
    await confirm(two);
    assert.equal((await answer).status(), 412);
    await two.page.getByText("在您查看之后，他人已修改此内容。请重新查看后再决定。").waitFor();
    assert.equal(await inForce(two), "30d", "what the first one set");
    await preview(two, server, "1d");
    await confirm(two);
    await two.page.locator(".notice.good").waitFor();
    assert.equal(await inForce(two), "1d");
    // The first one's page still offers to undo what is no longer the last change.
    await one.page.locator(".undo button").click();
    await one.page.getByText("Somebody else changed this since you looked at it. Look again before you decide.").waitFor();
    assert.equal(await inForce(one), "1d");
  });

  await t.test("one person: found, sessions ended, banned, let in again", async () => {
    const { page } = one;
    await page.goto(server.api + "/admin/people");
    await page.fill("#query", "ben");
    await page.locator('form[role="search"] button').click();
    await page.locator("td").getByRole("link", { name: "ben" }).click();
    await page.waitForURL(/\/admin\/people\/\w+/);
    const token = await ben.page.evaluate(async () => (await (await fetch("/v1/im/token")).json()).token);
    assert.ok(!(await page.content()).includes(token.slice(0, 12)), "no page shows a token");
    await page.locator('button[name="do"][value="end"]').click();
    await state(ben, "signed_out", 5_000);
    await page.locator('#reason').waitFor();
    await page.fill("#reason", "spam 广告");
    await page.locator('button[value="ban"]').click();
    await page.locator('button[value="unban"]').waitFor();
    await page.getByText("spam 广告").waitFor();
    await until("the cloud has the ban", async () => (await server.control("/control/state")).bans.length === 1);
    await page.fill("#reason", "sorry");
    await page.locator('button[value="unban"]').click();
    await page.locator('button[value="ban"]').waitFor();
  });

  await t.test("without an admin's session there is nothing but the page to log in; other sites get nothing done", async (t) => {
    const ctx = await context(t, chrome, { allow: [comesBack] });
    const page = await ctx.newPage();
    await page.goto(server.api + "/admin/people?query=ann");
    await page.fill("#name", "two");
    await page.fill("#password", password);
    await page.click("main button.main");
    await page.waitForURL(server.api + "/admin/people?query=ann");
    assert.equal(await page.inputValue("#query"), "ann", "the search that was asked for before logging in");
    await page.getByRole("button", { name: "中文" }).click();
    await page.getByRole("heading", { name: "用户" }).waitFor();
    assert.equal(await page.inputValue("#query"), "ann", "the search in another language");
    await page.locator('form[action="/admin/logout"] button').click();
    await page.waitForURL(/\/admin\/login/);
    for (const path of ["/admin", "/admin/lifetimes", "/admin/people", "/admin/queue", "/admin/notices", "/admin/audit", "/admin/clouds"]) {
      for (const who of [{ page }, ann]) {
        await who.page.goto(server.api + path);
        assert.equal(new URL(who.page.url()).pathname, "/admin/login", path);
      }
    }
    const before = (await server.admin("GET", "/lifetimes")).default;
    const evil = await one.ctx.newPage();
    await evil.goto(`data:text/html,<form method=post action="${server.api}/admin/lifetimes/undo"><input name=revision value=${before.version}></form>`);
    const answer = evil.waitForResponse((r) => r.request().method() === "POST");
    await evil.evaluate(() => document.forms[0].submit());
    assert.equal((await answer).status(), 403);
    await evil.getByText("This came from another site").waitFor();
    assert.deepEqual((await server.admin("GET", "/lifetimes")).default, before);
  });
});
