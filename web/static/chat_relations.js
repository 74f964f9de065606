// Who is whose friend, who asks and who is blocked, as imbridge knows it. There is nobody to
// tell us of others' changes, so that we ask now and then while somebody looks.
import { Pages } from "./chat_pages.js";

const pause = 20_000; // ms between two looks at the requests
const rounds = 3; // looks at the requests for one at everything
// ms between two readings of all friends, which only a list that is longer than a page needs: while
// nobody asks, and while somebody does.
const allPause = 300_000;
const askedPause = 20_000;

export class Relations {
  #bridge;
  #people;
  #changed;
  #round = 0;
  #looked = 0;
  #over = false;
  #all = new Map(); // im_user_id → friend, also of pages that nobody has scrolled to
  #readAll = -Infinity;

  /** changed is called after each look, and after what somebody did here. */
  constructor(bridge, people, changed) {
    this.#bridge = bridge;
    this.#people = people;
    this.#changed = changed;
    this.friends = new Pages(bridge, "/v1/friends?remarks=true&", "friends", "/v1/friends?all=true&remarks=true");
    this.incoming = new Pages(bridge, "/v1/friends/requests?direction=incoming&", "requests");
    this.outgoing = new Pages(bridge, "/v1/friends/requests?direction=outgoing&", "requests");
    this.blocks = new Pages(bridge, "/v1/blocks?", "blocks");
    bridge.onEnded(() => this.stop());
    setInterval(() => !document.hidden && void this.look(), pause);
    document.addEventListener("visibilitychange", () => !document.hidden && Date.now() - this.#looked > 2_000 && void this.look(true));
  }

  /** Asks no more: the person is out, or the page is at its end. */
  stop() {
    this.#over = true;
  }

  /**
   * Reads what may have changed elsewhere; asked says that somebody wants to see it now. A look that
   * fails is made up for by the next.
   */
  async look(asked = false) {
    if (this.#over) return;
    this.#looked = Date.now();
    const everything = asked || this.#round++ % rounds === 0;
    const waited = this.outgoing.items.length;
    try {
      await Promise.all([this.incoming.refresh(), this.outgoing.refresh()]);
      // Whoever does not wait for an answer any more may have become a friend.
      if (everything || this.outgoing.items.length < waited) await Promise.all([this.#readFriends(asked), this.blocks.whole()]);
    } catch (problem) {
      if (problem.code === "banned") this.stop();
    }
    this.#changed();
  }

  async moreFriends() {
    await this.friends.next();
    this.#note();
    this.#changed();
  }

  async more(list) {
    await list.next();
    this.#changed();
  }

  /** What somebody is to us; each part is undefined where there is nothing. */
  of(id) {
    const is = (person) => person.im_user_id === id;
    const friend = this.#all.get(id);
    return {
      friend,
      incoming: this.incoming.items.find((request) => is(request.person)),
      outgoing: this.outgoing.items.find((request) => is(request.person)),
      blocked: friend?.blocked === true || this.blocks.items.some(is),
    };
  }

  add(person, message) {
    return this.#do("POST", "/v1/friends/requests", { user_id: person.id, message });
  }
  accept(request) {
    return this.#do("POST", `/v1/friends/requests/${request.id}/accept`);
  }
  decline(request) {
    return this.#do("POST", `/v1/friends/requests/${request.id}/decline`);
  }
  withdraw(request) {
    return this.#do("DELETE", `/v1/friends/requests/${request.id}`);
  }
  remark(person, remark) {
    return this.#do("PUT", `/v1/friends/${person.id}/remark`, { remark });
  }
  remove(person) {
    return this.#do("DELETE", `/v1/friends/${person.id}`);
  }
  block(person) {
    return this.#do("PUT", `/v1/blocks/${person.id}`);
  }
  unblock(person) {
    return this.#do("DELETE", `/v1/blocks/${person.id}`);
  }

  /** Rejects with the problem of the change alone: it was made, whether or not it can be read back. */
  async #do(method, path, body) {
    try {
      return await this.#bridge.request(method, path, body);
    } finally {
      this.#readAll = -Infinity;
      await this.look(true);
    }
  }

  async #readFriends(asked) {
    const { friends } = this;
    const was = friends.items;
    const due = Date.now() - this.#readAll > (asked ? askedPause : allPause);
    const whole = due && friends.known && (friends.more || friends.long);
    if (!whole && !friends.long) {
      await friends.refresh();
      this.#note();
    }
    if (!friends.more && !friends.long) this.#all.clear();
    else if (whole || due || was.some((friend) => !friends.items.some(({ id }) => id === friend.id))) {
      // Conversations name anybody, and remarks stand in for their names. Whoever is not where they
      // were may be further down, or gone.
      this.#all = byID(await friends.all());
      this.#readAll = Date.now();
    }
    this.#note();
  }

  #note() {
    for (const [id, friend] of byID(this.friends.items)) {
      this.#all.set(id, friend);
      this.#people.note(friend);
    }
    this.#people.remarks = new Map([...this.#all].filter(([, friend]) => friend.remark.trim() !== "").map(([id, friend]) => [id, friend.remark]));
  }
}

const byID = (friends) => new Map(friends.map((friend) => [friend.im_user_id, friend]));
