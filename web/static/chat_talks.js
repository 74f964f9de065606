// The list of conversations, newest first.
import { t } from "/static/texts.js";

/** Whether two are one message: by the cloud's id, or by our own mark. */
const same = (a, b) => (a.uid && a.uid === b.uid) || (a.mark && a.mark === b.mark && a.mine === b.mine);

export class Talks {
  #list;
  #empty;
  #people;
  #open;
  #talks = new Map(); // id → { id, last, own, unread, row }
  #selected = "";

  constructor(list, empty, people, open) {
    this.#list = list;
    this.#empty = empty;
    this.#people = people;
    this.#open = open;
  }

  /** Notes the newest message of a conversation, or what became of one. */
  latest(message) {
    const talk = this.#get(message.talk);
    const { last, own } = talk;
    if (message.uid) {
      if (own && same(own, message)) talk.own = undefined;
      else if (own && message.mine) own.after = Math.max(own.after, message.time); // written before it
      if (last === undefined || same(last, message) || message.time >= last.time) talk.last = message;
    } else if (own && same(own, message)) talk.own = { ...message, after: own.after };
    else if (own === undefined || message.time >= own.time) talk.own = { ...message, after: last?.time ?? 0 };
    this.#draw(talk);
    this.#sort();
  }

  /** What we have written and has not arrived is the newest until the cloud has something newer, whatever our clock says. */
  #newest({ last, own }) {
    return own && (last === undefined || last.time <= own.after) ? own : last;
  }

  /** Whether a message is newer than what is known of its conversation. */
  isNews(message) {
    const last = this.#talks.get(message.talk)?.last;
    return last === undefined || message.time > last.time;
  }

  /** Sets how many are unread, as the SDK counts. */
  unread(id, count) {
    const talk = this.#get(id);
    talk.unread = count;
    if (count > 0) talk.missed = false;
    this.#drawUnread(talk);
  }

  /** There is something unread that the SDK has not heard of, and does not count. */
  missed(id) {
    const talk = this.#get(id);
    talk.missed = true;
    this.#drawUnread(talk);
  }

  read(id) {
    const talk = this.#get(id);
    talk.unread = 0;
    talk.missed = false;
    this.#drawUnread(talk);
  }

  #drawUnread(talk) {
    this.#draw(talk);
    let sum = 0;
    for (const each of this.#talks.values()) sum += this.#shown(each);
    document.title = document.title.replace(/^(\(\d+\) )?/, sum > 0 ? `(${sum}) ` : "");
  }

  hasUnread(id) {
    const talk = this.#talks.get(id);
    return talk !== undefined && (talk.unread > 0 || talk.missed);
  }

  /** What the reader looks at is not unread to them, whatever was counted. */
  #shown(talk) {
    return talk.id === this.#selected && !document.hidden ? 0 : Math.max(talk.unread, talk.missed ? 1 : 0);
  }

  select(id) {
    this.#selected = id;
    for (const talk of this.#talks.values()) this.#draw(talk);
  }

  /** Somebody may be called something else by now. */
  renamed() {
    for (const talk of this.#talks.values()) this.#draw(talk);
  }

  focus(id) {
    this.#selected = "";
    for (const talk of this.#talks.values()) this.#draw(talk);
    this.#talks.get(id)?.row.querySelector("button").focus();
  }

  /** The list is known by now: should it be empty, say so. */
  settle() {
    this.#empty.hidden = this.#talks.size > 0;
  }

  /** One line with a face, a name and what stands below it. */
  row(id, person, below, act) {
    const face = document.createElement("span");
    face.ariaHidden = "true";
    this.#people.paint(face, id, person);
    const name = document.createElement("strong");
    name.textContent = this.#people.shown(person);
    const under = document.createElement("span");
    under.className = "small quiet line";
    under.textContent = below;
    const middle = document.createElement("span");
    middle.className = "grow";
    middle.append(name, under);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "person";
    button.append(face, middle);
    button.addEventListener("click", act);
    const row = document.createElement("li");
    row.append(button);
    return row;
  }

  #get(id) {
    let talk = this.#talks.get(id);
    if (talk === undefined) {
      talk = { id, last: undefined, own: undefined, unread: 0, missed: false, shown: "", row: document.createElement("li") };
      this.#talks.set(id, talk);
      this.#list.append(talk.row);
      this.#empty.hidden = true;
      void this.#people.get(id).then(() => this.#draw(talk));
    }
    return talk;
  }

  #draw(talk) {
    const person = this.#people.known(talk.id);
    const newest = this.#newest(talk);
    const text = newest === undefined ? "" : (newest.text ?? t("other"));
    const below = newest?.mine ? t("you", text) : text;
    const unread = this.#shown(talk);
    const shown = JSON.stringify([person, this.#people.shown(person), below, unread, talk.id === this.#selected]);
    if (shown === talk.shown) return; // a row that is replaced under a click does not hear of it
    talk.shown = shown;
    const focused = talk.row.contains(document.activeElement);
    const row = this.row(talk.id, person, below, () => this.#open(talk.id));
    const button = row.querySelector("button");
    if (talk.id === this.#selected) button.setAttribute("aria-current", "true");
    if (unread > 0) {
      const count = document.createElement("span");
      count.className = "count";
      count.textContent = String(unread);
      count.title = t("unread", unread);
      const said = document.createElement("span");
      said.className = "unseen";
      said.textContent = t("unread", unread);
      count.ariaHidden = "true";
      button.append(count, said);
    }
    talk.row.replaceChildren(button);
    if (focused) button.focus();
  }

  #sort() {
    const sorted = [...this.#talks.values()].sort((a, b) => (this.#newest(b)?.time ?? 0) - (this.#newest(a)?.time ?? 0));
    if (sorted.every((talk, i) => this.#list.children[i] === talk.row)) return;
    const focused = document.activeElement;
    this.#list.append(...sorted.map((talk) => talk.row));
    if (focused instanceof HTMLElement && this.#list.contains(focused)) focused.focus();
  }
}
