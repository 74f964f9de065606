// One of imbridge's lists, a page at a time.

const size = 50;
const few = 2; // pages that are read one by one

export class Pages {
  #bridge;
  #path;
  #key;
  #wholePath;
  #pages = 0;
  #cursor = null;
  #rest = []; // behind what is shown, where all of it was read at once
  #turn = Promise.resolve();
  /** What was read and asked for so far, in the server's order. */
  items = [];
  /** Whether it was read at all. */
  known = false;

  /** path is the list's, key the field of its answers; wholePath, where there is one, answers all of it at once. */
  constructor(bridge, path, key, wholePath = "") {
    this.#bridge = bridge;
    this.#path = path;
    this.#key = key;
    this.#wholePath = wholePath;
  }

  /** Whether the list goes on behind what was read. */
  get more() {
    return this.#cursor !== null || this.#rest.length > 0;
  }

  /** Whether reading it anew, page by page, would be more than a few questions. */
  get long() {
    return this.items.length > few * size;
  }

  /** Reads anew as far as it was read. */
  refresh() {
    return this.#inTurn(async () => {
      const items = [];
      let cursor = null;
      let pages = 0;
      do {
        cursor = await this.#read(cursor, items);
        pages++;
      } while (cursor !== null && pages < this.#pages);
      this.#take(items, cursor, pages);
    });
  }

  /** Reads one page more. */
  next() {
    return this.#inTurn(async () => {
      if (this.known && !this.more) return;
      const items = [...this.items];
      if (this.#rest.length > 0) {
        items.push(...this.#rest.slice(0, size));
        return this.#take(items, null, this.#pages + 1, this.#rest.slice(size));
      }
      const cursor = await this.#read(this.#cursor, items);
      this.#take(items, cursor, this.#pages + 1);
    });
  }

  /** Reads all of it, which only short lists are for. */
  whole() {
    this.#pages = Infinity;
    return this.refresh();
  }

  /** Reads all of it by one question, and shows as much as before. Resolves with all. */
  all() {
    return this.#inTurn(async () => {
      const { [this.#key]: all } = await this.#bridge.request("GET", this.#wholePath);
      const pages = Math.max(this.#pages, 1);
      this.#take(all.slice(0, pages * size), null, pages, all.slice(pages * size));
      return all;
    });
  }

  #take(items, cursor, pages, rest = []) {
    this.items = items;
    this.#cursor = cursor;
    this.#rest = rest;
    if (this.#pages !== Infinity) this.#pages = pages;
    this.known = true;
  }

  async #read(cursor, items) {
    const from = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const answer = await this.#bridge.request("GET", `${this.#path}limit=${size}${from}`);
    items.push(...answer[this.#key]);
    return answer.next_cursor;
  }

  /** Two readings at once could leave what the slower one saw. */
  #inTurn(work) {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }
}
