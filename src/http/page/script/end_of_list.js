// end_of_list.js: what stands below the last run, and the older runs that come when the viewer gets there.

// Older runs are loaded when the end of the list is this near to the window.
const OLDER_PX = 1000;
// The page loads no more runs than these.
const MAX_RUNS = 20_000;

class EndOfList {
  #store;
  #feed;
  #none = byId("none");
  #end = byId("end");
  #button = byId("older");
  #isLoading = false;
  // The cursor of the page that could not be loaded; a click tries it again.
  #failedCursor = null;

  constructor(store, feed) {
    this.#store = store;
    this.#feed = feed;
    this.#button.addEventListener("click", () => this.#load());
    addEventListener("scroll", () => this.#loadIfNear(), { passive: true });
  }
  /** `isEmpty` says that nothing is shown, and `isFirst` that the page waits for the first run. */
  update({ view, status, search }, { isEmpty, isFirst }) {
    const { isComplete, nextCursor, size } = this.#store;
    const noun = view === "gallery" ? "pictures" : "runs";
    set(this.#none, "hidden", !isEmpty || !isComplete || isFirst);
    set(this.#none, "textContent", `${["No", status, noun, search && `for ${search}`].filter(Boolean).join(" ")}.`);
    set(this.#end, "textContent", isComplete && !status && !search ? this.#endText() : "");
    set(this.#end, "hidden", this.#end.textContent === "");
    set(this.#button, "hidden", nextCursor === null || size >= MAX_RUNS);
    this.#loadIfNear();
  }
  #endText() {
    const { nextCursor, size } = this.#store, { service } = this.#feed;
    if (nextCursor !== null) {
      return size < MAX_RUNS ? "" : `These are the newest ${formatCount(size)} runs. Search to find older ones.`;
    }
    if (service?.runs_kept_in !== "memory") return "";
    return `The service has kept runs in memory since ${formatTime(service.started_at)}. Earlier runs are forgotten.`;
  }
  #loadIfNear() {
    const isNear = !this.#button.hidden && this.#button.getBoundingClientRect().top < innerHeight + OLDER_PX;
    if (isNear && this.#store.nextCursor !== this.#failedCursor) this.#load();
  }
  async #load() {
    if (this.#isLoading) return;
    const { nextCursor } = this.#store;
    this.#isLoading = true;
    this.#button.textContent = "Loading older runs…";
    try {
      await this.#feed.loadOlder();
      this.#failedCursor = null;
    } catch (error) {
      this.#failedCursor = nextCursor;
      this.#button.textContent = `Older runs could not be loaded: ${error.message} Try again`;
    }
    this.#isLoading = false;
    this.#loadIfNear();
  }
}
