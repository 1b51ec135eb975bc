// feed.js: keeps the store up to date: by the stream, or where none arrives, by polling.

const POLLED_RUNS = 100;
// Without an event for this long, something between holds the stream back.
const FIRST_EVENT_MS = 5000;
// The service sends a heartbeat every 15 s.
const SILENCE_MS = 45_000;
const POLL_MS = 3000;
const HIDDEN_POLL_MS = 15_000;
// After this time in a hidden tab the stream is closed: a browser opens only six connections to a server.
const HIDDEN_MS = 60_000;
const STREAM_RETRY_MS = 60_000;
const ASK_MS = 60_000;

const HELD_BACK =
  "Something between this page and the service holds the live stream back, as Cloudflare's quick tunnels do.";
const NO_STREAM = "The page got no live stream: too many pages may be open.";

class Feed {
  /** How many runs of each status the service has; null until it has said so. */
  counts = null;
  /** What the service said of itself when the connection was made last. */
  service = null;
  /** "wait", "live", "poll", "lost" or "paused"; `reason` says more of it. */
  state = "wait";
  reason = "";
  /** The id of the open run: polling asks for it, too, though it may be older than the runs of the list. */
  openId = "";
  #store;
  #query = {};
  #onUpdated;
  #updateSoon;
  /** @type {Stream | null} */
  #stream = null;
  #isPolling = false;
  #whyPolled = "";
  // What to do next when; by performance.now().
  #askAt = 0;
  #retryAt = Infinity;
  #pollAt = Infinity;
  #hiddenAt = document.hidden ? performance.now() : Infinity;
  // Each query is a new generation: what was asked for an earlier one is not used.
  #generation = 0;

  /** `onUpdated` is called after the store or what is known of the service has changed. */
  constructor(store, onUpdated) {
    this.#store = store;
    this.#onUpdated = onUpdated;
    this.#updateSoon = new OncePerFrame(onUpdated);
    document.addEventListener("visibilitychange", () => this.#onVisibility());
    // A page that the browser keeps for Back must not keep a connection.
    addEventListener("pagehide", () => this.#closeStream());
    addEventListener("pageshow", ({ persisted }) => {
      if (persisted) this.#restartStream();
    });
  }

  /** Begins anew, with the runs that the API gives for `query`. */
  start(query) {
    this.#query = query;
    this.#generation += 1;
    // Before the first run comes, its times need the clock of the service.
    if (!this.service) this.#askService();
    if (this.state === "live") this.#setState("wait");
    if (this.state !== "paused") this.#openStream();
    if (this.state === "poll" || this.state === "paused") this.#poll();
  }

  /** To be called every second. */
  check() {
    const now = performance.now(), stream = this.#stream;
    if (now - this.#hiddenAt >= HIDDEN_MS) this.#pause();
    else if (this.state === "live" && stream?.silence >= SILENCE_MS) {
      // A connection can be lost without an error, as while a machine sleeps.
      this.#setState("lost");
      this.#openStream();
    } else if (this.state !== "live" && stream?.silence >= FIRST_EVENT_MS) this.#endSilentStream();
    else if (!stream && now >= this.#retryAt) this.#openStream();
    if (now >= this.#pollAt) this.#poll();
    if (now >= this.#askAt) this.#askService();
  }

  #openStream() {
    this.#closeStream();
    this.#retryAt = Infinity;
    this.#stream = new Stream(this.#query, this.#store, {
      onSnapshot: () => {
        if (this.state === "live") this.#setState("wait");
      },
      onLive: () => this.#onLive(),
      onCounts: (counts) => this.counts = counts,
      onEvent: () => this.#updateSoon.request(),
      onError: () => this.#onStreamError(),
    });
  }
  #closeStream() {
    this.#stream?.close();
    this.#stream = null;
    this.#retryAt = performance.now() + STREAM_RETRY_MS;
  }
  #onLive() {
    if (this.state === "live") return;
    this.#pollAt = Infinity;
    this.#whyPolled = "";
    this.#askService();
    this.#setState("live");
  }
  #onStreamError() {
    if (this.state === "live") this.#setState("lost");
    // Otherwise the browser tries again by itself.
    if (!this.#stream.isClosed) return;
    this.#closeStream();
    this.#startPolling(NO_STREAM);
  }
  #endSilentStream() {
    const { isOpen } = this.#stream;
    if (isOpen) this.#closeStream();
    this.#startPolling(isOpen ? HELD_BACK : this.#whyPolled);
  }

  #startPolling(reason) {
    this.#whyPolled = reason;
    if (this.#pollAt === Infinity) this.#poll();
  }
  async #poll() {
    if (this.#isPolling) return;
    this.#isPolling = true;
    this.#pollAt = Infinity;
    const generation = this.#generation;
    try {
      const [service, list, open] = await Promise.all([
        fetchService(), fetchJson("api/runs", { ...this.#query, limit: POLLED_RUNS }), this.#fetchOpenRun(),
      ]);
      if (generation === this.#generation && !this.#stream?.isHeard) this.#takePolled(service, list, open);
    } catch (error) {
      if (!this.#stream?.isHeard) this.#setState("lost", error.message);
    } finally {
      this.#isPolling = false;
      const pause = generation !== this.#generation ? 0 : document.hidden ? HIDDEN_POLL_MS : POLL_MS;
      if (this.state !== "live") this.#pollAt = performance.now() + pause;
    }
  }
  /** The open run, if it may have changed; null if not, or if it is no longer kept. */
  async #fetchOpenRun() {
    const run = this.#store.get(this.openId);
    return run && !isTerminal(run) ? fetchJson(`api/runs/${run.run_id}`).catch(() => null) : null;
  }
  #takePolled(service, { runs, next_cursor }, open) {
    const snapshot = { hasKnownRun: false };
    if (open) this.#store.update(open);
    for (const run of runs) this.#store.update(run, snapshot);
    this.#store.complete(snapshot, next_cursor);
    this.counts = service.counts;
    this.service = service;
    // What made the stream fail, such as a proxy without its service, may be over.
    if (this.state === "lost" && !document.hidden) this.#retryAt = Math.min(this.#retryAt, performance.now());
    this.#setState(document.hidden ? "paused" : "poll", this.#whyPolled);
  }
  async #askService() {
    // Clocks drift, and that of the page may stand still while the machine sleeps.
    let pause = ASK_MS;
    this.#askAt = Infinity;
    try {
      this.service = await fetchService();
      this.#onUpdated();
    } catch {
      pause = POLL_MS;
    }
    this.#askAt = performance.now() + pause;
  }
  /** Loads the page of older runs that begins at the store's cursor. */
  async loadOlder() {
    const generation = this.#generation, cursor = this.#store.nextCursor;
    const page = await fetchJson("api/runs", { ...this.#query, limit: 500, cursor });
    // Meanwhile the store may end elsewhere.
    if (generation !== this.#generation || cursor !== this.#store.nextCursor) return;
    this.#store.addOlder(page.runs, page.next_cursor);
    this.#onUpdated();
  }

  #onVisibility() {
    this.#hiddenAt = document.hidden ? performance.now() : Infinity;
    if (document.hidden) return;
    if (this.state === "paused") this.#restartStream();
    else if (!this.#stream) this.#openStream();
  }
  #restartStream() {
    this.#pollAt = Infinity;
    this.#setState("wait");
    this.#openStream();
  }
  #pause() {
    this.#hiddenAt = Infinity;
    this.#closeStream();
    this.#retryAt = Infinity;
    this.#pollAt = performance.now();
    this.#setState("paused");
  }

  #setState(state, reason = "") {
    this.state = state;
    this.reason = reason;
    this.#onUpdated();
  }
}
