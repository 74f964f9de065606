// The chat: RongCloud's own SDK carries the messages, imbridge the session and the token.
import * as RongIMLib from "/static/dist/rongcloud.js";
import { connectRongCloud, createBridge } from "/static/dist/imbridge-client.js";
import { Directory } from "/static/chat_people.js";
import { Log } from "/static/chat_log.js";
import { Outgoing } from "/static/chat_outgoing.js";
import { Talks } from "/static/chat_talks.js";
import { t } from "/static/texts.js";

const root = document.getElementById("chat");
const me = root.dataset.me;
const at = (id) => document.getElementById(id);
const privately = (targetId) => ({ conversationType: RongIMLib.ConversationType.PRIVATE, targetId });

/** What others' and our own messages have in common, as the page keeps them. */
function messageOf(raw) {
  const mine = raw.senderUserId === me;
  return {
    uid: raw.messageUId,
    // Our own mark: a message that was sent twice, because nobody knew whether it arrived, is shown once.
    mark: typeof raw.content?.extra === "string" ? raw.content.extra : "",
    talk: raw.targetId,
    mine,
    text: raw.messageType === "RC:TxtMsg" && typeof raw.content?.content === "string" ? raw.content.content : null,
    time: raw.sentTime,
  };
}

const bridge = createBridge({ baseURL: "", credentials: "cookie" });
const people = new Directory(bridge);
const talks = new Talks(at("talks"), at("talks-empty"), people, (id) => void open(id));
const log = new Log(at("log"), at("newer"), older);
const outgoing = new Outgoing(me, transmit, (message) => {
  if (message.talk === current) log.put(message);
  talks.latest(message);
});

let current = ""; // the open conversation's person
let connection;
const online = () => connection?.state === "connected";

// ---- Connection, in words

let countdown;
function showState(state, detail) {
  const name = state.replaceAll(" ", "_");
  at("state").dataset.state = name;
  at("state-text").textContent = t(`state.${name}`);
  clearInterval(countdown);
  const help = at("state-help");
  // On a narrow screen the conversation hides the rest, so that it says so as well.
  const inTalk = at("talk-state");
  inTalk.hidden = name === "connected";
  const say = (text) => {
    help.textContent = text;
    help.hidden = text === "";
    inTalk.textContent = [t(`state.${name}`), text].filter((part) => part !== "").join(" · ");
  };
  const code = detail.code ?? detail.problem?.code ?? "";
  const final = name === "banned" || name === "signed_out_elsewhere" || name === "signed_out" || name === "failed";
  say(final ? t(`help.${name}`, code) : "");
  if (detail.retryIn > 1500) {
    const until = Date.now() + detail.retryIn;
    const tick = () => say(t("help.waiting", Math.max(1, Math.ceil((until - Date.now()) / 1000))));
    tick();
    countdown = setInterval(tick, 1000);
  }
  for (const box of [help, inTalk]) {
    box.classList.toggle("warn", !final);
    box.classList.toggle("bad", final);
  }
  const action = at("state-action");
  action.hidden = !final || name === "banned";
  const again = name === "signed_out" ? ["/login", t("login")] : ["/chat", t("reload")];
  action.firstElementChild.href = again[0];
  action.firstElementChild.textContent = again[1];
}

async function onState(state, detail) {
  showState(state, detail);
  if (state !== "connected") return;
  await refreshTalks();
  if (current !== "") await history(current, 0);
  await outgoing.flush();
}

function onMessage(raw) {
  if (raw.conversationType !== RongIMLib.ConversationType.PRIVATE) return;
  const message = messageOf(raw);
  if (message.mine) outgoing.arrived(message.mark);
  talks.latest(message);
  const read = message.talk === current && !document.hidden;
  if (message.talk === current) log.put(message);
  if (!message.mine && !read) void people.name(message.talk).then((name) => announce(t("new.from", name)));
  scheduleTalks();
}

const announcer = document.createElement("p");
announcer.className = "unseen";
announcer.setAttribute("role", "status");
root.append(announcer);
const announce = (text) => (announcer.textContent = text);

// ---- Conversations

let scheduled;
function scheduleTalks() {
  clearTimeout(scheduled);
  scheduled = setTimeout(() => void refreshTalks(), 100);
}

/** The SDK counts what is unread; it also remembers over a reload. */
async function refreshTalks() {
  if (!online()) return;
  const { code, data } = await RongIMLib.getConversationList({ count: 100, startTime: 0, order: 0 });
  if (code !== 0 || !Array.isArray(data)) return;
  for (const talk of data) {
    if (talk.conversationType !== RongIMLib.ConversationType.PRIVATE) continue;
    if (talk.latestMessage) talks.latest(messageOf({ ...talk.latestMessage, targetId: talk.targetId }));
    talks.unread(talk.targetId, talk.unreadMessageCount ?? 0);
  }
  if (current !== "") await markRead();
  talks.settle();
}

async function markRead() {
  if (document.hidden || current === "" || !online()) return;
  const id = current;
  if (!talks.hasUnread(id)) return;
  talks.unread(id, 0);
  await RongIMLib.clearMessagesUnreadStatus(privately(id));
}

async function open(id) {
  current = id;
  root.classList.add("open");
  for (const part of ["talk-head", "log", "write"]) at(part).hidden = false;
  at("talk-none").hidden = true;
  talks.select(id);
  log.reset();
  for (const message of outgoing.of(id)) log.put(message);
  const person = await people.get(id);
  if (current !== id) return;
  at("talk-name").textContent = people.shown(person);
  at("talk-user").textContent = person ? `@${person.username}` : "";
  people.paint(at("talk-face"), id, person);
  at("text").focus();
  await markRead();
  await history(id, 0);
}

const page = 20;
async function history(id, before) {
  if (!online()) return;
  log.busy(true);
  const { code, data } = await RongIMLib.getHistoryMessages(privately(id), { timestamp: before, count: page, order: 0 });
  if (current !== id) return;
  log.busy(false);
  if (code !== 0) {
    log.failed();
    return;
  }
  log.putAll(data.list.map((raw) => messageOf({ ...raw, targetId: id })), before > 0);
  for (const raw of data.list) if (raw.senderUserId === me) outgoing.arrived(raw.content?.extra ?? "");
  if (before > 0 || log.size <= page) log.more(data.hasMore);
}

function older() {
  void history(current, log.oldest());
}

// ---- Writing

/** Sends one message; what came of it: "sent", "unknown", or the code that refuses it for good. */
async function transmit(message) {
  if (!online()) return { outcome: "unknown" };
  const content = new RongIMLib.TextMessage({ content: message.text, extra: message.mark });
  const { code, data } = await RongIMLib.sendMessage(privately(message.talk), content);
  if (code === 0) return { outcome: "sent", uid: data.messageUId, time: data.sentTime };
  if (!online() || (code >= 30000 && code < 34000)) return { outcome: "unknown", code };
  return { outcome: "refused", code };
}

at("write").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = at("text").value.trim();
  at("text").focus();
  if (text === "" || current === "") return;
  at("text").value = "";
  log.toEnd();
  outgoing.add(current, text);
});
at("text").addEventListener("keydown", (event) => {
  // Enter that chooses a word of an input method sends nothing.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  at("write").requestSubmit();
});
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
      talks.row(person.im_user_id, person, `@${person.username}`, () => {
        at("search").value = "";
        void search();
        void open(person.im_user_id);
      }),
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

document.addEventListener("visibilitychange", () => void markRead());
showState("connecting", {});
connection = connectRongCloud(RongIMLib, bridge, { onState, onMessage, checkSession: 3000 });
