// What a tab keeps, without a browser: messages on their way, drafts, and what a cloud brings once.
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { Drafts } from "../static/chat_drafts.js";
import { Kept } from "../static/chat_kept.js";
import { Outgoing } from "../static/chat_outgoing.js";

/** A tab's own storage, empty, with room for so many characters. Returns what it holds. */
function storage(room = { left: Infinity }) {
  const kept = new Map();
  const used = (but) => [...kept].reduce((sum, [key, value]) => (key === but ? sum : sum + value.length), 0);
  globalThis.sessionStorage = new Proxy(
    {
      getItem: (key) => kept.get(key) ?? null,
      removeItem: (key) => void kept.delete(key),
      setItem(key, value) {
        if (used(key) + value.length > room.left) throw new DOMException("no room", "QuotaExceededError");
        kept.set(key, value);
      },
    },
    { ownKeys: () => [...kept.keys()], getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }) },
  );
  return kept;
}

beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
afterEach(() => mock.timers.reset());

/** A page's outgoing messages, the texts that the cloud was given, and each fate that was told. */
function page(transmit, own = true) {
  const sent = [];
  const told = [];
  const send = (message) => {
    sent.push(message.text);
    return transmit(sent.length);
  };
  const outgoing = new Outgoing("me", { transmit: async (message) => send(message), find: async () => null }, ({ text, fate }) => told.push(`${text}: ${fate}`), () => 1_000, own);
  return { outgoing, sent, told };
}
const settled = async () => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};
const taken = () => ({ outcome: "sent", uid: "u", time: 2_000 });

test("a send that throws is tried again by itself", async (t) => {
  storage();
  t.mock.method(console, "warn", () => {});
  const { outgoing, sent, told } = page((turn) => {
    if (turn === 1) throw new TypeError("of the SDK");
    return taken();
  });
  outgoing.add("ben", "hello");
  await settled();
  assert.deepEqual(told, ["hello: waiting", "hello: sending", "hello: waiting"], "what became of it at first");
  mock.timers.tick(2_000);
  await settled();
  assert.deepEqual([sent, told.slice(3)], [["hello", "hello"], ["hello: sending", "hello: "]], "what became of it then");
});

test("a tab without room sends, and lets people write", async () => {
  storage({ left: 0 });
  const { outgoing, sent } = page(taken);
  outgoing.add("ben", "hello");
  await settled();
  assert.deepEqual(sent, ["hello"]);
  const drafts = new Drafts("me");
  drafts.keep("ben", "half a");
  assert.equal(drafts.of("ben"), "half a");
});

test("what was refused is still so after the page was loaded again, and what waited is sent", async () => {
  storage();
  const before = page((turn) => (turn === 1 ? { outcome: "refused", code: 405 } : { outcome: "unknown" }));
  before.outgoing.add("ben", "unwanted");
  await settled();
  before.outgoing.add("cleo", "on its way");
  await settled();
  const after = page(taken);
  await after.outgoing.flush();
  assert.deepEqual(after.sent, ["on its way"], "what is sent after the page was loaded again");
  const [refused] = after.outgoing.of("ben");
  assert.deepEqual([refused?.text, refused?.fate, refused?.code], ["unwanted", "refused", 405]);
  refused.again();
  await settled();
  assert.deepEqual(after.sent, ["on its way", "unwanted"], "what is sent after another try was asked for");
});

test("what another tab keeps is not sent twice", async () => {
  storage();
  page(() => ({ outcome: "unknown" })).outgoing.add("ben", "once");
  await settled();
  const copy = page(taken, false);
  await copy.outgoing.flush();
  assert.deepEqual([copy.sent, copy.outgoing.of("ben")], [[], []], "what the copy sends, and shows as on its way");
});

test("messages of one moment are all read, wherever a page of the history ends", () => {
  storage();
  const kept = new Kept("me");
  const times = [1, 2, 2, 2, 3, 4];
  for (const [i, time] of times.entries()) kept.put({ uid: `u${i}`, mark: "", talk: "ben", mine: false, text: `${i}`, time });
  for (let count = 1; count <= times.length; count++) {
    const read = [];
    for (let before = 0, more = true; more; before = read[0].time) {
      const page = kept.before("ben", before, count);
      read.unshift(...page.list);
      more = page.more;
    }
    assert.deepEqual(read.map(({ text }) => text), ["0", "1", "2", "3", "4", "5"], `read by ${count}`);
  }
});

test("what a cloud brought leaves room in the tab: the conversation that has been quiet for longest goes first", () => {
  const held = storage();
  const kept = new Kept("me");
  const people = Array.from({ length: 8 }, (_, i) => `person ${i}`);
  let uid = 0;
  for (const [i, talk] of people.entries()) {
    for (let n = 0; n < 100; n++) kept.put({ uid: `${uid++}`, mark: "", talk, mine: false, text: "x".repeat(4_000), time: i * 1_000 + n });
  }
  const size = [...held].reduce((sum, [key, value]) => sum + key.length + value.length, 0);
  assert.ok(size < 2_100_000, `${size} characters are kept, want 2 million at most`);
  const left = kept.talks().map(({ id }) => id);
  assert.deepEqual(left, people.slice(-left.length), "whose messages are left");
  assert.ok(left.length >= 2, `${left.length} conversations are left, want those that fit`);
  assert.deepEqual(new Kept("me").talks(), kept.talks(), "what is there after a reload");
  assert.equal(new Kept("me").before(left.at(-1), 0, 1_000).list.length, 100, "messages of the last conversation");
});

test("a tab that others have filled has the newest conversation, or none", () => {
  const room = { left: 3_000 };
  storage(room);
  const kept = new Kept("me");
  const put = (talk, time) => kept.put({ uid: `${time}`, mark: "", talk, mine: false, text: "x".repeat(2_000), time });
  put("ann", 1);
  put("ben", 2);
  assert.deepEqual(new Kept("me").talks().map(({ id }) => id), ["ben"], "what is there after a reload");
  room.left = 0;
  put("cleo", 3);
  assert.equal(kept.before("cleo", 0, 9).list.length, 1, "what the page shows of a conversation that is not kept");
});
