// row.js: draws one run of the list.

const MAX_THUMBNAILS = 4;

const STATUS_NAMES = {
  queued: "Queued", processing: "Processing", completed: "Completed", failed: "Failed", cancelled: "Cancelled",
};

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
  #show = (index) => lightbox.show(this.#items.filter(isVisual).map((item) => ({ item, label: "" })), index);
  #enlarge = (key) => this.#show(this.#items.filter(isVisual).findIndex((item) => item.key === key));
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
    this.#panel?.updateTimes(now);
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
    this.#panel = details.open ? new Panel(this.run, this.#items, { openPicture: this.#show }) : null;
    if (this.#panel) details.append(this.#panel.element);
  }
}
