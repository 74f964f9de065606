// Friends beside the conversations: the two tabs on the left, requests, the list of friends,
// whom one blocks, and what people who were found are to us.
import { ask, button } from "/static/chat_ask.js";
import { PersonCard } from "/static/chat_person.js";
import { Relations } from "/static/chat_relations.js";
import { Rows } from "/static/chat_rows.js";
import { explain } from "/static/chat_words.js";
import { t } from "/static/texts.js";

const at = (id) => document.getElementById(id);
const most = 100; // characters of a message with a request

export class Friends {
  #people;
  #talks;
  #open;
  #relations;
  #card;
  #rows;
  #told; // the newest request that the reader was told of
  #end = ""; // what the end of the list says: "reading", "failed"
  #found = []; // what stands beside those who were found

  /** open is called with whom to talk to. */
  constructor(bridge, people, talks, open) {
    this.#people = people;
    this.#talks = talks;
    this.#open = open;
    this.#relations = new Relations(bridge, people, () => this.#draw());
    this.#card = new PersonCard(people, this.#relations, (person) => this.#ask(person), (text) => say(text));
    this.#rows = {
      incoming: new Rows(at("incoming"), (request) => this.#request(request, [[t("friends.accept"), "accept", true], [t("friends.decline"), "decline"]]), JSON.stringify),
      outgoing: new Rows(at("outgoing"), (request) => this.#request(request, [[t("friends.withdraw"), "withdraw"]]), JSON.stringify),
      friends: new Rows(at("friends"), (friend) => this.#friend(friend), JSON.stringify),
      blocks: new Rows(at("blocks"), (person) => this.#blocked(person), (person) => JSON.stringify([person, people.remarks.get(person.im_user_id)])),
    };
    this.#tabs();
    this.#scrolling();
    for (const name of ["incoming", "outgoing"]) at(`${name}-more`).addEventListener("click", () => this.#try(() => this.#relations.more(this.#relations[name])));
    // On a narrow screen the way back leads to the tab from where somebody came.
    at("back").addEventListener("click", () => this.#shown("friends") && at("tab-friends").focus());
    void this.#relations.look(true);
  }

  /** The conversation with somebody is open. */
  show(id, person) {
    this.#card.show(id, person);
  }

  /** Puts what can be done about friendship beside a row of somebody who was found. */
  found(row, person) {
    const beside = document.createElement("span");
    beside.className = "beside";
    row.append(beside);
    const draw = () => {
      const { friend, incoming, outgoing, blocked } = this.#relations.of(person.im_user_id);
      const state = blocked ? "blocked" : friend ? "friend" : incoming ? "incoming" : outgoing ? "outgoing" : "stranger";
      if (beside.dataset.state === state) return;
      beside.dataset.state = state;
      if (state === "stranger") beside.replaceChildren(named(button(t("friends.add"), () => this.#ask(person)), t("friends.add.of", this.#people.shown(person))));
      else if (state === "incoming") beside.replaceChildren(named(button(t("friends.accept"), () => this.#try(() => this.#relations.accept(incoming))), t("friends.accept.of", this.#people.shown(person))));
      else beside.replaceChildren(tag(t(`friends.is.${state}`)));
    };
    draw();
    this.#found.push({ beside, draw });
    return row;
  }

  #ask(person) {
    let state = "pending";
    return ask({
      title: t("friends.add.to", this.#people.shown(person)),
      text: t("friends.add.how"),
      field: { name: "message", label: t("friends.message"), most },
      submit: t("friends.ask"),
      act: async (message) => ({ state } = await this.#relations.add(person, message)),
    }).then((done) => done && say(t(state === "friends" ? "friends.made" : "friends.asked", this.#people.shown(person))));
  }

  // ---- The two tabs

  #shown(name) {
    return !at(`panel-${name}`).hidden;
  }

  #tabs() {
    const names = ["talks", "friends"];
    const select = (name) => {
      for (const each of names) {
        const tab = at(`tab-${each}`);
        tab.ariaSelected = String(each === name);
        tab.tabIndex = each === name ? 0 : -1;
        at(`panel-${each}`).hidden = each !== name;
      }
      if (name === "friends") void this.#relations.look(true);
    };
    for (const name of names) {
      const other = names[1 - names.indexOf(name)];
      at(`tab-${name}`).addEventListener("click", () => select(name));
      at(`tab-${name}`).addEventListener("keydown", (event) => {
        const to = { ArrowLeft: other, ArrowRight: other, Home: names[0], End: names[1] }[event.key];
        if (to === undefined) return;
        event.preventDefault();
        select(to);
        at(`tab-${to}`).focus();
      });
    }
  }

  /** The next page of friends is read when the end of the list comes near. */
  #scrolling() {
    const end = at("friends-end");
    const side = end.closest(".side");
    const say = (what) => {
      this.#end = what;
      this.#drawEnd(again);
    };
    const observer = new IntersectionObserver((entries) => void (entries.at(-1).isIntersecting && this.#end === "" && again()), { root: side, rootMargin: "400px 0px" });
    const again = async () => {
      if (!this.#relations.friends.more) return;
      say("reading");
      const read = await this.#try(() => this.#relations.moreFriends());
      say(read ? "" : "failed");
      if (!read) return;
      // Should the end still be in sight, it has to be looked at anew.
      observer.unobserve(end);
      observer.observe(end);
    };
    observer.observe(end);
  }

  #drawEnd(again) {
    const end = at("friends-end");
    if (this.#end === "failed") end.replaceChildren(button(t("friends.more"), again));
    else end.textContent = this.#end === "reading" ? t("loading") : "";
  }

  // ---- What is shown

  #draw() {
    const { incoming, outgoing, friends, blocks } = this.#relations;
    for (const [name, list] of Object.entries({ incoming, outgoing })) {
      this.#rows[name].show(list.items);
      at(`${name}-part`).hidden = list.items.length === 0;
      at(`${name}-more`).hidden = !list.more;
    }
    this.#rows.friends.show(friends.items);
    at("friends-empty").hidden = !friends.known || friends.items.length > 0;
    this.#rows.blocks.show(blocks.items);
    at("blocks-none").hidden = blocks.items.length > 0;
    const asked = incoming.items.length;
    at("asked").hidden = asked === 0;
    at("asked-number").textContent = incoming.more ? `${asked}+` : String(asked);
    at("asked-said").textContent = t("friends.requests", asked);
    if (incoming.known) this.#announce(incoming.items);
    this.#talks.renamed();
    this.#card.draw();
    this.#found = this.#found.filter(({ beside }) => beside.isConnected);
    for (const { draw } of this.#found) draw();
  }

  #announce(requests) {
    const [newest] = requests;
    // Ids are in the order of asking.
    if (newest && this.#told !== undefined && newest.id > this.#told) say(t("friends.asks", this.#people.shown(newest.person)));
    if (newest || this.#told === undefined) this.#told = newest?.id ?? "";
  }

  #request({ person, message, ...request }, choices) {
    const row = this.#talks.row(person.im_user_id, person, `@${person.username}`, () => this.#open(person.im_user_id));
    row.className = "asking";
    if (message !== "") row.append(Object.assign(document.createElement("p"), { className: "said-by small", textContent: message }));
    const does = document.createElement("div");
    does.className = "row";
    for (const [text, name, main] of choices) {
      const act = button(text, () => this.#try(() => this.#relations[name](request)), main ? "button little main" : "button little");
      does.append(named(act, t(`friends.${name}.of`, this.#people.shown(person))));
    }
    row.append(does);
    return row;
  }

  #friend(friend) {
    const name = friend.nickname.trim();
    const below = friend.remark === "" || name === "" ? `@${friend.username}` : `${name} · @${friend.username}`;
    const row = this.#talks.row(friend.im_user_id, friend, below, () => this.#open(friend.im_user_id));
    if (friend.blocked) row.querySelector("button").append(tag(t("friends.is.blocked")));
    return row;
  }

  #blocked(person) {
    const row = this.#talks.row(person.im_user_id, person, `@${person.username}`, () => this.#open(person.im_user_id));
    const unblock = button(t("friends.unblock"), () => this.#try(() => this.#relations.unblock(person)));
    const beside = document.createElement("span");
    beside.className = "beside";
    beside.append(named(unblock, t("friends.unblock.of", this.#people.shown(person))));
    row.append(beside);
    return row;
  }

  /** Does something that has no dialog of its own; what is wrong is said above the tabs. */
  async #try(act) {
    const box = at("friends-problem");
    try {
      await act();
      box.hidden = true;
      return true;
    } catch (problem) {
      box.textContent = explain(problem);
      box.hidden = false;
      return false;
    }
  }
}

/** Tells those who do not see the page what has changed. */
function say(text) {
  at("friends-said").textContent = text;
}

function tag(text) {
  return Object.assign(document.createElement("span"), { className: "tag", textContent: text });
}

/** Rows have the same buttons; who cannot see where one stands hears whom it is about. */
function named(made, label) {
  made.ariaLabel = label;
  return made;
}
