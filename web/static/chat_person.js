// Whom the open conversation is with: the name above it, what they are to us, and what can be
// done about that.
import { ask, button } from "/static/chat_ask.js";
import { explain } from "/static/chat_words.js";
import { t } from "/static/texts.js";

const at = (id) => document.getElementById(id);
const most = 100; // characters of a remark
const nearEnd = 80; // px

export class PersonCard {
  #people;
  #relations;
  #add;
  #say;
  #id = "";
  #person;
  #shown = "";

  /** add asks somebody to be a friend; say tells those who do not see the page. */
  constructor(people, relations, add, say) {
    this.#people = people;
    this.#relations = relations;
    this.#add = add;
    this.#say = say;
    at("person-toggle").addEventListener("click", () => {
      this.#toggle(at("person-card").hidden);
      if (!at("person-card").hidden) void this.#relations.look(true);
    });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || at("person-card").hidden || document.querySelector("dialog[open]")) return;
      this.#toggle(false);
      at("person-toggle").focus();
    });
    const leave = ({ target }) => {
      if (at("person-card").hidden || [at("person-card"), at("person-toggle"), at("relation")].some((part) => part.contains(target)) || target.closest("dialog")) return;
      this.#toggle(false);
    };
    for (const event of ["pointerdown", "focusin"]) document.addEventListener(event, leave);
  }

  show(id, person) {
    if (id !== this.#id) this.#toggle(false);
    this.#id = id;
    this.#person = person;
    this.#shown = "";
    this.draw();
  }

  draw() {
    if (this.#id === "") return;
    const person = this.#person;
    at("person-toggle").hidden = !person;
    if (!person) {
      at("relation").hidden = true;
      return;
    }
    const remark = this.#people.remarks.get(this.#id);
    const { friend, incoming, outgoing, blocked } = this.#relations.of(this.#id);
    const shown = JSON.stringify([this.#id, remark, friend?.id, incoming, outgoing, blocked]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const name = this.#people.shown(person);
    at("talk-name").textContent = name;
    at("talk-user").textContent = remark && person.nickname.trim() !== "" ? `${person.nickname} · @${person.username}` : `@${person.username}`;

    const does = [];
    const can = (text, act, className) => does.push(button(text, act, `button little ${className ?? ""}`));
    if (friend) can(t("remark.edit"), () => this.#remark(friend));
    else if (incoming) {
      can(t("friends.accept"), () => this.#try(() => this.#relations.accept(incoming), t("friends.made", name)), "main");
      can(t("friends.decline"), () => this.#try(() => this.#relations.decline(incoming)));
    } else if (outgoing) can(t("friends.withdraw"), () => this.#try(() => this.#relations.withdraw(outgoing)));
    else if (!blocked) can(t("friends.add"), () => this.#add(person));
    if (friend) can(t("friends.remove"), () => this.#remove(person, name), "danger");
    if (blocked) can(t("friends.unblock"), () => this.#unblock(person, name));
    else can(t("friends.block"), () => this.#block(person, name), "danger");
    const state = blocked ? (friend ? "blocked.friend" : "blocked") : friend ? "friend" : incoming ? "incoming" : outgoing ? "outgoing" : "stranger";
    at("person-state").textContent = t(`person.${state}`);
    const focused = at("person-does").contains(document.activeElement);
    at("person-does").replaceChildren(...does);
    if (focused) does[0].focus();
    this.#bar(person, name, incoming, blocked);
  }

  /** What has to be seen without opening anything. The reader's place in the conversation stays. */
  #bar(person, name, incoming, blocked) {
    const bar = at("relation");
    const log = at("log");
    const end = log.scrollHeight - log.scrollTop - log.clientHeight < nearEnd;
    const focused = bar.contains(document.activeElement);
    const text = Object.assign(document.createElement("span"), { className: "grow" });
    bar.hidden = !blocked && !incoming;
    const does = Object.assign(document.createElement("span"), { className: "row" });
    bar.replaceChildren(text, does);
    if (blocked) {
      text.textContent = t("person.blocked");
      does.append(button(t("friends.unblock"), () => this.#unblock(person, name)));
    } else if (incoming) {
      text.textContent = incoming.message === "" ? t("friends.asks", name) : t("friends.asks.with", name, incoming.message);
      does.append(
        button(t("friends.accept"), () => this.#try(() => this.#relations.accept(incoming), t("friends.made", name)), "button little main"),
        button(t("friends.decline"), () => this.#try(() => this.#relations.decline(incoming))),
      );
    }
    if (focused && bar.hidden) at("person-toggle").focus();
    if (end) log.scrollTop = log.scrollHeight;
  }

  async #remark(friend) {
    const id = this.#id;
    const done = await ask({
      title: t("remark.of", this.#people.shown({ ...friend, im_user_id: "" })),
      text: t("remark.how"),
      field: { name: "remark", label: t("remark"), value: friend.remark, most },
      submit: t("save"),
      act: (remark) => this.#relations.remark(friend, remark),
    });
    if (done && id === this.#id) this.#done(t("remark.saved"));
  }

  async #remove(person, name) {
    const done = await ask({ title: t("friends.remove.really", name), text: t("friends.remove.how"), submit: t("friends.remove"), danger: true, act: () => this.#relations.remove(person) });
    if (done) this.#done(t("friends.removed", name));
  }

  async #block(person, name) {
    const done = await ask({ title: t("friends.block.really", name), text: t("friends.block.how"), submit: t("friends.block"), danger: true, act: () => this.#relations.block(person) });
    if (done) this.#done(t("friends.blocked", name));
  }

  #unblock(person, name) {
    return this.#try(() => this.#relations.unblock(person), t("friends.unblocked", name));
  }

  #done(text) {
    this.#say(text);
    this.#toggle(false);
    at("person-toggle").focus();
  }

  /** What is wrong is said where the buttons are. */
  async #try(act, done = "") {
    const box = at("person-problem");
    try {
      await act();
      box.hidden = true;
      this.#say(done);
    } catch (problem) {
      box.textContent = explain(problem);
      box.hidden = false;
      this.#toggle(true);
    }
  }

  #toggle(open) {
    at("person-card").hidden = !open;
    at("person-toggle").ariaExpanded = String(open);
    if (!open) at("person-problem").hidden = true;
  }
}
