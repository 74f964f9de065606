// One of imbridge's lists, a page at a time.

const size = 50;

export class Pages {
  #bridge;
  #path;
  #key;
  #pages = 0;
  #cursor = null;
  #turn = Promise.resolve();
  /** What was read so far, in the server's order. */
  items = [];
  /** Whether it was read at all. */
  known = false;

  /** path is the list's, key the field of its answers. */
  constructor(bridge, path, key) {
    this.#bridge = bridge;
    this.#path = path;
    this.#key = key;
  }

  /** Whether the list goes on behind what was read. */
  get more() {
    return this.#cursor !== null;
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
      if (this.known && this.#cursor === null) return;
      const items = [...this.items];
      const cursor = await this.#read(this.#cursor, items);
      this.#take(items, cursor, this.#pages + 1);
    });
  }

  /** Reads all of it, which only short lists are for. */
  whole() {
    this.#pages = Infinity;
    return this.refresh();
  }

  #take(items, cursor, pages) {
    this.items = items;
    this.#cursor = cursor;
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
