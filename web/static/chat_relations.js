// Who is whose friend, who asks and who is blocked, as imbridge knows it. There is nobody to
// tell us of others' changes, so that we ask now and then while somebody looks.
import { Pages } from "/static/chat_pages.js";

const pause = 20_000; // ms between two looks at the requests
const rounds = 3; // looks at the requests for one at everything
const allPause = 300_000; // ms between two readings of a list that is longer than a page

export class Relations {
  #bridge;
  #people;
  #changed;
  #round = 0;
  #looked = 0;
  #over = false;
  #all = new Map(); // im_user_id → friend, also of pages that nobody has scrolled to
  #readAll = 0;

  /** changed is called after each look, and after what somebody did here. */
  constructor(bridge, people, changed) {
    this.#bridge = bridge;
    this.#people = people;
    this.#changed = changed;
    this.friends = new Pages(bridge, "/v1/friends?remarks=true&", "friends");
    this.incoming = new Pages(bridge, "/v1/friends/requests?direction=incoming&", "requests");
    this.outgoing = new Pages(bridge, "/v1/friends/requests?direction=outgoing&", "requests");
    this.blocks = new Pages(bridge, "/v1/blocks?", "blocks");
    bridge.onEnded(() => (this.#over = true));
    setInterval(() => !document.hidden && void this.look(), pause);
    document.addEventListener("visibilitychange", () => !document.hidden && Date.now() - this.#looked > 2_000 && void this.look(true));
  }

  /** Reads what may have changed elsewhere. A look that fails is made up for by the next. */
  async look(everything = false) {
    if (this.#over) return;
    this.#looked = Date.now();
    everything ||= this.#round++ % rounds === 0;
    const waited = this.outgoing.items.length;
    try {
      await Promise.all([this.incoming.refresh(), this.outgoing.refresh()]);
      // Whoever does not wait for an answer any more may have become a friend.
      if (everything || this.outgoing.items.length < waited) await this.#readRest();
    } catch {
      return;
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
      this.#readAll = 0;
      await this.look(true);
    }
  }

  async #readRest() {
    await Promise.all([this.friends.refresh(), this.blocks.whole()]);
    if (!this.friends.more) this.#all.clear();
    else if (Date.now() - this.#readAll > allPause) {
      // Conversations name anybody, and remarks stand in for their names.
      const { friends } = await this.#bridge.request("GET", "/v1/friends?all=true&remarks=true");
      this.#all = byID(friends);
      this.#readAll = Date.now();
    }
    this.#note();
  }

  #note() {
    for (const [id, friend] of byID(this.friends.items)) {
      this.#all.set(id, friend);
      this.#people.note(friend);
    }
    this.#people.remarks = new Map([...this.#all].filter(([, friend]) => friend.remark !== "").map(([id, friend]) => [id, friend.remark]));
  }
}

const byID = (friends) => new Map(friends.map((friend) => [friend.im_user_id, friend]));
