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
  // Whether the last page could not be loaded: from then on only a click loads more.
  #hasFailed = false;
  #route;

  constructor(store, feed) {
    this.#store = store;
    this.#feed = feed;
    this.#button.addEventListener("click", () => this.#load());
    addEventListener("scroll", () => this.#loadIfNear(), { passive: true });
  }
  /**
   * `isEmpty` says that nothing is shown, `isFirst` that the page waits for the first run, and `hasMore` that the
   * gallery does not show all pictures that the page has.
   */
  update(route, { isEmpty, isFirst, hasMore }) {
    const { view, status, search } = route;
    if (route !== this.#route) this.#setFailed("");
    this.#route = route;
    const { isComplete, nextCursor, size } = this.#store;
    const noun = view === "gallery" ? "pictures" : "runs";
    set(this.#none, "hidden", !isEmpty || !isComplete || isFirst);
    set(this.#none, "textContent", `${["No", status, noun, search && `for ${search}`].filter(Boolean).join(" ")}.`);
    set(this.#end, "textContent", isComplete && !status && !search ? this.#endText() : "");
    set(this.#end, "hidden", this.#end.textContent === "");
    set(this.#button, "hidden", nextCursor === null || size >= MAX_RUNS || hasMore);
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
    // Where few runs have a picture, the gallery would load all runs.
    if (this.#button.hidden || this.#hasFailed || this.#route.view === "gallery") return;
    if (this.#button.getBoundingClientRect().top < innerHeight + OLDER_PX) this.#load();
  }
  async #load() {
    if (this.#isLoading) return;
    this.#isLoading = true;
    try {
      await this.#feed.loadOlder();
      this.#setFailed("");
    } catch (error) {
      this.#setFailed(error.message);
    }
    this.#isLoading = false;
    this.#loadIfNear();
  }
  #setFailed(reason) {
    this.#hasFailed = reason !== "";
    const text = reason ? `Older runs could not be loaded: ${reason} Try again.` : "Load older runs";
    set(this.#button, "textContent", text);
  }
}
