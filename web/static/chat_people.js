// Who is who: conversations name people by their ids at the cloud only.
import { t } from "/static/texts.js";

const tones = 6;

export class Directory {
  #bridge;
  #known = new Map();
  #wanted = new Map(); // id → those who wait for it
  #timer;
  /** What the reader calls their friends, by id; it stands in for the name. */
  remarks = new Map();

  constructor(bridge) {
    this.#bridge = bridge;
  }

  async search(query) {
    const { people } = await this.#bridge.request("GET", `/v1/people?query=${encodeURIComponent(query)}`);
    for (const person of people) this.#known.set(person.im_user_id, person);
    return people;
  }

  /** The person of an id; null for somebody who is no more. Questions of one moment are one request. */
  get(id) {
    if (this.#known.has(id)) return Promise.resolve(this.#known.get(id));
    return new Promise((resolve) => {
      const waiting = this.#wanted.get(id) ?? [];
      waiting.push(resolve);
      this.#wanted.set(id, waiting);
      this.#timer ??= setTimeout(() => void this.#fetch(), 20);
    });
  }

  async name(id) {
    return this.shown(await this.get(id));
  }

  shown(person) {
    if (!person) return t("gone");
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

  async #fetch() {
    this.#timer = undefined;
    const ids = [...this.#wanted.keys()].slice(0, 20);
    const asked = ids.map((id) => [id, this.#wanted.get(id)]);
    for (const id of ids) this.#wanted.delete(id);
    let answered = false;
    try {
      const { people } = await this.#bridge.request("GET", `/v1/people?im_user_ids=${ids.map(encodeURIComponent).join(",")}`);
      for (const id of ids) this.#known.set(id, null);
      for (const person of people) this.#known.set(person.im_user_id, person);
      answered = true;
    } catch {
      // Asked again the next time that somebody looks.
    }
    for (const [id, waiting] of asked) for (const resolve of waiting) resolve(answered ? this.#known.get(id) : null);
    if (this.#wanted.size > 0) this.#timer = setTimeout(() => void this.#fetch(), 20);
  }
}
