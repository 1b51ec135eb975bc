// feed.js: keeps the store up to date: from the stream of events, or where none arrives, by asking again and again.

const SNAPSHOT_RUNS = 3000;
const POLLED_RUNS = 200;
// Without an event for this long, something between holds the stream back.
const FIRST_EVENT_MS = 5000;
// The service sends a heartbeat every 15 s.
const SILENCE_MS = 45_000;
const POLL_MS = 3000;
const HIDDEN_POLL_MS = 15_000;
// After this time in a hidden tab the stream ends: a browser opens only six connections to a server.
const HIDDEN_MS = 60_000;
const STREAM_RETRY_MS = 60_000;
// A hidden page gets no frames.
const HIDDEN_REDRAW_MS = 1000;

const HELD_BACK = "Something between this page and the service holds the live stream back, as Cloudflare's quick tunnels do.";
const NO_STREAM = "The service gave this page no live stream: too many may be open.";

class Feed {
  /** How many runs of each status the service has; null until it has said so. */
  counts = null;
  /** What the service said of itself when the connection was made last. */
  service = null;
  /** `state` is "wait", "live", "poll", "lost" or "paused"; `reason` says more of it. */
  state = "wait";
  reason = "";
  #store;
  #query = {};
  #onUpdated;
  #source = null;
  // Whether the stream has sent something. What it sends is newer than a list that was asked for before.
  #isHeard = false;
  // Whether this stream has sent a whole snapshot: a browser that loses it goes on where it broke off.
  #wasLive = false;
  #isPolling = false;
  #whyPolled = "";
  // When something arrived last, and what to do next when; by performance.now().
  #heardAt = 0;
  #retryAt = Infinity;
  #pollAt = Infinity;
  #hiddenAt = document.hidden ? performance.now() : Infinity;
  // Each query is a new generation: what was asked for an earlier one is not used.
  #generation = 0;
  // The one that is arriving; null while changes arrive.
  #snapshot = null;
  #frame = 0;
  #frameTimer;

  /** `onUpdated` is called after the store or what is known of the service has changed. */
  constructor(store, onUpdated) {
    this.#store = store;
    this.#onUpdated = onUpdated;
    document.addEventListener("visibilitychange", () => this.#onVisibility());
  }

  /** Begins anew, with the runs that the API gives for `query`. */
  start(query) {
    this.#query = query;
    this.#generation += 1;
    if (this.state === "live") this.#setState("wait");
    if (this.state !== "paused") this.#openStream();
    if (this.state === "poll" || this.state === "paused") this.#poll();
  }

  /** To be called every second. */
  check() {
    const now = performance.now();
    const silence = now - this.#heardAt;
    if (now - this.#hiddenAt >= HIDDEN_MS) this.#pause();
    else if (this.state === "live" && silence >= SILENCE_MS) {
      // A connection can be lost without an error, as while a machine sleeps.
      this.#setState("lost");
      this.#openStream();
    } else if (this.state !== "live" && this.#source && silence >= FIRST_EVENT_MS) {
      this.#endSilentStream();
    } else if (!this.#source && now >= this.#retryAt) this.#openStream();
    if (now >= this.#pollAt) this.#poll();
  }

  #openStream() {
    this.#closeStream();
    const source = new EventSource(serviceUrl("api/events", { ...this.#query, limit: SNAPSHOT_RUNS }));
    this.#source = source;
    this.#wasLive = false;
    this.#heardAt = performance.now();
    this.#retryAt = Infinity;
    source.onerror = () => this.#onStreamError();
    const handlers = {
      message: (run) => this.#store.update(run, this.#snapshot),
      removed: ({ run_id }) => this.#store.remove(run_id),
      counts: (counts) => this.counts = counts,
      heartbeat: () => {},
      snapshot: ({ reason }) => {
        this.#snapshot = { hasKnownRun: false };
        if (this.state === "live" && reason !== "behind") this.#setState("wait");
      },
      live: ({ next_cursor }) => this.#onLive(next_cursor),
    };
    for (const [name, handle] of Object.entries(handlers)) {
      source.addEventListener(name, ({ data }) => {
        handle(JSON.parse(data));
        this.#onEvent();
      });
    }
  }
  #onEvent() {
    this.#heardAt = performance.now();
    this.#isHeard = true;
    // A stream that goes on where it broke off sends no `live`.
    if (this.#wasLive && !this.#snapshot && this.state !== "live") this.#becomeLive();
    this.#redrawSoon();
  }
  #closeStream() {
    this.#source?.close();
    this.#source = this.#snapshot = null;
    this.#isHeard = false;
    this.#retryAt = performance.now() + STREAM_RETRY_MS;
  }
  /** All runs of the snapshot have arrived. */
  #onLive(nextCursor) {
    this.#store.complete(this.#snapshot, nextCursor);
    this.#snapshot = null;
    this.#becomeLive();
  }
  #becomeLive() {
    this.#wasLive = true;
    this.#pollAt = Infinity;
    this.#setState("live");
    this.#askService();
  }
  #onStreamError() {
    this.#snapshot = null;
    this.#isHeard = false;
    if (this.state === "live") this.#setState("lost");
    // Otherwise the browser tries again by itself.
    if (this.#source.readyState !== EventSource.CLOSED) return;
    this.#closeStream();
    this.#startPolling(NO_STREAM);
  }
  #endSilentStream() {
    const isOpen = this.#source.readyState === EventSource.OPEN;
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
      const [service, list] = await Promise.all([
        fetchService(), fetchJson("api/runs", { ...this.#query, limit: POLLED_RUNS }),
      ]);
      if (generation === this.#generation && !this.#isHeard) this.#takePolled(service, list);
    } catch (error) {
      this.#onPollError(error);
    } finally {
      this.#isPolling = false;
      const pause = generation !== this.#generation ? 0 : document.hidden ? HIDDEN_POLL_MS : POLL_MS;
      if (this.state !== "live") this.#pollAt = performance.now() + pause;
    }
  }
  #takePolled(service, { runs, next_cursor }) {
    const snapshot = { hasKnownRun: false };
    for (const run of runs) this.#store.update(run, snapshot);
    this.#store.complete(snapshot, next_cursor);
    this.counts = service.counts;
    this.service = service;
    this.reason = this.#whyPolled;
    // A proxy may have said that the service is not there, which it is now.
    if (this.state === "lost") this.#retryAt = Math.min(this.#retryAt, performance.now());
    this.#setState(document.hidden ? "paused" : "poll");
  }
  #onPollError(error) {
    if (this.#isHeard) return;
    this.reason = error instanceof RequestError ? error.message : "";
    this.#setState("lost");
  }
  async #askService() {
    try {
      this.service = await fetchService();
      this.#onUpdated();
    } catch (error) {
      console.warn("The service did not say what it is:", error.message);
    }
  }
  /** The page of older runs that begins at the store's cursor. */
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
    if (this.state === "paused") {
      this.#pollAt = Infinity;
      this.#setState("wait");
    }
    if (!this.#source) this.#openStream();
  }
  #pause() {
    this.#hiddenAt = Infinity;
    this.#closeStream();
    this.#retryAt = Infinity;
    this.#pollAt = performance.now();
    this.#setState("paused");
  }

  #setState(state) {
    if (state === "live") this.reason = this.#whyPolled = "";
    this.state = state;
    this.#onUpdated();
  }
  /** Once for all events of a frame. */
  #redrawSoon() {
    if (this.#frame) return;
    const redraw = () => {
      cancelAnimationFrame(this.#frame);
      clearTimeout(this.#frameTimer);
      this.#frame = 0;
      this.#onUpdated();
    };
    this.#frame = requestAnimationFrame(redraw);
    this.#frameTimer = setTimeout(redraw, HIDDEN_REDRAW_MS);
  }
}
