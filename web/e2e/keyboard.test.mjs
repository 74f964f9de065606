import assert from "node:assert/strict";
import { test } from "node:test";
import { admin, browser, context, person, until } from "./lib/browser.mjs";
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
  const others = {};

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

    others.somebody = await person(t, chrome, server, "somebody");
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

  await t.test("an admin finds somebody, bans them, clears the queue, and checks the cloud", async (t) => {
    const { page } = await admin(t, chrome, server, "hands", { allow: [/status of (412|422)/] });
    const { keyboard } = page;
    const mia = await person(t, chrome, server, "mia", { nickname: "Mia" });
    const { id } = await server.user("mia");

    await tabTo(page, "the people", 'a[href="/admin/people"]');
    await keyboard.press("Enter");
    await page.waitForURL(/\/admin\/people/);
    await tabTo(page, "the search", "#query");
    await keyboard.type("mia");
    await keyboard.press("Enter");
    await page.waitForURL(/query=mia/);
    await tabTo(page, "who was found", `td a[href="/admin/people/${id}"]`);
    await keyboard.press("Enter");
    await page.waitForURL(new RegExp(id));
    await tabTo(page, "the reason of a ban", "#reason");
    await keyboard.type("keys alone");
    await tabTo(page, "the ban", 'button[value="ban"]');
    await keyboard.press("Enter");
    await page.getByText("Banned because: keys alone").waitFor();
    await tabTo(page, "the reason to lift it", "#reason");
    await keyboard.type("sorry");
    await keyboard.press("Enter");
    await page.waitForURL(/why=unban/);
    await tabTo(page, "the way to delete", "details summary");
    await keyboard.press("Enter");
    await tabTo(page, "the name, once more", "#typed");
    await keyboard.type("somebody else");
    await keyboard.press("Enter");
    await page.locator("#typed-wrong").waitFor();
    assert.ok(await page.evaluate(() => document.activeElement?.id === "typed"), "the focus is where something is wrong");

    await server.control("/control/faults", { path: "/user/refresh.json", mode: "code", code: 1005, times: 2 });
    for (const who of ["mia", "somebody"]) {
      const { ctx } = who === "mia" ? mia : others.somebody;
      await ctx.request.post(server.api + "/account/profile", { form: { nickname: `${who} the second` } });
    }
    const rows = page.locator('#rows input[name="id"]');
    await until("two rows were given up on", async () => {
      await page.goto(server.api + "/admin/queue?state=buried");
      return (await rows.count()) === 2;
    }, 15_000);
    await server.control("/control/reset", {});
    await page.goto(server.api + "/admin");
    await tabTo(page, "the queue", 'a[href="/admin/queue"]');
    await keyboard.press("Enter");
    await page.waitForURL(/\/admin\/queue/);
    await tabTo(page, "the state to filter by", "#state");
    await keyboard.type("Given");
    assert.equal(await page.inputValue("#state"), "buried");
    await tabTo(page, "the filter", "form.filter button");
    await keyboard.press("Enter");
    await page.waitForURL(/state=buried/);
    await tabTo(page, "a row's mark", '#rows input[name="id"]');
    await keyboard.press("Space");
    await tabTo(page, "the way to try again", 'button[value="retry"]');
    await keyboard.press("Enter");
    await page.waitForURL(/why=retry/);
    assert.equal(await rows.count(), 1, "rows that are left");
    await tabTo(page, "the mark of all", "#all");
    await keyboard.press("Space");
    assert.ok(await rows.first().isChecked(), "all are marked");
    await tabTo(page, "the way to drop", "#rows details summary");
    await keyboard.press("Enter");
    await tabTo(page, "the reason to drop", "#reason");
    await keyboard.type("by hand");
    await tabTo(page, "drop", 'button[value="drop"]');
    await keyboard.press("Enter");
    await page.waitForURL(/why=drop/);
    assert.equal(await rows.count(), 0, "rows that are left");

    await tabTo(page, "the clouds", 'a[href="/admin/clouds"]');
    await keyboard.press("Enter");
    await page.waitForURL(/\/admin\/clouds/);
    await tabTo(page, "the check", 'button[value="check"]');
    await keyboard.press("Enter");
    await page.getByText("The cloud accepts the credentials.").waitFor();
    await tabTo(page, "the way to rotate", "details summary");
    await keyboard.press("Enter");
    await tabTo(page, "the app key", "#typed");
    await keyboard.type("not it");
    await keyboard.press("Enter");
    await page.locator("#typed-wrong").waitFor();
    await keyboard.type(await page.locator("dd code").first().textContent());
    await keyboard.press("Enter");
    await page.getByText("All tokens are marked as old.").waitFor();
  });
});
