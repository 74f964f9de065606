// How often the page asks for friends, and what it knows of them, without a browser.
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { Relations } from "../static/chat_relations.js";

const minute = 60_000;

beforeEach(() => {
  mock.timers.enable({ apis: ["setInterval", "Date"] });
  globalThis.document = { hidden: false, addEventListener() {} };
});
afterEach(() => mock.timers.reset());

/** imbridge with so many friends of the caller, the page's relations, and the questions since they were last looked at. */
function page(count) {
  let asked = [];
  const server = { friends: Array.from({ length: count }, (_, i) => ({ id: `f${i}`, im_user_id: `f${i}`, remark: i === count - 1 ? "the last" : "" })), problem: undefined };
  const request = async (method, path) => {
    asked.push(`${method} ${path}`);
    if (server.problem) throw server.problem;
    const { pathname, searchParams: query } = new URL(path, "http://x");
    if (method !== "GET") return undefined;
    if (pathname !== "/v1/friends") return { requests: [], blocks: [], next_cursor: null };
    if (query.has("all")) return { friends: [...server.friends], next_cursor: null };
    const from = Number(query.get("cursor") ?? 0);
    const to = from + Number(query.get("limit"));
    return { friends: server.friends.slice(from, to), next_cursor: to < server.friends.length ? String(to) : null };
  };
  const people = { remarks: new Map(), note() {} };
  const relations = new Relations({ request, onEnded() {} }, people, () => {});
  const questions = () => {
    const those = asked.filter((one) => one.startsWith("GET /v1/friends?")).length;
    const all = asked.length;
    asked = [];
    return { those, all };
  };
  return { server, relations, people, questions };
}

/** Lets so much time pass, a second at a time, with all that follows. */
async function pass(ms) {
  for (let i = 0; i < ms; i += 1_000) {
    mock.timers.tick(1_000);
    await settle();
  }
}
const settle = async () => {
  for (let i = 0; i < 30; i++) await Promise.resolve();
};

test("3,000 friends that were all scrolled through are one question, and that seldom", async () => {
  const { server, relations, people, questions } = page(3_000);
  await relations.look(true);
  assert.equal(questions().those, 2, "questions for friends at first");
  while (relations.friends.more) await relations.moreFriends();
  assert.equal(relations.friends.items.length, 3_000, "friends in the list");
  assert.equal(questions().those, 0, "questions while scrolling: they are here already");
  await pass(minute);
  assert.equal(questions().those, 0, "questions within a minute in which nobody does anything");
  await relations.remark({ id: "f7" }, "seven");
  assert.equal(questions().those, 1, "questions after an action");
  assert.equal(relations.friends.items.length, 3_000, "friends in the list after an action");
  assert.equal(people.remarks.get("f2999"), "the last");
  server.friends.splice(1_500, 1);
  await pass(6 * minute);
  assert.ok(questions().those <= 2, "questions within six minutes");
  assert.equal(relations.of("f1500").friend, undefined, "a friend no more, far down");
});

test("a friend who is lost elsewhere is none here as soon as the list was read", async () => {
  const { server, relations, people } = page(120);
  await relations.look(true);
  assert.ok(relations.of("f119").friend, "one who was not scrolled to");
  server.friends.splice(3, 1);
  await pass(minute);
  assert.equal(relations.of("f3").friend, undefined, "one of the first page, after a minute");
  server.friends.pop();
  await pass(25_000);
  await relations.look(true);
  assert.equal(relations.of("f119").friend, undefined, "one who was not scrolled to, when somebody looks");
  assert.equal(people.remarks.size, 0, "remarks of friends");
  server.friends.splice(10);
  await pass(minute);
  assert.equal(relations.of("f40").friend, undefined, "one of a list that has become short");
});

test("who is banned asks no more", async () => {
  const { server, relations, questions } = page(3);
  await relations.look(true);
  server.problem = Object.assign(new Error("banned"), { code: "banned" });
  await pass(minute);
  questions();
  await pass(10 * minute);
  assert.equal(questions().all, 0, "questions of somebody who is banned");
});
