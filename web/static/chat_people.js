// Who is who: conversations name people by their ids at the cloud only.
import { t } from "/static/texts.js";

const tones = 6;
const most = 20; // ids of one question
const together = 20; // ms in which questions become one
const freshFor = 300_000; // ms; somebody may be called something else by then
const firstPause = 2_000; // ms before another try
const longestPause = 60_000;
const askable = /^[!-+\--~]{1,64}$/;

export class Directory {
  #bridge;
  #known = new Map(); // id → { person, at }; null for somebody who is no more
  #asked = new Set(); // ids that somebody looks at
  #wanted = new Map(); // id → those who wait for it
  #timer;
  #fetching = false;
  #failures = 0;
  #over = false;
  /** What the reader calls their friends, by id; it stands in for the name. */
  remarks = new Map();
  /** Called when somebody turns out to be called something else. */
  changed = () => {};

  constructor(bridge) {
    this.#bridge = bridge;
    bridge.onEnded(() => (this.#over = true));
    setInterval(() => this.#refresh(), freshFor);
    document.addEventListener("visibilitychange", () => this.#refresh());
  }

  async search(query) {
    const { people } = await this.#bridge.request("GET", `/v1/people?query=${encodeURIComponent(query)}`);
    for (const person of people) this.note(person);
    return people;
  }

  /** Notes what somebody is called by now. */
  note({ id, im_user_id, username, nickname, avatar_url }) {
    this.#learn(im_user_id, { id, im_user_id, username, nickname, avatar_url });
  }

  /** The person of an id as far as we know: undefined before we do, null for somebody who is no more. */
  known(id) {
    return this.#known.get(id)?.person;
  }

  /** The person of an id, however often we have to ask. Questions of one moment are one request. */
  get(id) {
    this.#asked.add(id);
    if (!this.#known.has(id) && !askable.test(id)) this.#learn(id, null);
    if (this.#known.has(id)) return Promise.resolve(this.known(id));
    return new Promise((resolve) => {
      this.#want(id).push(resolve);
      this.#ask(together);
    });
  }

  async name(id) {
    return this.shown(await this.get(id));
  }

  shown(person) {
    if (person === undefined) return t("loading");
    if (person === null) return t("gone");
    const remark = this.remarks.get(person.im_user_id);
    if (remark !== undefined) return remark;
    return person.nickname.trim() === "" ? person.username : person.nickname;
  }

  /** Makes an element the face of somebody: a letter on a colour that stays theirs. */
  paint(element, id, person) {
    let sum = 0;
    for (const c of id) sum = (sum * 31 + c.codePointAt(0)) >>> 0;
    element.className = `face tone-${sum % tones}`;
    element.textContent = person ? [...this.shown(person).trim()][0].toUpperCase() : "·";
  }

  #want(id) {
    const waiting = this.#wanted.get(id) ?? [];
    this.#wanted.set(id, waiting);
    return waiting;
  }

  #learn(id, person) {
    const was = this.known(id);
    this.#known.set(id, { person, at: Date.now() });
    for (const resolve of this.#wanted.get(id) ?? []) resolve(person);
    this.#wanted.delete(id);
    if (was !== undefined && JSON.stringify(was) !== JSON.stringify(person)) this.changed();
  }

  #refresh() {
    if (document.hidden) return;
    for (const id of this.#asked) {
      const { at } = this.#known.get(id) ?? {};
      if (at !== undefined && Math.abs(Date.now() - at) >= freshFor && askable.test(id)) this.#want(id);
    }
    this.#ask(together);
  }

  #ask(pause) {
    if (this.#over || this.#fetching || this.#timer !== undefined || this.#wanted.size === 0) return;
    this.#timer = setTimeout(() => void this.#fetch(), pause);
  }

  async #fetch() {
    this.#timer = undefined;
    if (this.#wanted.size === 0) return; // somebody else has told us meanwhile
    this.#fetching = true;
    const ids = [...this.#wanted.keys()].slice(0, most);
    let pause = together;
    try {
      const { people } = await this.#bridge.request("GET", `/v1/people?im_user_ids=${ids.map(encodeURIComponent).join(",")}`);
      this.#failures = 0;
      for (const person of people) this.note(person);
      for (const id of ids) if (!people.some((person) => person.im_user_id === id)) this.#learn(id, null);
    } catch (problem) {
      // That there was no answer says nothing about anybody.
      pause = problem.retryAfter > 0 ? problem.retryAfter * 1000 : Math.min(firstPause * 2 ** this.#failures++, longestPause);
    }
    this.#fetching = false;
    this.#ask(pause);
  }
}
