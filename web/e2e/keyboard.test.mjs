import assert from "node:assert/strict";
import { test } from "node:test";
import { browser, context, person } from "./lib/browser.mjs";
import { hears, openChat, state } from "./lib/chat.mjs";
import { password, serve } from "./lib/server.mjs";

/** Presses Tab until the focus is on what is wanted, as somebody without a mouse does. */
async function tabTo(page, what, selector, key = "Tab") {
  for (let presses = 0; presses < 60; presses++) {
    await page.keyboard.press(key);
    const there = await page.evaluate((s) => {
      const e = document.activeElement;
      if (!e?.matches(s)) return false;
      // A radio may be drawn by what is around it.
      const shows = (each) => each !== null && [getComputedStyle(each)].some((style) => style.outlineStyle !== "none" || style.boxShadow !== "none");
      return { shown: shows(e) || shows(e.closest("label")) || shows(e.nextElementSibling) };
    }, selector);
    if (!there) continue;
    assert.ok(there.shown, `${what} shows that it has the focus`);
    return;
  }
  assert.fail(`no ${key} leads to ${what} (${selector})`);
}

test("by keyboard alone", async (t) => {
  const server = await serve(t);
  const chrome = await browser(t);

  await t.test("register, log out, log in, find somebody, send a message", async (t) => {
    const other = await person(t, chrome, server, "taken2");
    await openChat(other, server);
    const ctx = await context(t, chrome);
    const page = await ctx.newPage();
    const { keyboard } = page;
    await page.goto(server.api + "/login");
    await tabTo(page, "the way to the content", "a.skip");
    await tabTo(page, "the link to register", 'main a[href="/register"]');
    await keyboard.press("Enter");
    await page.waitForURL(/\/register/);
    await tabTo(page, "the username", "#username");
    await keyboard.type("keys");
    await tabTo(page, "the password", "#password");
    await keyboard.type(password);
    await keyboard.press("Enter");
    await page.waitForURL(server.api + "/chat");
    const keys = { ctx, page, username: "keys" };
    await state(keys, "connected");
    await tabTo(page, "log out", 'form[action="/logout"] button');
    await keyboard.press("Enter");
    await page.waitForURL(/\/login/);
    await tabTo(page, "the name", "#login");
    await keyboard.type("keys");
    await tabTo(page, "the password", "#password");
    await keyboard.type(password);
    await keyboard.press("Enter");
    await page.waitForURL(server.api + "/chat");
    await state(keys, "connected");
    await tabTo(page, "the search", "#search");
    await keyboard.type("taken2");
    await page.locator("#found .person").waitFor();
    await tabTo(page, "who was found", "#found .person");
    await keyboard.press("Enter");
    await page.waitForFunction(() => document.activeElement?.id === "text");
    await keyboard.type("没有鼠标 🎹");
    await keyboard.press("Shift+Enter");
    await keyboard.type("second line");
    await keyboard.press("Enter");
    await hears(keys, ["没有鼠标 🎹\nsecond line"]);
    await other.page.locator("#talks").getByText("second line").waitFor();
  });

  await t.test("an admin logs in, looks at a lifetime, goes back, sets it, and takes it back", async () => {
    // The password of an admin is made by the operator; the page is opened, and the mouse stays where it is.
    await server.makeAdmin("keys");
    const ctx = await context(t, chrome);
    const page = await ctx.newPage();
    const { keyboard } = page;
    await page.goto(server.api + "/admin/login");
    await tabTo(page, "the name", "#name");
    await keyboard.type("keys");
    await tabTo(page, "the password", "#password");
    await keyboard.type(password);
    await keyboard.press("Enter");
    await page.waitForURL(server.api + "/admin");
    await tabTo(page, "the lifetimes", 'a[href="/admin/lifetimes"]');
    await keyboard.press("Enter");
    await page.waitForURL(/\/admin\/lifetimes/);
    /** Walks over the choices with the arrows, and asks for the preview. */
    const look = async (lifetime) => {
      await tabTo(page, "the choices", '.choices input[type="radio"]');
      for (let presses = 0; ; presses++) {
        assert.ok(presses < 10, `no arrow leads to ${lifetime}`);
        if ((await page.evaluate(() => document.activeElement.value)) === lifetime) break;
        await keyboard.press("ArrowDown");
      }
      await keyboard.press("Enter");
      await page.locator("#preview").waitFor();
    };
    await look("7d");
    const confirm = '#preview form[method="post"] button';
    if (!(await page.evaluate((s) => document.activeElement?.matches(s), confirm))) await tabTo(page, "the way to confirm", confirm);
    await tabTo(page, "the way back", '#preview a[href="/admin/lifetimes"]');
    await keyboard.press("Enter");
    await page.locator("#preview").waitFor({ state: "detached" });
    assert.equal((await server.admin("GET", "/lifetimes")).default.lifetime, "permanent", "after going back");
    await look("7d");
    if (!(await page.evaluate((s) => document.activeElement?.matches(s), confirm))) await tabTo(page, "the way to confirm", confirm);
    await keyboard.press("Enter");
    await page.locator(".notice.good").waitFor();
    assert.equal((await server.admin("GET", "/lifetimes")).default.lifetime, "7d");
    await tabTo(page, "undo", ".undo button");
    await keyboard.press("Enter");
    await page.waitForURL(/undone/);
    assert.equal((await server.admin("GET", "/lifetimes")).default.lifetime, "permanent");

    await person(t, chrome, server, "somebody");
    await tabTo(page, "whose lifetime", "#who");
    await keyboard.type("somebody");
    await tabTo(page, "that lifetime", "#own-lifetime");
    await keyboard.type("1 day");
    assert.equal(await page.inputValue("#own-lifetime"), "1d");
    await tabTo(page, "the way to look", "form:has(#who) button");
    await keyboard.press("Enter");
    await page.locator("#preview").waitFor();
    if (!(await page.evaluate((s) => document.activeElement?.matches(s), confirm))) await tabTo(page, "the way to confirm", confirm);
    await keyboard.press("Enter");
    await page.locator(".notice.good").waitFor();
    await tabTo(page, "the way to take it away", 'li form[action="/admin/lifetimes"] button');
    await keyboard.press("Enter");
    await page.locator(".notice.good").waitFor();
    assert.equal(await page.locator('li form[action="/admin/lifetimes"] button').count(), 0, "lifetimes of their own");
  });
});
