// list.js: the list of runs. Only the rows near the window are in the document.

// Rows this far from the window are in the document, too, so that scrolling shows no gap.
const MARGIN_PX = 3000;
// If more runs come at once, none is animated: nobody could read them.
const MAX_ARRIVALS = 3;
// Until the first row was measured.
const ROW_PX = 92;

class RunList {
  #element;
  #store;
  #actions;
  #hold;
  // The ids that are shown, from top to bottom, and their runs. While the list is held, runs that left the store stay.
  #ids = [];
  #runs = new Map();
  // The rows in the document.
  #rows = new Map();
  // Whether a whole snapshot is shown. Until then nothing is held: the runs are still coming.
  #isWhole = false;
  // New runs, which are animated when they appear.
  #arrivals = new Set();
  #openId = "";
  #rowHeight = ROW_PX;
  #panelHeight = 0;
  // The open row, once its height is followed.
  #preparedRow = null;
  #resize = new ResizeObserver(() => this.draw());
  #drawSoon = new OncePerFrame(() => this.draw());

  /** `actions` are those of the rows; `onRelease` is called when the list may move again. */
  constructor(element, store, { actions, onRelease }) {
    this.#element = element;
    this.#store = store;
    this.#actions = actions;
    this.#hold = new Hold(element, onRelease);
    addEventListener("scroll", () => this.#drawSoon.request(), { passive: true });
    addEventListener("resize", () => this.#drawSoon.request());
  }
  get size() {
    return this.#ids.length;
  }
  has(id) {
    return this.#runs.has(id);
  }
  /** A run that is shown, though the store may not have it any more. */
  get(id) {
    return this.#runs.get(id);
  }
  /** Whether nothing in the list may move. */
  get isHeld() {
    return this.#isWhole && this.size > 0 && (this.has(this.#openId) || this.#hold.isHeld);
  }
  /** How many runs wait until the list may move. */
  get newCount() {
    const ids = this.#store.newestFirst();
    return ids === this.#ids ? 0 : ids.filter((id) => !this.has(id)).length;
  }

  /** Shows the runs as the store has them. While the list is held, it only appends older runs. */
  update({ force = false } = {}) {
    const ids = this.#store.newestFirst();
    if (ids !== this.#ids) {
      if (this.isHeld && !force) this.#appendOlder(ids);
      else {
        const arrivals = this.#isWhole ? ids.filter((id) => !this.has(id)) : [];
        this.#arrivals = new Set(arrivals.length <= MAX_ARRIVALS ? arrivals : []);
        this.#setIds(ids);
      }
    }
    this.#isWhole = this.#store.isComplete;
    for (const id of this.#ids) {
      const run = this.#store.latest(id);
      this.#rows.get(id)?.setForgotten(!run && this.#store.isComplete);
      if (!run || run === this.#runs.get(id)) continue;
      this.#runs.set(id, run);
      this.#rows.get(id)?.update(run);
    }
    this.draw();
  }
  #setIds(ids) {
    this.#ids = ids;
    this.#runs = new Map(ids.map((id) => [id, this.#runs.get(id)]));
  }
  #appendOlder(ids) {
    const last = ids.findLastIndex((id) => this.has(id));
    // All that are shown may have left the store.
    if (last >= 0 && last < ids.length - 1) this.#setIds([...this.#ids, ...ids.slice(last + 1)]);
  }

  /**
   * Opens a run, now or as soon as the list has it, and closes the other; an empty id only closes. What was clicked
   * stays where it is; a run outside the window cannot have been.
   */
  open(id) {
    if (id === this.#openId) return;
    const clicked = this.#rows.get(id || this.#openId)?.element;
    const { top, bottom } = clicked?.getBoundingClientRect() ?? {};
    this.#rows.get(this.#openId)?.close();
    this.#resize.disconnect();
    this.#preparedRow = null;
    this.#openId = id;
    this.draw();
    if (clicked?.isConnected && bottom > 0 && top < innerHeight) scrollBy(0, clicked.getBoundingClientRect().top - top);
  }
  updateTimes(now) {
    for (const row of this.#rows.values()) row.updateTimes(now);
  }

  /** Puts the rows near the window into the document, each where it belongs. */
  draw() {
    if (this.#element.closest("[hidden]")) return;
    const open = this.#ids.indexOf(this.#openId);
    const indexes = this.#indexesNearWindow(open);
    this.#keepRows(indexes);
    const height = this.#rows.get(this.#ids[indexes[0]])?.height ?? this.#rowHeight;
    const isOther = Math.abs(height - this.#rowHeight) > 1;
    this.#rowHeight = height;
    const openHeight = this.#rows.get(this.#openId)?.element.getBoundingClientRect().height;
    this.#panelHeight = open < 0 ? 0 : openHeight - this.#rowHeight;
    for (const index of indexes) {
      const panels = open >= 0 && index > open ? this.#panelHeight : 0;
      this.#rows.get(this.#ids[index]).place(index * this.#rowHeight + panels, index + 1, this.size);
    }
    set(this.#element.style, "height", `${this.size * this.#rowHeight + this.#panelHeight}px`);
    // Then others are near the window.
    if (isOther) return this.draw();
    this.#arrivals.clear();
    this.#prepareOpenRow();
  }
  /** Follows the height of a run that was opened, and scrolls to it if it is outside the window. */
  #prepareOpenRow() {
    const row = this.#rows.get(this.#openId);
    if (!row || row === this.#preparedRow) return;
    this.#preparedRow = row;
    this.#resize.observe(row.element);
    const { top } = row.element.getBoundingClientRect();
    if (top < 0 || top > innerHeight) row.element.scrollIntoView();
  }
  /** The open row is always among them, since a video in it may be playing, and so is the one that has the focus. */
  #indexesNearWindow(open) {
    const top = -this.#element.getBoundingClientRect().top;
    const indexAt = (y) => {
      const endOfOpen = (open + 1) * this.#rowHeight;
      const isBelowOpen = open >= 0 && y > endOfOpen;
      const withoutPanel = isBelowOpen ? Math.max(endOfOpen, y - this.#panelHeight) : y;
      return Math.min(this.size, Math.max(0, Math.floor(withoutPanel / this.#rowHeight)));
    };
    const start = indexAt(top - MARGIN_PX), end = indexAt(top + innerHeight + MARGIN_PX) + 1;
    const indexes = Array.from({ length: Math.min(end, this.size) - start }, (_, n) => start + n);
    const focused = this.#ids.indexOf(document.activeElement?.closest(".run")?.dataset.run);
    const others = [open, focused].filter((index) => index >= 0 && (index < start || index >= end));
    return [...new Set([...indexes, ...others])].sort((a, b) => a - b);
  }
  #keepRows(indexes) {
    const ids = indexes.map((index) => this.#ids[index]);
    const wanted = new Set(ids);
    for (const [id, row] of this.#rows) {
      if (wanted.has(id)) continue;
      row.element.remove();
      this.#rows.delete(id);
    }
    let next = this.#element.firstElementChild;
    for (const id of ids) {
      const row = this.#rows.get(id) ?? this.#makeRow(id);
      if (id === this.#openId) row.open();
      if (row.element === next) next = next.nextElementSibling;
      else this.#element.insertBefore(row.element, next);
    }
  }
  #makeRow(id) {
    const row = new Row(this.#runs.get(id), this.#actions);
    row.element.classList.toggle("new", this.#arrivals.has(id));
    this.#rows.set(id, row);
    return row;
  }
}
