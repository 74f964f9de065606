// Easemob's own web SDK, unmodified, against the sandbox of the real binary.
import assert from "node:assert/strict";
import test from "node:test";
import { until } from "./lib/browser.mjs";
import { addresses, refusal, sandbox, text } from "./lib/easemob.mjs";

test("easemob-websdk against the sandbox", async (t) => {
  const cloud = await sandbox(t);
  const heard = (sdk, name, count = 1) =>
    until(`${count} × ${name}`, () => {
      const found = sdk.said.filter((s) => s.name === name);
      return found.length >= count && found;
    }, 10_000);

  await t.test("five logins are refused, each in its way", async (t) => {
    await cloud.mint("ann");
    const open = (user, accessToken) => refusal(cloud.client().open({ user, accessToken }));
    assert.equal(await open("ann", "garbage"), 28, "a wrong token");
    assert.equal(await open("ann", await cloud.mint("bob")), 28, "somebody else's token");
    const short = await cloud.mint("ann", 1);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    assert.equal(await open("ann", short), 56, "a token that has expired");
    assert.equal(await open("ghost", "garbage"), 204, "a user who is none");
    const good = await cloud.mint("bob");
    await cloud.rest("POST", "/users/bob/deactivate");
    assert.equal(await open("bob", good), 2, "a banned user");
    await cloud.rest("POST", "/users/bob/activate");
    await cloud.control("/control/app", { easemob: { service_off: true } });
    assert.equal(await open("bob", good), 57, "a service that is off");
    await cloud.control("/control/app", { easemob: { service_off: false, max_online: 1 } });
    await cloud.person(t, "ann");
    assert.equal(await open("bob", good), 50, "too many people");
    await cloud.control("/control/app", { easemob: { max_online: 0, max_devices: 1 } });
    assert.equal(await open("ann", await cloud.mint("ann")), 214, "too many devices");
    await cloud.control("/control/app", { easemob: { max_devices: 0 } });
  });

  await t.test("text goes both ways", async (t) => {
    const ann = await cloud.person(t, "ann");
    const bob = await cloud.person(t, "bob");
    const words = "你好 👋🏽 <b>&";
    const sent = await ann.send(text("bob", words));
    const [got] = await heard(bob, "onTextMessage");
    assert.deepEqual([got.from, got.to, got.msg, got.id, got.chatType], ["ann", "bob", words, sent.serverMsgId, "singleChat"]);
    for (let i = 0; i < 20; i++) await bob.send(text("ann", `answer ${i}`));
    const answers = await heard(ann, "onTextMessage", 20);
    assert.deepEqual(answers.map((a) => a.msg), Array.from({ length: 20 }, (_, i) => `answer ${i}`));
  });

  await t.test("what was sent meanwhile comes with the login", async (t) => {
    const ann = await cloud.person(t, "ann");
    await cloud.mint("away");
    await ann.send(text("away", "one"));
    await ann.send(text("away", "二"));
    await cloud.rest("POST", "/messages/users", { from: "boss", to: ["away"], type: "txt", body: { msg: "three" }, ext: { n: 1 } });
    const away = await cloud.person(t, "away");
    const got = await heard(away, "onTextMessage", 3);
    await heard(away, "onOfflineMessageSyncFinish");
    assert.deepEqual(got.map((g) => `${g.from} ${g.msg}`).sort(), ["ann one", "ann 二", "boss three"]);
    away.close();
    const again = await cloud.person(t, "away");
    await ann.send(text("away", "four"));
    const [next] = await heard(again, "onTextMessage");
    assert.equal(next.msg, "four", "nothing comes twice");
  });

  await t.test("a group hears what a member says", async (t) => {
    const people = [];
    for (const name of ["ann", "bob", "cy"]) people.push(await cloud.person(t, name));
    const { data } = await cloud.rest("POST", "/chatgroups", { groupname: "g", public: true, owner: "ann", members: ["bob", "cy"] });
    await people[0].send(text(data.groupid, "大家好", "groupChat"));
    for (const sdk of people.slice(1)) {
      const [got] = await heard(sdk, "onTextMessage");
      assert.deepEqual([got.from, got.to, got.msg, got.chatType], ["ann", data.groupid, "大家好", "groupChat"]);
    }
    assert.deepEqual(people[0].said.filter((s) => s.name === "onTextMessage"), []);
    await cloud.mint("dee");
    const dee = await cloud.person(t, "dee");
    assert.equal(await refusal(dee.send(text(data.groupid, "x", "groupChat"))), 602, "a stranger to the group");
    assert.equal(await refusal(dee.send(text("1", "x", "groupChat"))), 605, "no group");
  });

  await t.test("messages are refused, each in its way", async (t) => {
    const ann = await cloud.person(t, "ann");
    await cloud.mint("eve");
    assert.equal(await refusal(ann.send(text("ghost", "x"))), 204, "to nobody");
    assert.equal(await refusal(ann.send(text("eve", "x".repeat(6_000)))), 511, "too large");
    await cloud.control("/control/app", { easemob: { friendship_required: true } });
    assert.equal(await refusal(ann.send(text("eve", "x"))), 221, "to no friend");
    await cloud.rest("POST", "/users/ann/contacts/users/eve");
    await ann.send(text("eve", "friends"));
    await cloud.control("/control/app", { easemob: { friendship_required: false } });
    await cloud.rest("POST", "/users/eve/blocks/users", { usernames: ["ann"] });
    assert.equal(await refusal(ann.send(text("eve", "x"))), 603, "to who blocked the sender");
    await cloud.rest("POST", "/mutes", { username: "ann", chat: 60 });
    assert.equal(await refusal(ann.send(text("bob", "x"))), 219, "while muted");
    await cloud.rest("POST", "/mutes", { username: "ann", chat: 0 });
    await ann.send(text("bob", "no longer muted"));
  });

  await t.test("kicks are told, each in its way", async (t) => {
    for (const [what, type, kick] of [
      ["another device", 206, async () => {
        await cloud.control("/control/app", { easemob: { one_device: true } });
        await cloud.person(t, "kim");
        await cloud.control("/control/app", { easemob: { one_device: false } });
      }],
      ["the server", 217, () => cloud.rest("GET", "/users/kim/disconnect")],
      ["a new password", 216, () => cloud.rest("PUT", "/users/kim/password", { newpassword: "another" })],
      ["the control API", 206, () => cloud.control("/control/connections", { user_id: "kim", action: "kick" })],
      ["deletion", 207, () => cloud.rest("DELETE", "/users/kim")],
    ]) {
      const kim = await cloud.person(t, "kim");
      await kick();
      const [error] = await heard(kim, "onError");
      assert.equal(error.type, type, what);
      await heard(kim, "onDisconnected");
    }
  });

  await t.test("a token that ends is announced, and renewing it keeps the session", async (t) => {
    const short = await cloud.person(t, "ann", 4);
    const renewed = await cloud.person(t, "bob", 4);
    await heard(renewed, "onTokenWillExpire");
    const fresh = await cloud.mint("bob", 3_600);
    const { status, expire } = await renewed.renewToken(fresh);
    assert.equal(status, true);
    assert.ok(Math.abs(expire - Date.now() - 3_600_000) < 60_000, `renewed until ${expire}`);
    await heard(short, "onTokenExpired");
    await heard(short, "onDisconnected");
    assert.deepEqual(short.said.map((s) => s.name), ["onConnected", "onTokenWillExpire", "onTokenExpired", "onDisconnected"]);
    await cloud.mint("away");
    await renewed.send(text("away", "still here"));
    assert.deepEqual(renewed.said.filter((s) => ["onTokenExpired", "onDisconnected", "onError"].includes(s.name)), []);
    assert.equal(await refusal(renewed.renewToken("unknown")), 52, "renewing with a token that is none");
    // One that has no end keeps it, too.
    await renewed.renewToken(await cloud.mint("bob", 0));
    await renewed.send(text("away", "and still"));
  });

  await t.test("a token that expires on a broken connection is refused with 56", async (t) => {
    const ann = await cloud.person(t, "lee");
    await cloud.control("/control/connections", { user_id: "lee", action: "expire" });
    await until("56 on the way back", () => ann.said.some((s) => s.name === "onError" && s.type === 56), 20_000);
    assert.equal(await refusal(cloud.client().open({ user: "lee", accessToken: ann.token })), 56);
  });

  await t.test("friends are asked, told and lost", async (t) => {
    const [ann, bob] = [await cloud.person(t, "mia"), await cloud.person(t, "ned")];
    await ann.addContact("ned", "你好");
    const [asked] = await heard(bob, "onContactInvited");
    assert.deepEqual([asked.from, asked.to, asked.status], ["mia", "ned", "你好"]);
    await bob.declineContactInvite("mia");
    await heard(ann, "onContactRefuse");
    await ann.addContact("ned", "again");
    await heard(bob, "onContactInvited", 2);
    await bob.acceptContactInvite("mia");
    await heard(ann, "onContactAgreed");
    await heard(bob, "onContactAdded");
    assert.deepEqual((await ann.getContacts()).data, ["ned"]);
    await ann.addUsersToBlocklist({ name: ["ned"] });
    assert.deepEqual((await ann.getBlocklist()).data, ["ned"]);
    assert.equal(await refusal(bob.send(text("mia", "x"))), 603);
    await ann.removeUserFromBlocklist({ name: ["ned"] });
    await bob.send(text("mia", "x"));
    await ann.deleteContact("ned");
    await heard(bob, "onContactDeleted");
    assert.deepEqual((await bob.getContacts()).data, []);
  });

  assert.deepEqual(addresses.filter((a) => new URL(a).hostname !== "127.0.0.1"), [], "addresses beyond this machine");
});
