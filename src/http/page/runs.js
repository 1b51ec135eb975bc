// runs.js: draws runs: the row of each, the panel of an open one, and the list of them.

const MAX_ROWS = 2000;
const MAX_THUMBNAILS = 4;
const MAX_JSON_CHARS = 200_000;

const STATUS_NAMES = {
  queued: "Queued", processing: "Processing", completed: "Completed", failed: "Failed", cancelled: "Cancelled",
};

const timeFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const formatTime = (timestamp) => timeFormat.format(new Date(timestamp));
const formatCount = (n) => n.toLocaleString("en");

/** What a run is doing, or what came of it. */
function activityOf(run, items) {
  if (run.status === "completed") return countByKind(items) || "No outputs";
  const addsDetail = run.platform_status && ![run.status, "running", "started"].includes(run.platform_status);
  return run.live_status || (addsDetail ? run.platform_status : "");
}

/** The progress in percent; null if the run is processing and has reported none. */
function percentOf(run) {
  if (run.status === "completed") return 100;
  if (typeof run.progress !== "number") return run.status === "processing" ? null : 0;
  // Rounding must not show 100 % too early.
  return run.progress < 100 ? Math.min(99, Math.round(run.progress)) : 100;
}

/** The details of an open run. */
class Panel {
  #run;
  #tiles = new Map();
  #others = new Map();
  #facts = make("span");
  #gallery = make("div", { className: "gallery" });
  #otherItems = make("div", { className: "others" });
  #json = make("pre", { tabIndex: 0 });
  #rawJson;
  #look;

  constructor(run, items, enlarge) {
    this.#look = tileLook(enlarge);
    const id = run.run_id, code = make("code", {}, id);
    const name = make("span", {}, code, makeCopyButton(() => id, code, "Copy the run id"));
    this.#rawJson = make("details", { className: "raw", ontoggle: () => this.#updateJson() },
      make("summary", {}, "Raw JSON"),
      make("p", {}, makeLink(serviceUrl(`api/runs/${id}`), "Open in a new tab")), this.#json);
    this.element = make("div", { className: "panel" },
      make("p", { className: "facts" }, name, this.#facts), this.#gallery, this.#otherItems, this.#rawJson);
    this.update(run, items);
  }
  update(run, items) {
    this.#run = run;
    set(this.#facts, "textContent", [
      `first update ${formatTime(run.first_seen_at)}`, `last update ${formatTime(run.last_seen_at)}`,
      run.platform_status && `platform status ${run.platform_status}`,
      run.live_status && `live status ${run.live_status}`,
      run.outputs_incomplete && "some outputs were left out, since the run has too many",
      items.length === MAX_ITEMS && `only the first ${formatCount(MAX_ITEMS)} files and texts are shown`,
    ].filter(Boolean).join(" · "));
    const [visual, others] = [items.filter(isVisual), items.filter((item) => !isVisual(item))];
    reconcile(this.#gallery, this.#tiles, visual, (item) => new VisualItem(item, this.#look));
    reconcile(this.#otherItems, this.#others, others, (item) => new OtherItem(item));
    this.#updateJson();
  }
  #updateJson() {
    if (!this.#rawJson.open) return;
    const json = JSON.stringify(this.#run, null, 2);
    set(this.#json, "textContent", json.length > MAX_JSON_CHARS ? `${json.slice(0, MAX_JSON_CHARS)}…` : json);
  }
}

class Row {
  /** The round of the snapshot that sent the run last. */
  round = 0;
  #items = [];
  #outputs;
  #thumbnails = new Map();
  #moreCount = make("span", { className: "more-count" });
  #panel = null;
  #parts;
  // Of the items as they are at the click.
  #enlarge = (key) => lightbox.open(this.#items, key);
  #look = thumbnailLook(this.#enlarge);

  constructor(run, isOpen, onToggle) {
    this.element = byId("row").content.firstElementChild.cloneNode(true);
    const part = (selector) => this.element.querySelector(selector);
    this.#parts = {
      status: part(".status"), activity: part(".doing"), percent: part(".percent"), bar: part("progress"),
      strip: part(".strip"), time: part("time"), details: part("details"),
    };
    const id = part("code");
    id.textContent = run.run_id.slice(0, 8);
    id.title = run.run_id;
    this.element.dataset.run = run.run_id;
    const { details } = this.#parts;
    details.addEventListener("toggle", () => {
      onToggle(details.open);
      this.#updatePanel();
    });
    this.update(run);
    details.open = isOpen;
  }
  update(run) {
    const parts = this.#parts, outputs = JSON.stringify(run.outputs);
    const hasNewOutputs = this.#outputs !== outputs;
    this.run = run;
    this.#outputs = outputs;
    if (hasNewOutputs) this.#items = itemsOf(run);
    set(this.element.dataset, "status", run.status ?? "");
    set(parts.status, "textContent", STATUS_NAMES[run.status] ?? "No status");
    set(parts.activity, "textContent", activityOf(run, this.#items));
    set(parts.activity, "title", parts.activity.textContent);
    this.#updateProgress(percentOf(run));
    if (hasNewOutputs) this.#updateThumbnails();
    set(parts.time, "dateTime", run.last_seen_at);
    set(parts.time, "title", formatTime(run.last_seen_at));
    this.updateAge(Date.now());
    this.#panel?.update(run, this.#items);
  }
  updateAge(now) {
    set(this.#parts.time, "textContent", ago(now - Date.parse(this.run.last_seen_at)));
  }
  #updateProgress(percent) {
    const { percent: label, bar } = this.#parts;
    set(label, "textContent", percent === null ? "" : `${percent}%`);
    if (percent === null) bar.removeAttribute("value");
    else if (!bar.hasAttribute("value") || bar.value !== percent) bar.value = percent;
  }
  #updateThumbnails() {
    const { strip } = this.#parts;
    const visual = this.#items.filter(isVisual).slice(0, MAX_THUMBNAILS);
    reconcile(strip, this.#thumbnails, visual, (item) => new VisualItem(item, this.#look));
    const more = this.#items.length - visual.length;
    if (more && visual.length) {
      set(this.#moreCount, "textContent", `+${more}`);
      strip.append(this.#moreCount);
    } else this.#moreCount.remove();
  }
  /** The outputs exist only while the run is open. */
  #updatePanel() {
    const { details } = this.#parts;
    if (details.open === Boolean(this.#panel)) return;
    this.#panel?.element.remove();
    this.#panel = details.open ? new Panel(this.run, this.#items, this.#enlarge) : null;
    if (this.#panel) details.append(this.#panel.element);
  }
}

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
