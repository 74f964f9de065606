import assert from "node:assert/strict";
import { test } from "node:test";
import { admin, browser, person, until } from "./lib/browser.mjs";
import { openChat, state } from "./lib/chat.mjs";
import { password, serve } from "./lib/server.mjs";

const comesBack = /status of (400|401|403|412|422|50\d)/;

test("admins clear up, and look things up", async (t) => {
  const server = await serve(t, { IMBRIDGE_IM_REGISTRATION: "rollback", IMBRIDGE_SERVER_REGISTER_BUDGET: "10s" });
  const chrome = await browser(t);
  const boss = await admin(t, chrome, server, "boss", { allow: [comesBack] });
  const { page } = boss;
  const names = ["ann", "ben", "cleo", "dan", "eve", "fay"];
  const people = {};
  for (const name of names) people[name] = await person(t, chrome, server, name, { nickname: name, allow: [comesBack] });
  const ids = {};
  for (const name of names) ids[name] = (await server.user(name)).id;

  const rows = () => page.locator('#rows input[name="id"]');
  const row = (name) => page.locator("#rows tbody tr", { has: page.locator(`a[href="/admin/people/${ids[name]}"]`) });
  const queue = async (want, path = "/admin/queue?state=buried") =>
    until(`${want} rows in ${path}`, async () => {
      await page.goto(server.api + path);
      return (await rows().count()) === want || (want > 0 ? false : (await page.locator(".empty").count()) > 0);
    }, 15_000);
  /** Has the cloud refuse for good what it is told about some people. */
  const bury = async (...who) => {
    await server.control("/control/faults", { path: "/user/refresh.json", mode: "code", code: 1005, times: who.length });
    for (const name of who) await people[name].ctx.request.post(server.api + "/account/profile", { form: { nickname: `${name} the second` } });
    await queue(who.length);
    await server.control("/control/reset", {});
  };
  const atCloud = async (name) => {
    const { users } = await server.control("/control/state");
    return users.some((user) => user.name === `${name} the second`);
  };

  await t.test("a row that was given up on is tried again, another dropped with a reason", async () => {
    await bury("ann", "ben");
    assert.equal(await atCloud("ann"), false, "the cloud knows ann's new name");
    await page.locator('button[value="retry"]').click();
    await page.locator("#rows .complaint").waitFor();
    assert.equal(await rows().count(), 2, "rows after a form without a mark");
    await row("ann").locator("input").check();
    await page.locator('button[value="retry"]').click();
    await page.waitForURL(/why=retry/);
    await page.locator(".notice.good").waitFor();
    await queue(1);
    await until("the cloud has ann's new name", () => atCloud("ann"));

    await row("ben").locator("input").check();
    await page.locator("details:has(#reason) summary").click();
    await page.locator('button[value="drop"]').click();
    assert.equal(await page.locator("#reason").getAttribute("aria-invalid"), "true");
    assert.ok(await row("ben").locator("input").isChecked(), "the mark is kept");
    await page.fill("#reason", "ben 自己会再改 <b>");
    await page.locator('button[value="drop"]').click();
    await page.waitForURL(/why=drop/);
    await queue(0);
    assert.equal(await atCloud("ben"), false, "what was dropped reached the cloud");
  });

  await t.test("many at once: all that are marked, and all that the filter names", async () => {
    await bury("cleo", "dan", "eve", "fay");
    await page.goto(server.api + "/admin/queue?state=buried&kind=ban");
    assert.equal(await rows().count(), 0, "rows of another kind");
    await queue(4);
    await page.locator("#all").check();
    for (const box of await rows().all()) assert.ok(await box.isChecked(), "a row is marked with all");
    await row("fay").locator("input").uncheck();
    await page.locator('button[value="retry"]').click();
    await page.waitForURL(/why=retry/);
    await queue(1);
    await until("the cloud has three new names", async () => (await Promise.all(["cleo", "dan", "eve"].map(atCloud))).every(Boolean));
    assert.equal(await atCloud("fay"), false, "the row that was not marked was tried");
    await page.locator('button[value="retry_all"]').click();
    await page.waitForURL(/why=retry/);
    await queue(0);
    await until("the cloud has fay's new name", () => atCloud("fay"));
  });

  await t.test("a notice is read and resolved", async () => {
    await server.control("/control/faults", { path: "/user/getToken.json", mode: "code", code: 2007 });
    const answer = await people.ann.ctx.request.post(server.api + "/register", { form: { username: "toomany", password, nickname: "", attempt: "toomany-1" }, maxRedirects: 0 });
    await server.control("/control/reset", {});
    assert.ok(answer.status() >= 400, `registering while the cloud takes nobody = ${answer.status()}`);
    await page.goto(server.api + "/admin/notices");
    const notice = page.locator("article", { hasText: "2007" });
    await notice.getByRole("button").click();
    await page.locator(".notice.good").waitFor();
    assert.equal(await notice.count(), 0, "open notices about it");
    await page.goto(server.api + "/admin/notices?state=resolved");
    await notice.waitFor();
    assert.equal(await notice.getByRole("button").count(), 0, "buttons at a resolved notice");
    await page.goto(server.api + "/admin/notices?state=all");
    await notice.waitFor();
  });

  await t.test("somebody's own lifetime: set, shown, of effect, taken away again", async () => {
    await openChat(people.dan, server);
    const lifetime = () => people.dan.page.evaluate(async () => {
      const { expires_at } = await (await fetch("/v1/im/token")).json();
      return expires_at === null ? "permanent" : Math.round((new Date(expires_at) - Date.now()) / 1000);
    });
    assert.equal(await lifetime(), "permanent");
    await page.goto(server.api + "/admin/lifetimes");
    await page.fill("#who", "nobody_of_this_name");
    await page.selectOption("#own-lifetime", "20s");
    await page.locator("form:has(#who) button").click();
    await page.locator("#who-wrong").waitFor();
    assert.equal(await page.inputValue("#own-lifetime"), "20s", "what was chosen for nobody");
    await page.fill("#who", "dan");
    await page.locator("form:has(#who) button").click();
    await page.locator("#preview").getByText("dan").first().waitFor();
    await page.locator('#preview form[method="post"] button').click();
    await page.locator(".notice.good").waitFor();
    const own = page.locator(`li:has(a[href="/admin/people/${ids.dan}"])`);
    await own.waitFor();
    await until("dan's token ends soon", async () => {
      const seconds = await lifetime();
      return seconds !== "permanent" && seconds <= 20;
    }, 10_000);
    await state(people.dan, "connected");
    assert.equal((await server.admin("GET", "/lifetimes")).default.lifetime, "permanent", "everybody else's");
    await own.getByRole("button").click();
    await page.locator(".notice.good").waitFor();
    assert.equal(await own.count(), 0, "lifetimes of dan's own");
    await until("dan's token has no end", async () => (await lifetime()) === "permanent", 10_000);
    await people.dan.page.goto("about:blank");
  });

  await t.test("the audit: filtered by what, by whom, by day, and read on page by page", async () => {
    const entries = page.locator("ol.entries > li");
    const look = async (query) => {
      await page.goto(`${server.api}/admin/audit?${query}`);
      return await entries.count();
    };
    await page.goto(server.api + "/admin/audit");
    await page.selectOption("#action", "outbox.drop");
    await page.locator("form.filter button").click();
    await page.waitForURL(/action=outbox.drop/);
    assert.equal(await entries.count(), 1, "rows dropped");
    await entries.first().locator("summary").click();
    await entries.first().getByText("ben 自己会再改 <b>").first().waitFor();
    assert.equal(await page.locator("main b").count(), 0, "elements that a reason planted");
    assert.ok((await look("action=outbox.retry")) >= 2, "retries");
    assert.equal(await look("action=lifetime.delete"), 1, "lifetimes removed");
    assert.equal(await look("action=notice.resolve"), 1, "notices resolved");
    const mine = await look(`subject=user:${ids.dan}`);
    assert.ok(mine >= 3, `${mine} entries about dan, want his registration, his profile and his lifetime at least`);
    const only = entries.first().locator('a[href*="actor="]');
    await entries.first().locator("summary").click();
    const href = await only.first().getAttribute("href");
    await only.first().click();
    await page.waitForURL((url) => url.pathname + url.search === href);
    assert.ok((await entries.count()) >= 1);

    const tomorrow = new Date(Date.now() + 48 * 3_600_000).toISOString().slice(0, 10);
    await page.goto(server.api + "/admin/audit");
    await page.fill("#since", tomorrow);
    await page.locator("form.filter button").click();
    await page.locator(".empty").waitFor();
    assert.equal(await entries.count(), 0, "entries of a day to come");
    await page.goto(server.api + "/admin/audit?since=nonsense");
    assert.equal(await page.locator("#since").getAttribute("aria-invalid"), "true");

    const words = () => page.locator("[data-days]").textContent();
    assert.equal(await words(), "Times and the filter's days are in your own time zone.");
    const browsersOwn = await page.context().newCDPSession(page);
    const entry = () => entries.first().locator("time");
    await look("action=lifetime.delete");
    const moment = new Date(await entry().getAttribute("datetime"));
    // At the other ends of the world the same moment is of two days; on each it is found.
    for (const [timezoneId, hours] of [["Pacific/Kiritimati", 14], ["Pacific/Pago_Pago", -11]]) {
      await browsersOwn.send("Emulation.setTimezoneOverride", { timezoneId });
      const day = (later = 0) => new Date(moment.getTime() + (hours + 24 * later) * 3_600_000).toISOString().slice(0, 10);
      for (const [since, until, want] of [[day(), day(1), 1], [day(1), "", 0], ["", day(), 0], [day(-1), day(), 0]]) {
        await page.goto(server.api + "/admin/audit?action=lifetime.delete");
        assert.match(await entry().textContent(), new RegExp(`^${Number(day().slice(8))} `), `the day of the entry in ${timezoneId}`);
        await page.fill("#since", since);
        await page.fill("#until", until);
        await Promise.all([page.waitForURL(/since=/), page.locator("form.filter button").click()]);
        assert.equal(await entries.count(), want, `entries from ${since} before ${until} in ${timezoneId}`);
        assert.deepEqual([await page.inputValue("#since"), await page.inputValue("#until")], [since, until], `the days that are shown again in ${timezoneId}`);
      }
    }
    await browsersOwn.send("Emulation.setTimezoneOverride", { timezoneId: "" });
    const plain = await boss.ctx.newPage();
    await (await boss.ctx.newCDPSession(plain)).send("Emulation.setScriptExecutionDisabled", { value: true });
    const today = moment.toISOString().slice(0, 10);
    await plain.goto(`${server.api}/admin/audit?action=lifetime.delete&since=${today}`);
    assert.equal(await plain.locator("[data-days]").textContent(), "Times and the filter's days are in UTC.");
    assert.equal(await plain.inputValue("#since"), today);
    assert.match(await plain.locator("ol.entries time").first().textContent(), / UTC$/);
    assert.equal(await plain.locator("ol.entries > li").count(), 1, "entries of the day in UTC");
    await plain.close();

    const seen = [];
    await page.goto(server.api + "/admin/audit?limit=5");
    for (let pages = 1; ; pages++) {
      assert.ok(pages < 40, "pages without end");
      for (const id of await entries.evaluateAll((list) => list.map((li) => li.textContent.replace(/\s+/g, " ")))) seen.push(id);
      const more = page.locator('main a[href*="cursor="]');
      if ((await more.count()) === 0) break;
      await more.last().click();
      await page.waitForLoadState();
    }
    const all = await look("limit=100");
    assert.equal(seen.length, all, "entries page by page, and at once");
  });

  await t.test("a ban on the person's page reaches the open chat within 5 s, and keeps it out until it is lifted", async () => {
    const cleo = people.cleo;
    await openChat(cleo, server);
    const token = await cleo.page.evaluate(async () => (await (await fetch("/v1/im/token")).json()).token);
    await page.goto(`${server.api}/admin/people/${ids.cleo}`);
    await page.fill("#reason", "广告 & spam");
    const begin = Date.now();
    await page.locator('button[value="ban"]').click();
    await state(cleo, "banned", 5_000);
    assert.ok(Date.now() - begin < 7_000, `${Date.now() - begin} ms until the page said so`);
    await page.locator('button[value="unban"]').waitFor();
    await until("the cloud lets the token in no more", async () => (await server.control("/control/token", { token })).state !== "valid");
    // The page does not come back by itself, and not when it is loaded again.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    await state(cleo, "banned", 0);
    await cleo.page.goto(server.api + "/chat");
    await cleo.page.waitForURL(/\/login/);
    const logIn = async () => {
      await cleo.page.fill("#login", "cleo");
      await cleo.page.fill("#password", password);
      await cleo.page.click("main button.main");
    };
    await logIn();
    await cleo.page.getByRole("alert").waitFor();
    assert.match(cleo.page.url(), /\/login/, "where a banned person is after logging in");
    await page.fill("#reason", "a mistake");
    await page.locator('button[value="unban"]').click();
    await page.locator('button[value="ban"]').waitFor();
    await cleo.page.goto(server.api + "/login");
    await logIn();
    await cleo.page.waitForURL(server.api + "/chat");
    await state(cleo, "connected", 20_000);
  });
});
