// list.js: the list of runs.

const MAX_ROWS = 2000;

/** Whether run `a` is shown above run `b`: the newest is first. */
function isBefore(a, b) {
  return a.first_seen_at > b.first_seen_at || (a.first_seen_at === b.first_seen_at && a.run_id > b.run_id);
}

/** The rows of the runs that have the status of the filter, at most `MAX_ROWS`. */
class RunList {
  #element;
  #rows = new Map();
  // The same rows from top to bottom.
  #order = [];
  #openIds = new Set();
  /** A status; empty for all runs. */
  filter;
  /** Whether all runs of the service were received, as far as they are shown. */
  isComplete = false;
  /** Whether runs left the filter, so that older ones fit in. */
  hasRoom = false;

  constructor(element, filter) {
    this.#element = element;
    this.filter = filter;
    element.addEventListener("contentvisibilityautostatechange", ({ target, skipped }) => {
      target.classList.toggle("in-view", !skipped);
    }, true);
  }
  get size() {
    return this.#order.length;
  }
  filterBy(status) {
    this.filter = status;
    this.isComplete = false;
    this.#removeWhere(({ run }) => !this.#matches(run));
  }
  /** Shows a run as it is now. `round` is that of the snapshot which sent it. */
  update(run, round) {
    let row = this.#rows.get(run.run_id);
    if (!this.#matches(run)) {
      if (row) this.#remove(row);
      this.hasRoom ||= Boolean(row);
      return;
    }
    if (row) {
      const isMoved = row.run.first_seen_at !== run.first_seen_at;
      if (isMoved) this.#order.splice(this.#order.indexOf(row), 1);
      row.update(run);
      if (isMoved) this.#insert(row);
    } else {
      if (this.size >= MAX_ROWS && isBefore(this.#order.at(-1).run, run)) return;
      row = this.#add(run);
    }
    row.round = round;
  }
  /** Removes a run that the service no longer keeps. */
  forget(id) {
    this.#openIds.delete(id);
    const row = this.#rows.get(id);
    if (row) this.#remove(row);
  }
  /** Ends a snapshot: what it did not send is gone. */
  complete(round) {
    this.isComplete = true;
    this.#removeWhere((row) => row.round !== round);
  }
  trim() {
    while (this.size > MAX_ROWS) this.#remove(this.#order.at(-1));
  }
  updateAges() {
    const now = Date.now();
    for (const row of this.#order) row.updateAge(now);
  }
  // A run that the filter excludes gets no row: it would count towards `MAX_ROWS`.
  #matches(run) {
    return this.filter === "" || run.status === this.filter;
  }
  #add(run) {
    const id = run.run_id;
    const onToggle = (isOpen) => this.#openIds[isOpen ? "add" : "delete"](id);
    const row = new Row(run, this.#openIds.has(id), onToggle);
    row.element.classList.toggle("new", this.isComplete);
    this.#rows.set(id, row);
    this.#insert(row);
    return row;
  }
  #insert(row) {
    let low = 0, high = this.size;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBefore(this.#order[middle].run, row.run)) low = middle + 1;
      else high = middle;
    }
    this.#order.splice(low, 0, row);
    this.#element.insertBefore(row.element, this.#order[low + 1]?.element ?? null);
  }
  #remove(row) {
    this.#rows.delete(row.run.run_id);
    this.#order.splice(this.#order.indexOf(row), 1);
    row.element.remove();
  }
  #removeWhere(isUnwanted) {
    for (const row of this.#order.filter(isUnwanted)) this.#remove(row);
  }
}
