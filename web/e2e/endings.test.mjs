import assert from "node:assert/strict";
import { test } from "node:test";
import { browser, context, person, until } from "./lib/browser.mjs";
import { hears, openChat, say, state, talkTo } from "./lib/chat.mjs";
import { password, serve } from "./lib/server.mjs";

/** What the browser writes when the API answers that somebody is out. */
const refused = /status of (401|403)/;

test("what an admin or another window ends, ends", async (t) => {
  const server = await serve(t);
  const chrome = await browser(t);
  const ann = await person(t, chrome, server, "ann");
  await openChat(ann, server);

  const connectToken = (who) => who.page.evaluate(async () => (await (await fetch("/v1/im/token")).json()).token);
  const sdkState = async (token) => (await server.control("/control/token", { token })).state;
  const cloudID = (who) => who.page.getAttribute("#chat", "data-me");
  const online = async (id) => (await server.control(`/control/connections?user_id=${id}`)).connections.length;

  await t.test("an admin ends somebody's sessions", async (t) => {
    const ben = await person(t, chrome, server, "ben", { allow: [refused] });
    await openChat(ben, server);
    const token = await connectToken(ben);
    const user = await server.user("ben");
    const id = await cloudID(ben);
    assert.equal(await online(id), 1, "connections of ben");
    assert.equal(await sdkState(token), "valid");
    await server.admin("POST", `/users/${user.id}/end-sessions`, {});
    await state(ben, "signed_out", 5_000);
    assert.equal(await ben.page.textContent("#state-text"), "Signed out");
    await ben.page.locator("#state-help", { hasText: "Your session has ended. Log in again to go on" }).waitFor();
    await until("the cloud lets the old token in no more", async () => (await sdkState(token)) !== "valid");
    await until("nobody is connected as ben", async () => (await online(id)) === 0);
    const code = await ben.page.evaluate(async (token) => {
      const sdk = await import("/static/dist/rongcloud.js");
      return (await sdk.connect(token)).code;
    }, token);
    assert.equal(code, 31020, "what the SDK is told who tries the old token");
    assert.equal(await online(id), 0, "connections of ben after another try");
    await ben.page.getByRole("link", { name: "Log in again" }).click();
    await ben.page.waitForURL(/\/login/);
    await ben.page.goto(server.api + "/chat");
    await ben.page.waitForURL(/\/login/);
    await ben.page.getByLabel("Username").fill("ben");
    await ben.page.getByLabel("Password").fill(password);
    await ben.page.getByRole("button", { name: "Log in" }).click();
    await state(ben, "connected");
    await talkTo(ben, "ann");
    await say(ben, "back with a new session");
    await ann.page.locator("#talks").getByText("back with a new session").waitFor();
  });

  await t.test("somebody is banned while chatting, and let in again", async (t) => {
    const cleo = await person(t, chrome, server, "cleo", { allow: [refused], lang: "zh" });
    await openChat(cleo, server);
    const user = await server.user("cleo");
    const id = await cloudID(cleo);
    assert.equal(await online(id), 1, "connections of cleo");
    await server.admin("POST", `/users/${user.id}/ban`, { reason: "spam" });
    await state(cleo, ["banned"], 5_000);
    assert.equal(await cleo.page.textContent("#state-text"), "已被封禁");
    await cleo.page.locator("#state-help", { hasText: "此账号已被封禁。原因请咨询服务运营方。" }).waitFor();
    await until("nobody is connected as cleo", async () => (await online(id)) === 0);
    await cleo.page.goto(server.api + "/chat");
    await cleo.page.waitForURL(/\/login/);
    await cleo.page.fill("#login", "cleo");
    await cleo.page.fill("#password", password);
    await cleo.page.click("main button.main");
    await cleo.page.getByText("此账号已被封禁。原因请咨询服务运营方。").waitFor();
    await server.admin("POST", `/users/${user.id}/unban`, { reason: "sorry" });
    await cleo.page.fill("#login", "cleo");
    await cleo.page.fill("#password", password);
    await cleo.page.click("main button.main");
    await cleo.page.waitForURL(server.api + "/chat");
    await state(cleo, "connected", 20_000);
  });

  await t.test("the same person in a second window", async (t) => {
    const dan = await person(t, chrome, server, "dan", { allow: [refused] });
    await openChat(dan, server);
    await server.control("/control/connections", { user_id: await cloudID(dan), action: "kick" });
    await state(dan, "signed_out_elsewhere", 5_000);
    await dan.page.locator("#state-help", { hasText: "You connected from another window or device." }).waitFor();
    await dan.page.getByRole("link", { name: "Load again" }).click();
    await state(dan, "connected");
  });

  await t.test("somebody ends the session of another browser of theirs, and leaves for good", async (t) => {
    const eve = await person(t, chrome, server, "eve", { allow: [refused] });
    await openChat(eve, server);
    const login = await (await context(t, chrome, { allow: [/status of 422/] })).newPage();
    await login.goto(server.api + "/login");
    await login.fill("#login", "eve");
    await login.fill("#password", password);
    await login.click("main button.main");
    await login.waitForURL(server.api + "/chat");
    await login.goto(server.api + "/account");
    await login.locator("#sessions").getByRole("button", { name: "End", exact: true }).click();
    await login.getByText("The session has been ended.").waitFor();
    await state(eve, "signed_out", 5_000);
    await login.getByText("I want to delete my account").click();
    await login.getByLabel("Your username, once more").fill("somebody");
    await login.getByRole("button", { name: "Delete for good" }).click();
    await login.getByText("This is not your username.").waitFor();
    await login.getByLabel("Your username, once more").fill("eve");
    await login.getByRole("button", { name: "Delete for good" }).click();
    await login.getByText("Your account has been deleted.").waitFor();
    await talkTo(ann, "ben");
    await ann.page.fill("#search", "eve");
    await ann.page.getByText("Nobody has a username like that.").waitFor();
  });

  await talkTo(ann, "ben");
  await hears(ann, ["back with a new session"]);
});
