// The chat page as somebody uses it.
import assert from "node:assert/strict";
import { until } from "./browser.mjs";

/** Opens the chat and waits until it is connected. */
export async function openChat(who, server) {
  await who.page.goto(server.api + "/chat");
  await state(who, "connected");
}

/** Waits for a state of the connection. */
export async function state(who, want, within = 20_000) {
  await until(`${who.username} is ${want}`, async () => {
    const now = await stateNow(who);
    return [].concat(want).includes(now) && now;
  }, within);
}

export const stateNow = (who) => who.page.locator("#state").getAttribute("data-state");

/** Looks somebody up by username and opens the conversation. */
export async function talkTo(who, username) {
  const { page } = who;
  await page.fill("#search", username);
  const found = page.locator("#found").getByText(`@${username}`, { exact: true });
  await found.first().click();
  await page.waitForSelector("#text:visible");
}

/** Writes a message and sends it. */
export async function say(who, text) {
  await who.page.fill("#text", text);
  await who.page.click("#send");
}

/** The texts of the messages in the open conversation, in their order. */
export const messages = (who) => who.page.locator("#log .message > p").allTextContents();

/** Waits until the open conversation ends with these messages, none twice. */
export async function hears(who, want, within = 20_000) {
  let seen = [];
  await until(`${who.username} has ${JSON.stringify(want)}`, async () => {
    seen = await messages(who);
    return JSON.stringify(seen.slice(-want.length)) === JSON.stringify(want);
  }, within).catch(() => {});
  assert.deepEqual(seen.slice(-want.length), want, `what ${who.username} reads`);
}

/** Waits until nothing that somebody wrote is still on its way. */
export async function arrived(who, within = 20_000) {
  await until(`what ${who.username} wrote has arrived`, async () => (await who.page.locator("#log [data-fate]").count()) === 0, within);
}

/** Asks for what is older until there is nothing older. */
export async function readBack(who) {
  const older = who.page.locator("#log .log-top button");
  for (let left = 20; (await older.count()) > 0; left--) {
    assert.ok(left > 0, "older messages without end");
    const before = (await messages(who)).length;
    await older.click({ timeout: 2_000 }).catch(() => {});
    await until("older messages", async () => (await messages(who)).length > before || (await older.count()) === 0);
  }
}

/** The states of the connection since the page was loaded, in their order. */
export const statesSeen = (who) => who.page.evaluate(() => globalThis.statesSeen);

/** Writes down what goes over somebody's web sockets; returns how to read the end of it. */
export function listenIn(who) {
  const seen = [];
  const begin = Date.now();
  const note = (sign) => (frame) => {
    const what = frame?.payload === undefined ? "" : Buffer.from(frame.payload).toString("latin1").replace(/[^ -~]+/g, ".").slice(0, 100);
    seen.push(`${Date.now() - begin} ${sign} ${what}`);
  };
  who.page.on("websocket", (socket) => {
    note("opened")();
    socket.on("framesent", note(">")).on("framereceived", note("<")).on("close", note("closed"));
  });
  return () => seen.slice(-120).join("\n");
}
