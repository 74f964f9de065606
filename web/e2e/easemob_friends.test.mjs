// Friends, blocks and the words of refusals with Easemob's own web SDK.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { browser, person, until } from "./lib/browser.mjs";
import { hears, openChat, say, state, talkTo } from "./lib/chat.mjs";
import { atEnd } from "./lib/ending.mjs";
import { easemob, serve } from "./lib/server.mjs";

const declined = "Not delivered: this person does not take your messages. If you are not friends yet, ask them to be.";
const declinedZH = "未送达：对方不接收您的消息。若你们还不是好友，可先申请加好友。";
const secret = "a-secret-of-the-rule";

const dialog = (who) => who.page.locator("dialog[open]");

/** Presses what stands in the card of the open conversation's person. */
async function does(who, name) {
  if (await who.page.locator("#person-card").isHidden()) await who.page.click("#person-toggle");
  await who.page.locator("#person-does").getByRole("button", { name }).click();
}

/** Says something until it meets a refusal, and returns its words; what is told to the cloud takes a moment. */
async function refused(who, text) {
  const fate = who.page.locator('#log [data-fate="refused"] .fate');
  const before = await fate.count();
  await until(`${who.username} is refused`, async () => {
    await say(who, text);
    await until("a fate", async () => (await who.page.locator('#log .message:is([data-fate="sending"], [data-fate="waiting"])').count()) === 0);
    return (await fate.count()) > before;
  }, 20_000);
  return fate.last().textContent();
}

/** Says something until it arrives. */
async function heard(from, to, text) {
  await until(`${text} arrives`, async () => {
    await say(from, text);
    await until("a fate", async () => (await from.page.locator('#log .message:is([data-fate="sending"], [data-fate="waiting"])').count()) === 0);
    return (await to.page.locator("#log .message", { hasText: text }).count()) > 0;
  }, 20_000);
}

test("friends are made, named, blocked and lost over Easemob, and nobody is told of a block", async (t) => {
  const server = await serve(t, { ...easemob, IMBRIDGE_MESSAGES_REQUIRE_FRIENDSHIP: "true", IMBRIDGE_MESSAGES_EASEMOB_SECRET: secret });
  const console = (easemob) => server.control("/control/app", { easemob });
  await console({ friendship_required: true });
  const chrome = await browser(t);
  const ann = await person(t, chrome, server, "ann", { nickname: "Ann" });
  const ben = await person(t, chrome, server, "ben", { nickname: "Ben", lang: "zh" });
  for (const who of [ann, ben]) await openChat(who, server);
  await talkTo(ann, "ben");
  await talkTo(ben, "ann");

  await t.test("strangers", async () => {
    assert.equal(await refused(ann, "hello?"), declined, "221, in English");
    assert.equal(await refused(ben, "有人吗?"), declinedZH, "221, in Chinese");
  });

  await t.test("friends", async () => {
    await does(ann, "Add friend");
    await dialog(ann).getByRole("textbox").fill("it is me 👋");
    await dialog(ann).getByRole("button", { name: "Send the request" }).click();
    await dialog(ann).waitFor({ state: "detached" });
    await ben.page.locator("#relation", { hasText: "it is me 👋" }).waitFor({ timeout: 40_000 });
    await ben.page.locator("#relation").getByRole("button", { name: "接受" }).click();
    await heard(ben, ann, "现在是好友了");
    await heard(ann, ben, "so we are");
    await ann.page.click("#tab-friends");
    await ann.page.locator("#friends").getByText("@ben").waitFor();
    await does(ann, "Edit remark");
    await dialog(ann).getByRole("textbox").fill("本本");
    await dialog(ann).getByRole("button", { name: "Save" }).click();
    await ann.page.locator("#talk-name", { hasText: "本本" }).waitFor();
  });

  await t.test("a friend who is blocked reads what a stranger reads", async () => {
    await does(ann, "Block");
    await dialog(ann).getByRole("button", { name: "Block" }).click();
    await ann.page.locator("#relation", { hasText: "You block this person" }).waitFor();
    assert.equal(await refused(ben, "在吗?"), declinedZH, "603");
    await ann.page.locator("#relation").getByRole("button", { name: "Unblock" }).click();
    await heard(ben, ann, "又可以了");
  });

  await t.test("who is a friend no more", async () => {
    await does(ann, "Remove friend");
    await dialog(ann).getByRole("button", { name: "Remove friend" }).click();
    await dialog(ann).waitFor({ state: "detached" });
    assert.equal(await refused(ben, "还在吗?"), declinedZH, "221 after the end");
  });

  await t.test("imbridge's own callback says so before the cloud does", async () => {
    await console({ friendship_required: false, webhooks: { presend_url: `${server.api}/v1/callbacks/easemob/message`, secret, presend_wait_ms: 5_000, presend_default: "pass" } });
    assert.equal(await refused(ann, "and now?"), declined, "502 of a stranger");
  });
});

test("each refusal has its words, and what is too long stays with its writer", async (t) => {
  const server = await serve(t, easemob);
  let code = "";
  const judge = createServer((_, answer) => answer.end(JSON.stringify(code === "" ? { valid: true } : { valid: false, code })));
  await new Promise((resolve) => judge.listen(0, "127.0.0.1", resolve));
  atEnd(t, () => {
    judge.closeAllConnections();
    judge.close();
  });
  await server.control("/control/app", { easemob: { webhooks: { presend_url: `http://127.0.0.1:${judge.address().port}/`, presend_wait_ms: 5_000 } } });
  const chrome = await browser(t);
  const ann = await person(t, chrome, server, "ann");
  const ben = await person(t, chrome, server, "ben", { allow: [/status of 40[13]/] });
  for (const who of [ann, ben]) await openChat(who, server);
  await talkTo(ann, "ben");
  await talkTo(ben, "ann");

  await t.test("502 and the word of whoever said no", async () => {
    for (const [word, words] of [
      ["not_accepted", declined],
      ["not_allowed", "Not delivered: the message was not let through."],
      ["house rule 7", "Not sent (house rule 7)."],
    ]) {
      code = word;
      assert.equal(await refused(ann, `refused as ${word}`), words);
    }
    code = "";
  });

  await t.test("1,601 Chinese characters are too many", async () => {
    const long = "字".repeat(1_601);
    await say(ann, long);
    const note = ann.page.getByRole("alert").filter({ hasText: "too long to be sent at once" });
    assert.equal(await note.textContent(), "This is too long to be sent at once. Leave out 1 characters, or send it in parts.");
    assert.equal(await ann.page.inputValue("#text"), long, "what is in the field");
    await say(ann, long.slice(1));
    await hears(ben, [long.slice(1)]);
    assert.equal(await note.isVisible(), false, "the complaint is shown");
    // Latin letters have less than half the bytes: all that the field takes fits.
    const latin = "x".repeat(4_000);
    await say(ann, latin);
    await hears(ben, [latin]);
  });

  await t.test("somebody who leaves for good, in another tab", async () => {
    const tab = await ben.ctx.newPage();
    await tab.goto(server.api + "/account");
    await tab.getByText("I want to delete my account").click();
    await tab.getByLabel("Your username, once more").fill("ben");
    await tab.getByRole("button", { name: "Delete for good" }).click();
    await tab.getByText("Your account has been deleted.").waitFor();
    await state(ben, "signed_out", 10_000);
    await ben.page.locator("#state-help", { hasText: "Your session has ended." }).waitFor();
    assert.equal(await refused(ann, "are you still there?"), "Not delivered: this person is not here any more.");
  });
});
