// The messages of the open conversation. It holds the reader's place: who reads what is
// older is not torn down by what is new.
import { refusal } from "/static/chat_words.js";
import { t } from "/static/texts.js";
import { timeFormat } from "/static/times.js";

const clock = timeFormat({ hour: "2-digit", minute: "2-digit" });
const full = timeFormat({ dateStyle: "full", timeStyle: "short" });
const dayOf = timeFormat({ weekday: "long", day: "numeric", month: "long", year: "numeric" });
const nearEnd = 80; // px

function day(time) {
  const then = new Date(time).toDateString();
  const now = new Date();
  if (then === now.toDateString()) return t("today");
  now.setDate(now.getDate() - 1);
  return then === now.toDateString() ? t("yesterday") : dayOf.format(time);
}

/** Whether two are one message: by the cloud's id, or by our own mark. */
const same = (a, b) => (a.uid && a.uid === b.uid) || (a.mark && a.mark === b.mark && a.mine === b.mine);

export class Log {
  #box;
  #newer;
  #messages = []; // by time
  #days = new Map(); // the lines between, by day
  #top;
  #loading = false;
  #hasMore = false;
  #failed = false;
  #loaded = false;

  constructor(box, newer, older) {
    this.#box = box;
    this.#newer = newer;
    // We keep the reader's place ourselves, also where the browser does not know how.
    box.style.overflowAnchor = "none";
    this.#top = document.createElement("p");
    this.#top.className = "log-top small quiet";
    const ask = () => {
      if (this.#loading || !(this.#hasMore || this.#failed)) return;
      older();
    };
    this.#top.addEventListener("click", (event) => event.target instanceof HTMLButtonElement && ask());
    box.addEventListener("scroll", () => {
      if (box.scrollTop < 40 && !this.#failed) ask();
      if (this.#atEnd()) newer.hidden = true;
    });
    newer.addEventListener("click", () => this.toEnd());
  }

  /** Whether the newest page of the history has been read. */
  get loaded() {
    return this.#loaded;
  }

  has(message) {
    return this.#messages.some((m) => same(m, message) && m.uid);
  }

  oldest() {
    return this.#messages.find((message) => message.uid)?.time ?? 0;
  }

  reset() {
    this.#messages = [];
    this.#days.clear();
    this.#loading = this.#hasMore = this.#failed = this.#loaded = false;
    this.#newer.hidden = true;
    this.#draw();
  }

  busy(is) {
    this.#loading = is;
    this.#drawTop();
  }

  failed() {
    this.#loading = false;
    this.#failed = true;
    this.#drawTop();
  }

  /** The history has been read up to here; has says whether it goes on. */
  more(has) {
    const end = this.#atEnd();
    this.#hasMore = has;
    this.#loading = this.#failed = false;
    this.#loaded = true;
    this.#drawTop();
    if (end) this.toEnd();
  }

  /** Shows a message, or what became of one that is shown. */
  put(message) {
    this.putAll([message]);
  }

  putAll(messages, older = false) {
    const known = this.#messages.length;
    const changed = messages.filter((message) => this.#merge(message));
    if (changed.length === 0) return;
    const end = this.#atEnd() && !older;
    const held = this.#held();
    this.#draw();
    if (end) return this.toEnd();
    if (held?.row.isConnected) this.#box.scrollTop += held.row.getBoundingClientRect().top - held.top;
    if (!older && this.#messages.length > known && changed.some((message) => !message.mine)) this.#newer.hidden = false;
  }

  /** Forgets what has arrived and is older; the history is read again from there. */
  forgetBefore(time) {
    this.#messages = this.#messages.filter((message) => !message.uid || message.time >= time);
    this.#draw();
  }

  toEnd() {
    this.#newer.hidden = true;
    this.#box.scrollTop = this.#box.scrollHeight;
  }

  #atEnd() {
    return this.#box.scrollHeight - this.#box.scrollTop - this.#box.clientHeight < nearEnd;
  }

  /** The first row that the reader sees whole, and where it is. */
  #held() {
    const { top } = this.#box.getBoundingClientRect();
    for (const row of this.#box.querySelectorAll(".message")) {
      const place = row.getBoundingClientRect().top;
      if (place >= top) return { row, top: place };
    }
    return undefined;
  }

  /** Takes a message in; tells whether that changes what is shown. */
  #merge(message) {
    const i = this.#messages.findIndex((m) => same(m, message));
    if (i < 0) this.#messages.push(message);
    else {
      const was = this.#messages[i];
      const now = { ...was, ...message };
      const looks = (m) => JSON.stringify([m.text, m.time, m.mine, m.fate ?? "", m.code]);
      const differs = looks(was) !== looks(now);
      this.#messages[i] = differs ? { ...now, row: undefined } : now;
      if (!differs) return false;
    }
    // What is not there yet stands at the end, in the order of writing.
    const place = (m) => (m.fate === "waiting" || m.fate === "sending" ? Infinity : m.time);
    this.#messages.sort((a, b) => (place(a) === place(b) ? a.time - b.time : place(a) - place(b)));
    return true;
  }

  /** Rows that stay are not touched: what is selected in them, or has the focus, stays so. */
  #draw() {
    const rows = [this.#top];
    let last = "";
    for (const message of this.#messages) {
      const today = new Date(message.time).toDateString();
      if (today !== last) {
        last = today;
        rows.push(this.#day(today, message.time));
      }
      rows.push((message.row ??= this.#row(message)));
    }
    const wanted = new Set(rows);
    for (const row of [...this.#box.children]) if (!wanted.has(row)) row.remove();
    let at = this.#box.firstElementChild;
    for (const row of rows) {
      if (row === at) at = at.nextElementSibling;
      else this.#box.insertBefore(row, at);
    }
    this.#drawTop();
  }

  #day(key, time) {
    let line = this.#days.get(key);
    if (line === undefined) {
      line = document.createElement("p");
      line.className = "day small";
      this.#days.set(key, line);
    }
    const text = day(time);
    if (line.textContent !== text) line.textContent = text;
    return line;
  }

  #drawTop() {
    if (this.#loading && this.#messages.length === 0) this.#top.textContent = t("loading");
    else if (this.#hasMore || this.#failed) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "button little";
      button.textContent = this.#loading ? t("loading") : t("older");
      this.#top.replaceChildren(...(this.#failed ? [t("history.failed"), " "] : []), button);
    } else this.#top.textContent = this.#messages.length === 0 && this.#loaded ? t("talk.empty") : "";
  }

  #row(message) {
    const row = document.createElement("div");
    row.className = message.mine ? "message mine" : "message";
    const text = document.createElement("p");
    text.textContent = message.text ?? t("other");
    if (message.text === null) text.className = "quiet";
    const below = document.createElement("div");
    below.className = "below small quiet";
    const time = document.createElement("time");
    time.dateTime = new Date(message.time).toISOString();
    time.title = full.format(message.time);
    time.textContent = clock.format(message.time);
    below.append(time);
    if (message.fate) {
      row.dataset.fate = message.fate;
      const fate = document.createElement("span");
      fate.className = "fate";
      fate.textContent = message.fate === "refused" ? refusal(message.code) : t(message.fate);
      below.append(fate);
      if (message.fate === "refused") {
        const again = document.createElement("button");
        again.type = "button";
        again.className = "link";
        again.textContent = t("again");
        again.addEventListener("click", () => message.again());
        below.append(again);
      }
    }
    row.append(text, below);
    return row;
  }
}
