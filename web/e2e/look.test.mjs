// A picture of every page in both languages, both themes, on a desk and on a phone, into
// shots/, for somebody to look at; and what a machine can tell of them.
import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { test } from "node:test";
import { admin, browser, context, person, until, viewports } from "./lib/browser.mjs";
import { arrived, openChat, say, state, talkTo } from "./lib/chat.mjs";
import { easemob, serve } from "./lib/server.mjs";

const shots = new URL("shots/", import.meta.url).pathname;
const axe = await readFile(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const comesBack = /status of (400|403|404|422|503)/;
/** Only pages whose name has this, for whoever works on them: IMBRIDGE_LOOK=chat. */
const wanted = new RegExp(process.env.IMBRIDGE_LOOK ?? "");

/** A key that has no text shows as itself, also to scripts, which know theirs without the "js.". */
const families = "admin|account|again|chat|field|form|foot|friends|help|history|js|login|nav|new|person|prefs|problem|register|remark|search|state|talk|unsent|wrong";
const bareKey = new RegExp(`(?<![\\w./@:])(?:${families})\\.[a-z_]+(?:\\.[a-z_]+)*(?![\\w./])`);

async function faults(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return violations
    .filter((v) => v.impact === "serious" || v.impact === "critical")
    .map((v) => `${v.impact} ${v.id}: ${v.nodes.slice(0, 3).map((n) => `${n.target} ${n.any[0]?.message ?? ""}`).join(" | ")}`);
}

test("every page, in every dress", { concurrency: 2 }, async (t) => {
  await mkdir(shots, { recursive: true });
  for (const name of await readdir(shots)) if (wanted.test(name.split(".")[0])) await rm(shots + name);
  const server = await serve(t);
  const other = await serve(t, easemob);
  const chrome = await browser(t);
  const boss = await admin(t, chrome, server, "boss");
  const ann = await person(t, chrome, server, "ann", { nickname: "安娜 Ann" });
  const ben = await person(t, chrome, server, "ben_with_a_rather_long_name", { nickname: "Benjamin, who has an unusually long name to be shown" });
  const cleo = await person(t, chrome, server, "cleo", { nickname: "<i>Cleo</i>" });
  for (let i = 1; i <= 12; i++) await person(t, chrome, server, `somebody${i}`).then(({ ctx }) => ctx.close());

  // Something to see everywhere: a talk, rows that wait and rows that were given up on.
  await openChat(ann, server);
  await openChat(ben, server);
  await talkTo(ann, ben.username);
  await talkTo(ben, "ann");
  for (const text of ["Hello! 你好 👋", "This is a message that is longer than one line of a phone, so that it has to be broken somewhere.", "https://example.com/a/very/long/address/without/any/blank/in/it/that/goes/on/and/on/and/on"]) await say(ann, text);
  await arrived(ann);
  for (const text of ["早上好,今天天气真好,我们下午一起去公园散步吧!", "👩‍👩‍👧‍👦🇨🇳"]) await say(ben, text);
  await arrived(ben);
  await openChat(cleo, server);
  await talkTo(cleo, "ann");
  await say(cleo, "<b>not bold</b>");
  await arrived(cleo);
  await server.control("/control/faults", { path: "/user/refresh.json", mode: "code", code: 1005, times: 2 });
  for (const who of [ann, ben]) await who.ctx.request.post(server.api + "/account/profile", { form: { nickname: who.name + " 2" } });
  await until("two rows are given up on", async () => (await server.control("/control/faults")).faults[0].fired === 2, 15_000);
  await server.control("/control/faults", { path: "/user/refresh.json", mode: "status", status: 503 });
  await cleo.ctx.request.post(server.api + "/account/profile", { form: { nickname: "Cleo" } });
  const { id } = await server.user("cleo");
  const banned = await server.user("somebody3");
  await server.admin("POST", `/users/${banned.id}/ban`, { reason: "spam" });

  // Friends of every kind.
  const call = async (who, method, path, data) => {
    const answer = await who.ctx.request.fetch(server.api + path, { method, data, headers: { Origin: server.api } });
    assert.ok(answer.ok(), `${method} ${path} = ${answer.status()} ${await answer.text()}`);
    return answer.status() === 204 ? undefined : await answer.json();
  };
  const ids = Object.fromEntries(await Promise.all(["ann", ben.username, "somebody1", "somebody2"].map(async (name) => [name, (await server.user(name)).id])));
  const asked = await call(ann, "POST", "/v1/friends/requests", { user_id: ids[ben.username], message: "" });
  await call(ben, "POST", `/v1/friends/requests/${asked.request.id}/accept`);
  await call(ann, "PUT", `/v1/friends/${ids[ben.username]}/remark`, { remark: "Benjamin 老朋友" });
  await call(ann, "POST", "/v1/friends/requests", { user_id: ids.somebody1, message: "We met on Friday" });
  await call(ann, "PUT", `/v1/blocks/${ids.somebody2}`);
  await call(cleo, "POST", "/v1/friends/requests", { user_id: ids.ann, message: "你好,我是 Cleo。我们上周在会议上见过,想加您为好友。" });
  const eva = await person(t, chrome, other, "eva", { nickname: "Eva 伊娃" });
  const finn = await person(t, chrome, other, "finn");
  for (const who of [eva, finn]) await openChat(who, other);
  await talkTo(eva, "finn");
  await say(eva, "Hello Finn! 你好 👋");
  await arrived(eva);

  const wrongForm = async (page) => {
    await page.goto(server.api + "/register");
    await page.evaluate(() => (document.querySelector("main form").noValidate = true));
    await page.fill("#username", "a b");
    await page.click("main button.main");
    await page.locator(".complaint").first().waitFor();
  };
  const open = (path, ready = "main") => async (page) => {
    await page.goto(server.api + path);
    await page.locator(ready).first().waitFor();
  };
  const chat = (talk) => async (page) => {
    await page.goto(server.api + "/chat");
    await state({ page, username: "ann" }, "connected");
    const row = page.locator("#talks li", { hasText: "Benjamin" });
    await row.waitFor();
    if (!talk) return;
    await row.locator("button").click();
    await page.locator("#log .message").nth(4).waitFor();
  };
  const withTab = async (page) => {
    await chat(false)(page);
    await page.click("#tab-friends");
    await page.locator("#friends li").waitFor();
    await page.locator(".blocks summary").click();
  };
  const withCard = async (page) => {
    await chat(true)(page);
    await page.click("#person-toggle");
  };
  const withQuestion = async (page) => {
    await withCard(page);
    await page.locator("#person-does .danger").last().click();
  };
  const withRequest = async (page) => {
    await chat(false)(page);
    await page.fill("#search", "somebody4");
    await page.locator("#found .beside button").click();
    await page.locator("dialog input").fill("x".repeat(101));
    await page.locator("dialog .button.main").click();
    await page.locator("dialog .complaint").waitFor();
  };
  const withRefusal = async (page) => {
    await chat(false)(page);
    await talkTo({ page }, "cleo");
    await page.locator("#relation:visible").waitFor();
  };
  /** The chat in a state, with a conversation open on a phone as well: what the server says about tokens is made up. */
  const inState = (want, json) => async (page) => {
    await page.route("**/v1/im/token", (route) => route.fulfill({ status: json.status, contentType: "application/problem+json", json }));
    await page.goto(server.api + "/chat");
    await state({ page, username: "ann" }, want);
    // The page says that it is connecting before its script has begun.
    if (json.retry_after) await page.locator("#state-wait:not(:empty)").waitFor();
    await talkTo({ page }, "cleo");
    await page.unrouteAll();
  };
  const pages = [
    ["login", undefined, open("/login")],
    ["register", undefined, open("/register")],
    ["register-wrong", undefined, wrongForm],
    ["nothing", undefined, open("/nothing-here")],
    ["chat", ann, chat(false)],
    ["chat-talk", ann, chat(true)],
    ["chat-friends", ann, withTab],
    ["chat-card", ann, withCard],
    ["chat-question", ann, withQuestion],
    ["chat-request", ann, withRequest],
    ["chat-asked", ann, withRefusal],
    ["chat-banned", ann, inState("banned", { status: 403, code: "banned" })],
    ["chat-failed", ann, inState("failed", { status: 400, code: "bad_query" })],
    ["chat-waiting", ann, inState("connecting", { status: 503, code: "im_unavailable", retry_after: 40 })],
    ["chat-easemob", eva, async (page) => {
      await page.goto(other.api + "/chat");
      await state({ page, username: "eva" }, "connected");
      await page.locator("#tab-only:visible").waitFor();
    }],
    ["docs", undefined, open("/docs")],
    ["account", ann, open("/account")],
    ["admin-login", undefined, open("/admin/login")],
    ["admin", boss, open("/admin")],
    ["admin-lifetimes", boss, open("/admin/lifetimes")],
    ["admin-lifetimes-preview", boss, open("/admin/lifetimes?lifetime=1d", "#preview")],
    ["admin-people", boss, open("/admin/people")],
    ["admin-person", boss, open(`/admin/people/${id}`)],
    ["admin-queue", boss, open("/admin/queue")],
    ["admin-notices", boss, open("/admin/notices")],
    ["admin-audit", boss, open("/admin/audit")],
    ["admin-clouds", boss, open("/admin/clouds")],
  ];
  for (const who of [ann, ben, cleo, eva, finn]) await who.page.close();

  const cookies = new Map([[undefined, []]]);
  for (const who of [ann, boss, eva]) cookies.set(who, await who.ctx.cookies());
  const dress = (lang, theme, size) =>
    t.test(`${lang} ${theme} ${size}`, async (t) => {
      const ctx = await context(t, chrome, { lang, theme, size, allow: [comesBack] });
      const found = [];
      const page = await ctx.newPage();
      for (const [name, who, go] of pages.filter(([name]) => wanted.test(name))) {
        await page.goto("about:blank"); // a chat that is still open would miss its cookie
        await ctx.clearCookies();
        await ctx.addCookies(cookies.get(who));
        await go(page);
        await page.screenshot({ path: `${shots}${name}.${lang}.${theme}.${size}.png`, fullPage: !name.startsWith("chat") });
        const text = await page.locator("body").innerText();
        const key = text.match(bareKey);
        if (key) found.push(`${name}: shows the key ${key[0]}`);
        const wide = await page.evaluate(() => document.scrollingElement.scrollWidth - innerWidth);
        if (wide > 0) found.push(`${name}: ${wide} px wider than the window`);
        found.push(...(await faults(page)).map((f) => `${name}: ${f}`));
      }
      assert.deepEqual(found, [], "what is wrong");
    });
  const dresses = [];
  for (const lang of ["en", "zh"]) for (const theme of ["light", "dark"]) for (const size of Object.keys(viewports)) dresses.push(dress(lang, theme, size));
  await Promise.all(dresses);
});
