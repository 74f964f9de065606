// A list on the page that follows a list of ours. A row that has not changed is left alone: it may
// be under somebody's finger, or have the focus.
export class Rows {
  #list;
  #make;
  #sign;
  #rows = new Map(); // key → { sign, row }

  /** make draws the row of an item; sign is what it shows, as a text. */
  constructor(list, make, sign) {
    this.#list = list;
    this.#make = make;
    this.#sign = sign;
  }

  show(items) {
    const focused = this.#list.contains(document.activeElement) ? document.activeElement : undefined;
    const place = focused && [...this.#list.children].findIndex((row) => row.contains(focused));
    const kept = new Map();
    let at = this.#list.firstElementChild;
    for (const item of items) {
      const sign = this.#sign(item);
      let entry = this.#rows.get(item.id);
      if (entry === undefined || entry.sign !== sign) {
        const row = this.#make(item);
        if (entry !== undefined) {
          if (entry.row === at) at = row;
          entry.row.replaceWith(row);
        }
        entry = { sign, row };
      }
      kept.set(item.id, entry);
      if (entry.row === at) at = at.nextElementSibling;
      else this.#list.insertBefore(entry.row, at);
    }
    const wanted = new Set([...kept.values()].map((entry) => entry.row));
    for (const row of [...this.#list.children]) if (!wanted.has(row)) row.remove();
    this.#rows = kept;
    if (focused && !focused.isConnected) this.#list.children[Math.min(place, items.length - 1)]?.querySelector("button")?.focus();
  }
}
