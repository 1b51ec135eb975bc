// attention.js: what tells a viewer who looks elsewhere: the title of the page and notifications of the system.

const NOTIFY_KEY = "comfydeploy-webhook.notify";
// If more runs end at once, one notification names them all.
const MAX_NOTIFICATIONS = 3;
const NOTIFY_MS = 1000;
const MAX_REMEMBERED_ENDS = 10_000;

const isViewerHere = () => !document.hidden && document.hasFocus();

class Attention {
  #button;
  #openRun;
  #isOn = false;
  #processing = 0;
  // Of the runs that the address asks for.
  #newFailures = 0;
  // Ids of runs that ended, since an end can be seen twice; and those that are to be told.
  #seen = new Set();
  #ended = [];
  #notifiedAt = -Infinity;

  /** `openRun` is called with the id of a run whose notification was clicked. */
  constructor(button, openRun) {
    this.#button = button;
    this.#openRun = openRun;
    // Browsers allow notifications only over https and on localhost.
    button.hidden = !("Notification" in window) || !isSecureContext;
    const isAllowed = !button.hidden && Notification.permission === "granted";
    this.#isOn = isAllowed && this.#storage?.getItem(NOTIFY_KEY) === "on";
    button.addEventListener("click", () => this.#toggle());
    addEventListener("focus", () => this.#onReturn());
    document.addEventListener("visibilitychange", () => this.#onReturn());
    this.#showButton();
  }
  /** Takes a run that ended. One that ended before the page was opened is no news. */
  runEnded(run) {
    const isNews = Date.parse(run.ended_at ?? "") > pageOpenedAt() && !this.#seen.has(run.run_id);
    if (!isNews) return;
    if (this.#seen.size >= MAX_REMEMBERED_ENDS) this.#seen.clear();
    this.#seen.add(run.run_id);
    if (isViewerHere()) return;
    if (run.status === "failed") this.#newFailures += 1;
    if (this.#isOn) this.#ended.push(run);
  }
  /** Shows what has happened since the last call. `processing` is the number of runs at work. */
  update(processing) {
    this.#processing = processing;
    this.#showTitle();
    this.check();
  }
  /** To be called every second: that often notifications come at most. */
  check() {
    const now = performance.now();
    if (this.#ended.length === 0 || now - this.#notifiedAt < NOTIFY_MS) return;
    this.#notifiedAt = now;
    const ended = this.#ended.splice(0);
    if (ended.length > MAX_NOTIFICATIONS) {
      this.#notify(`${formatCount(ended.length)} runs ended`, summaryOf(ended), "");
    } else {
      for (const run of ended) this.#notify(`Run ${endOf(run)}`, activityOf(run, itemsOf(run)), run.run_id);
    }
  }
  #showTitle() {
    const parts = [
      this.#processing > 0 && `${this.#processing} at work`,
      this.#newFailures > 0 && `${this.#newFailures} failed`, "Runs",
    ];
    set(document, "title", parts.filter(Boolean).join(" · "));
  }
  #notify(title, body, id) {
    try {
      // Of several runs only the latest is kept.
      const options = { body: id ? `${body}\n${id}` : body, tag: id || "runs" };
      const notification = new Notification(title, options);
      notification.onclick = () => {
        focus();
        if (id) this.#openRun(id);
        notification.close();
      };
    } catch (error) {
      // Some phones allow them only to a service worker.
      console.warn("No notification:", error.message);
    }
  }
  async #toggle() {
    this.#isOn = !this.#isOn && await Notification.requestPermission() === "granted";
    this.#storage?.setItem(NOTIFY_KEY, this.#isOn ? "on" : "off");
    this.#showButton();
  }
  #showButton() {
    const isBlocked = !this.#button.hidden && Notification.permission === "denied";
    this.#button.setAttribute("aria-pressed", String(this.#isOn));
    this.#button.title = isBlocked ? "" : "Notify me when a run ends";
    if (isBlocked) this.#button.textContent = "Notifications are blocked by the browser";
  }
  #onReturn() {
    if (!isViewerHere()) return;
    this.#newFailures = 0;
    this.#showTitle();
  }
  /** Null where the browser keeps nothing for the page. */
  get #storage() {
    try {
      return localStorage;
    } catch {
      return null;
    }
  }
}

/** "9 completed, 3 failed" */
function summaryOf(runs) {
  const counts = new Map();
  for (const run of runs) counts.set(endOf(run), (counts.get(endOf(run)) ?? 0) + 1);
  return [...counts].map(([end, n]) => `${formatCount(n)} ${end}`).join(", ");
}
