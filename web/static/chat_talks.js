// The list of conversations, newest first.
import { t } from "/static/texts.js";

export class Talks {
  #list;
  #empty;
  #people;
  #open;
  #talks = new Map(); // id → { id, last, unread, row }
  #selected = "";

  constructor(list, empty, people, open) {
    this.#list = list;
    this.#empty = empty;
    this.#people = people;
    this.#open = open;
  }

  /** Notes the newest message of a conversation. */
  latest(message) {
    const talk = this.#get(message.talk);
    if (talk.last === undefined || message.time >= talk.last.time) talk.last = message;
    this.#draw(talk);
    this.#sort();
  }

  /** Sets how many are unread, as the SDK counts. */
  unread(id, count) {
    const talk = this.#get(id);
    talk.unread = count;
    this.#draw(talk);
    let sum = 0;
    for (const each of this.#talks.values()) sum += this.#shown(each);
    document.title = document.title.replace(/^(\(\d+\) )?/, sum > 0 ? `(${sum}) ` : "");
  }

  hasUnread(id) {
    return (this.#talks.get(id)?.unread ?? 0) > 0;
  }

  /** What the reader looks at is not unread to them, whatever was counted. */
  #shown(talk) {
    return talk.id === this.#selected && !document.hidden ? 0 : talk.unread;
  }

  select(id) {
    this.#selected = id;
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
      talk = { id, last: undefined, unread: 0, row: document.createElement("li"), person: undefined };
      this.#talks.set(id, talk);
      this.#list.append(talk.row);
      this.#empty.hidden = true;
      void this.#people.get(id).then((person) => {
        talk.person = person;
        this.#draw(talk);
      });
    }
    return talk;
  }

  #draw(talk) {
    if (talk.person === undefined) return; // the name comes in a moment
    const text = talk.last === undefined ? "" : (talk.last.text ?? t("other"));
    const below = talk.last?.mine ? t("you", text) : text;
    const focused = talk.row.contains(document.activeElement);
    const row = this.row(talk.id, talk.person, below, () => this.#open(talk.id));
    const button = row.querySelector("button");
    if (talk.id === this.#selected) button.setAttribute("aria-current", "true");
    const unread = this.#shown(talk);
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
    const sorted = [...this.#talks.values()].sort((a, b) => (b.last?.time ?? 0) - (a.last?.time ?? 0));
    if (sorted.every((talk, i) => this.#list.children[i] === talk.row)) return;
    const focused = document.activeElement;
    this.#list.append(...sorted.map((talk) => talk.row));
    if (focused instanceof HTMLElement && this.#list.contains(focused)) focused.focus();
  }
}
