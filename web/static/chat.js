// The chat: the cloud's own SDK carries the messages, imbridge the session and the token.
import { createBridge } from "/static/dist/imbridge-client.js";
import { now } from "/static/chat_clock.js";
import { Drafts } from "/static/chat_drafts.js";
import { Friends } from "/static/chat_friends.js";
import { Directory } from "/static/chat_people.js";
import { limit } from "/static/chat_length.js";
import { Log } from "/static/chat_log.js";
import { Outgoing } from "/static/chat_outgoing.js";
import { ownTab } from "/static/chat_tab.js";
import { Talks } from "/static/chat_talks.js";
import { t } from "/static/texts.js";

const root = document.getElementById("chat");
const me = root.dataset.me;
const at = (id) => document.getElementById(id);

// One module for each cloud's SDK, all with the same methods. Each message has our own mark: one that
// was sent twice, because nobody knew whether it arrived, is shown once.
const { Cloud } = await import(`/static/chat_${root.dataset.cloud}.js`);

const bridge = createBridge({ baseURL: "", credentials: "cookie" });
const cloud = new Cloud(me);
at("tab-only").hidden = !cloud.tabOnly;
const drafts = new Drafts(me);
const people = new Directory(bridge);
const talks = new Talks(at("talks"), at("talks-empty"), people, (id) => void open(id));
const friends = new Friends(bridge, people, talks, (id) => void open(id));
const log = new Log(at("log"), at("newer"), older);
const outgoing = new Outgoing(me, { transmit: (message) => cloud.send(message), find }, (message) => {
  if (message.talk === current) log.put(message);
  talks.latest(message);
}, now, await ownTab());

people.changed = () => {
  talks.renamed();
  showPerson();
};

let current = ""; // the open conversation's person
let connection;
const online = () => connection?.state === "connected";

// ---- Connection, in words

const finals = new Set(["banned", "signed_out_elsewhere", "signed_out", "failed"]);

let countdown;
/** The state stands beside the conversations and, on a narrow screen, above the open one. Nothing moves with it. */
function showState(state, detail) {
  const name = state.replaceAll(" ", "_");
  const final = finals.has(name);
  const code = detail.code ?? detail.problem?.code ?? "";
  const [href, way] = name === "signed_out" ? ["/login", t("login")] : ["/chat", t("reload")];
  for (const part of ["state", "talk-state"]) {
    at(part).dataset.state = name;
    at(`${part}-text`).textContent = t(`state.${name}`);
    at(`${part}-help`).textContent = final ? t(`help.${name}`, code) : "";
    Object.assign(at(`${part}-action`), { href, textContent: way, hidden: !final || name === "banned" });
  }
  at("state-over").hidden = !final;

  clearInterval(countdown);
  const until = Date.now() + (detail.retryIn ?? 0);
  const tick = () => {
    const text = detail.retryIn > 1500 ? t("help.waiting", Math.max(1, Math.ceil((until - Date.now()) / 1000))) : "";
    for (const part of ["state-wait", "talk-state-wait"]) at(part).textContent = text;
  };
  tick();
  if (detail.retryIn > 1500) countdown = setInterval(tick, 1000);
}

/** Reads what is shown once more; resolves with whether there was something that the SDK does not bring. */
async function catchUp() {
  const news = [...(await refreshTalks()), ...(current === "" ? [] : await readNewest(current))];
  if (online()) void outgoing.flush();
  return await weigh(news);
}

/** Tells the reader of what the SDK does not bring. It gets a moment, as it may be about to. */
async function weigh(news) {
  if (news.length === 0) return false;
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const missed = news.filter((message) => !heard.has(message.uid));
  for (const message of missed) {
    if (message.talk === current && !document.hidden) continue;
    told(message);
    talks.missed(message.talk);
  }
  return missed.length > 0;
}

const heard = new Set(); // ids of messages that the SDK has brought
function hear({ uid }) {
  heard.add(uid);
  if (heard.size > 500) heard.delete(heard.values().next().value);
}

function onMessage(message) {
  hear(message);
  if (message.mine) outgoing.arrived(message.mark, message);
  talks.latest(message);
  const read = message.talk === current && !document.hidden;
  if (message.talk === current) log.put(message);
  if (!message.mine && !read) told(message);
  scheduleTalks();
}

const announcer = document.createElement("p");
announcer.className = "unseen";
announcer.setAttribute("role", "status");
root.append(announcer);
const told = (message) => void people.name(message.talk).then((name) => (announcer.textContent = t("new.from", name)));

// ---- Conversations

let scheduled;
function scheduleTalks() {
  clearTimeout(scheduled);
  scheduled = setTimeout(() => void refreshTalks().then(weigh), 100);
}

let listed = false;
/** The SDK counts what is unread; it also remembers over a reload. Resolves with what is newer than what was known. */
async function refreshTalks() {
  const list = await cloud.talks();
  if (list === undefined) return [];
  const news = [];
  for (const { id, latest, unread } of list) {
    if (latest) {
      if (listed && !latest.mine && talks.isNews(latest)) news.push(latest);
      talks.latest(latest);
    }
    talks.unread(id, unread);
  }
  listed = true;
  void markRead();
  talks.settle();
  return news;
}

async function markRead() {
  if (document.hidden || current === "" || !online()) return;
  const id = current;
  if (!talks.hasUnread(id)) return;
  talks.read(id);
  await cloud.read(id);
}

async function open(id) {
  drafts.keep(current, at("text").value);
  current = id;
  at("text").value = drafts.of(id);
  root.classList.add("open");
  for (const part of ["talk-head", "log", "write"]) at(part).hidden = false;
  at("talk-none").hidden = true;
  talks.select(id);
  log.reset();
  readTo = 0;
  for (const message of outgoing.of(id)) log.put(message);
  void markRead();
  showPerson();
  at("text").focus();
  void people.get(id).then(showPerson);
  await readNewest(id);
}

function showPerson() {
  if (current === "") return;
  const person = people.known(current);
  at("talk-name").textContent = people.shown(person);
  at("talk-user").textContent = person ? `@${person.username}` : "";
  people.paint(at("talk-face"), current, person);
  friends.show(current, person);
}

const page = 20;
const mostPages = 10;
let readTo = 0; // up to this time the open conversation was read without a hole

/** Reads back from now to where the last reading began, so that no hole is left. Resolves with what others wrote meanwhile. */
async function readNewest(id) {
  if (!online()) return [];
  const first = !log.loaded;
  if (first) log.busy(true);
  const news = [];
  let before = 0;
  let newest = readTo;
  for (let pages = 1; ; pages++) {
    const read = await cloud.history(id, before, page);
    if (current !== id) return [];
    if (read === undefined) {
      if (first && online()) log.failed();
      else if (first) log.busy(false);
      return news;
    }
    const { list } = read;
    newest = Math.max(newest, ...list.map((message) => message.time));
    before = Math.min(...list.map((message) => message.time));
    // That a message is there says nothing of those before it: our own are, whatever was missed.
    const met = first || !read.more || list.length === 0 || before <= readTo;
    if (!first) news.push(...list.filter((message) => !message.mine && !log.has(message)));
    log.putAll(list);
    for (const message of list) if (message.mine) outgoing.arrived(message.mark, message);
    if (first) log.more(read.more);
    if (!met && pages < mostPages) continue;
    if (!met) {
      // There is a hole behind this; the history is read on from its edge.
      log.forgetBefore(before);
      log.more(true);
    }
    readTo = newest;
    return news;
  }
}

async function older() {
  const id = current;
  if (!log.loaded) return void readNewest(id);
  log.busy(true);
  const read = await cloud.history(id, log.oldest(), page);
  if (current !== id) return;
  if (read === undefined) return log.failed();
  log.putAll(read.list, true);
  log.more(read.more);
}

// ---- Writing

/** Looks whether a message has arrived that nobody heard of: null where it has not, undefined where nobody knows. */
async function find(message) {
  let before = 0;
  for (let pages = 0; pages < mostPages; pages++) {
    const read = await cloud.history(message.talk, before, page);
    if (read === undefined) return undefined;
    const { list } = read;
    const found = list.find((one) => one.mine && one.mark === message.mark);
    if (found) return found;
    before = Math.min(...list.map((one) => one.time));
    // Our clock and the cloud's may differ, but not by that much.
    if (!read.more || before < message.time - 600_000) return null;
  }
  return null;
}

if (cloud.mostBytes !== undefined) limit(at("write"), at("text"), cloud.mostBytes);
at("write").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = at("text").value.trim();
  at("text").focus();
  if (text === "" || current === "") return;
  at("text").value = "";
  drafts.keep(current, "");
  log.toEnd();
  outgoing.add(current, text);
});
at("text").addEventListener("keydown", (event) => {
  // Enter that chooses a word of an input method sends nothing.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  at("write").requestSubmit();
});
at("text").addEventListener("input", () => drafts.keep(current, at("text").value));
at("back").addEventListener("click", () => {
  root.classList.remove("open");
  talks.focus(current);
  current = "";
});

// ---- Search

let searching = 0;
let typed;
async function search() {
  const query = at("search").value.trim();
  const turn = ++searching;
  const note = at("search-note");
  const list = at("found");
  if (query === "") {
    note.hidden = list.hidden = true;
    return;
  }
  let found = [];
  let text = "";
  try {
    found = await people.search(query);
    if (found.length === 0) text = t("search.none");
  } catch (problem) {
    text = t(problem.code === "throttled" ? "search.slow" : "search.failed");
  }
  if (turn !== searching) return;
  note.textContent = text;
  note.hidden = text === "";
  list.hidden = found.length === 0;
  list.replaceChildren(
    ...found.map((person) =>
      friends.found(
        talks.row(person.im_user_id, person, `@${person.username}`, () => {
          at("search").value = "";
          void search();
          void open(person.im_user_id);
        }),
        person,
      ),
    ),
  );
}
at("search").addEventListener("input", () => {
  clearTimeout(typed);
  typed = setTimeout(() => void search(), 250);
});
at("search-form").addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(typed);
  void search();
});

document.addEventListener("visibilitychange", () => !document.hidden && void catchUp());
showState("connecting", {});
connection = cloud.connect(bridge, { onState: showState, onMessage, onCatchUp: catchUp, checkSession: 3000 });
