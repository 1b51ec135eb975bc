// row.js: draws one run: its row, and the panel below it while it is open.

const MAX_THUMBNAILS = 4;

const STATUS_NAMES = {
  queued: "Queued", processing: "Processing", completed: "Completed", failed: "Failed", cancelled: "Cancelled",
};

/** "completed", "failed", "cancelled" or "timed out" */
const endOf = (run) => run.platform_status === "timeout" ? "timed out" : run.status;

/** What a run is doing, or what came of it. */
function activityOf(run, items) {
  if (run.status === "completed") return countByKind(items) || "No outputs";
  if (isTerminal(run)) {
    const failure = failureOf(run);
    if (failure) return failureSummary(failure);
    const place = (run.live_status ?? "").replace(/^Executing /, "");
    return place ? `${endOf(run)} at ${place}` : endOf(run);
  }
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

/**
 * What is done when a row is clicked.
 * @typedef {object} RowActions
 * @property {(run: Run) => void} toggle opens the run, or closes it
 * @property {(run: Run) => void} open
 * @property {() => void} close
 * @property {(run: Run, n: number) => void} showPicture
 */

class Row {
  #run;
  #isForgotten = false;
  #items = [];
  #thumbnails = new Map();
  #moreCount = make("span", { className: "more-count" });
  #panel = null;
  #parts;
  #actions;
  #look;

  /** @param {RowActions} actions */
  constructor(run, actions) {
    this.#actions = actions;
    this.#look = thumbnailLook((key) => this.#showPicture(key));
    this.element = byId("row").content.firstElementChild.cloneNode(true);
    const part = (selector) => this.element.querySelector(selector);
    this.#parts = {
      summary: part(".summary"), status: part(".status"), activity: part(".doing"), percent: part(".percent"),
      bar: part("progress"), link: part("a"), labels: part(".labels"), strip: part(".strip"), seen: part("time"),
      took: part(".took"),
    };
    const { link, bar } = this.#parts;
    link.textContent = run.run_id;
    link.href = `#run=${run.run_id}`;
    link.ariaExpanded = "false";
    link.addEventListener("click", (event) => {
      if (isModified(event)) return;
      event.preventDefault();
      actions.toggle(this.#run);
    });
    bar.ariaLabel = `Progress of ${run.run_id}`;
    this.element.dataset.run = run.run_id;
    this.update(run);
  }
  /** Without the panel. */
  get height() {
    return this.#parts.summary.getBoundingClientRect().height;
  }
  update(run) {
    this.#run = run;
    try {
      this.#draw(run);
    } catch (error) {
      // One run must not keep the others from being shown.
      console.error(`run ${run.run_id}`, error);
    }
  }
  #draw(run) {
    const parts = this.#parts;
    this.#items = itemsOf(run);
    set(this.element.dataset, "status", run.status ?? "");
    const isTimeout = run.platform_status === "timeout";
    set(parts.status, "textContent", isTimeout ? "Timed out" : STATUS_NAMES[run.status] ?? "No status");
    set(parts.activity, "textContent", activityOf(run, this.#items));
    set(parts.activity, "title", parts.activity.textContent);
    this.#updateProgress(percentOf(run));
    showLabels(parts.labels, run.labels ?? {});
    this.#updateThumbnails();
    set(parts.seen, "dateTime", run.last_seen_at);
    set(parts.seen, "title", formatTime(run.last_seen_at));
    this.#panel?.update(run, this.#items);
    this.updateTimes(serverNow());
  }
  updateTimes(now) {
    set(this.#parts.seen, "textContent", ago(now - Date.parse(this.#run.last_seen_at)));
    set(this.#parts.took, "textContent", this.#isForgotten ? "no longer kept" : timesText(this.#run, now));
    this.#panel?.updateTimes(now);
  }
  /** Says whether the service no longer keeps the run. */
  setForgotten(isForgotten) {
    if (isForgotten === this.#isForgotten) return;
    this.#isForgotten = isForgotten;
    this.updateTimes(serverNow());
  }
  /** Moves the row to `top` pixels below the list's beginning. It is number `position` of `size`. */
  place(top, position, size) {
    set(this.element.style, "top", `${top}px`);
    set(this.element, "ariaPosInSet", String(position));
    set(this.element, "ariaSetSize", String(size));
  }
  open() {
    if (this.#panel) return;
    const openPicture = (index) => this.#actions.showPicture(this.#run, index + 1);
    this.#panel = new Panel(this.#run, this.#items, { openPicture });
    this.element.append(this.#panel.element);
    this.#setOpen(true);
  }
  close() {
    this.#panel?.element.remove();
    this.#panel = null;
    this.#setOpen(false);
  }
  #setOpen(isOpen) {
    this.element.classList.toggle("open", isOpen);
    this.#parts.link.ariaExpanded = String(isOpen);
  }
  #showPicture(key) {
    const index = this.#items.filter(isVisual).findIndex((item) => item.key === key);
    if (index >= 0) this.#actions.showPicture(this.#run, index + 1);
  }
  #updateProgress(percent) {
    const { percent: label, bar } = this.#parts;
    set(label, "textContent", percent === null ? "" : `${percent}%`);
    if (percent === null) bar.removeAttribute("value");
    else if (!bar.hasAttribute("value") || bar.value !== percent) bar.value = percent;
  }
  #updateThumbnails() {
    const { strip } = this.#parts;
    const visual = this.#items.filter(isVisual), first = visual.slice(0, MAX_THUMBNAILS);
    reconcile(strip, this.#thumbnails, first, (item) => new VisualItem(item, this.#look));
    const more = visual.length - first.length;
    set(this.#moreCount, "textContent", `+${more}`);
    if (more) strip.append(this.#moreCount);
    else this.#moreCount.remove();
  }
}
