// The messages of the open conversation. It holds the reader's place: who reads what is
// older is not torn down by what is new.
import { t } from "/static/texts.js";

const language = document.documentElement.lang;
const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" });
const full = new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "short" });
const dayOf = new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const nearEnd = 80; // px

function day(time) {
  const then = new Date(time).toDateString();
  const now = new Date();
  if (then === now.toDateString()) return t("today");
  now.setDate(now.getDate() - 1);
  return then === now.toDateString() ? t("yesterday") : dayOf.format(time);
}

export class Log {
  #box;
  #newer;
  #messages = []; // by time
  #top;
  #loading = false;
  #hasMore = false;
  #failed = false;
  #loaded = false;

  constructor(box, newer, older) {
    this.#box = box;
    this.#newer = newer;
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

  get size() {
    return this.#messages.length;
  }

  oldest() {
    return this.#messages.find((message) => message.uid)?.time ?? 0;
  }

  reset() {
    this.#messages = [];
    this.#loading = this.#hasMore = this.#failed = this.#loaded = false;
    this.#newer.hidden = true;
    this.#draw();
  }

  busy(is) {
    this.#loading = is;
    if (!is) this.#loaded = true;
    this.#drawTop();
  }

  failed() {
    this.#failed = true;
    this.#drawTop();
  }

  more(has) {
    const end = this.#atEnd();
    this.#hasMore = has;
    this.#failed = false;
    this.#drawTop();
    if (end) this.toEnd();
  }

  /** Shows a message, or what became of one that is shown. */
  put(message) {
    this.#keepPlace(() => this.#merge(message), !message.mine);
  }

  putAll(messages, older) {
    const { scrollHeight, scrollTop } = this.#box;
    const end = this.#atEnd();
    for (const message of messages) this.#merge(message);
    this.#draw();
    if (older) this.#box.scrollTop = scrollTop + this.#box.scrollHeight - scrollHeight;
    else if (end) this.toEnd();
  }

  toEnd() {
    this.#newer.hidden = true;
    this.#box.scrollTop = this.#box.scrollHeight;
  }

  #keepPlace(change, others) {
    const end = this.#atEnd();
    const before = this.#messages.length;
    change();
    this.#draw();
    if (end) this.toEnd();
    else if (others && this.#messages.length > before) this.#newer.hidden = false;
  }

  #atEnd() {
    return this.#box.scrollHeight - this.#box.scrollTop - this.#box.clientHeight < nearEnd;
  }

  #merge(message) {
    const same = (m) => (message.uid && m.uid === message.uid) || (message.mark && m.mark === message.mark && m.mine === message.mine);
    const i = this.#messages.findIndex(same);
    if (i >= 0) this.#messages[i] = { ...this.#messages[i], ...message, row: undefined };
    else this.#messages.push(message);
    // What is not there yet stands at the end, in the order of writing.
    this.#messages.sort((a, b) => a.time - b.time);
  }

  #draw() {
    const rows = [this.#top];
    let last = "";
    for (const message of this.#messages) {
      const today = new Date(message.time).toDateString();
      if (today !== last) {
        last = today;
        const line = document.createElement("p");
        line.className = "day small";
        line.textContent = day(message.time);
        rows.push(line);
      }
      rows.push((message.row ??= this.#row(message)));
    }
    this.#box.replaceChildren(...rows);
    this.#drawTop();
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
      fate.textContent = message.fate === "refused" ? (message.code === 405 ? t("blocked") : t("unsent", message.code)) : t(message.fate);
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
