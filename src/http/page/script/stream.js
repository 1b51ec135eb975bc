// stream.js: keeps the list up to date from the stream of events, and says whether it is connected.

const RETRY_MS = 3000;
const REFILL_MS = 5000;
// The service sends a heartbeat every 15 s.
const SILENCE_MS = 45_000;
// Of each frame, so that scrolling stays smooth.
const UPDATE_MS = 10;

class RunStream {
  /** How many runs of each status the service has; null until it has said so. */
  counts = null;
  #list;
  #onUpdated;
  #source;
  #retryTimer;
  #openedAt = 0;
  #heardAt = 0;
  // The latest state of each run that changed since the last frame; null for a run that was removed.
  #pending = new Map();
  #frame = 0;
  #frameTimer;
  // A snapshot sends all runs in one round. A run that it did not send is gone.
  #round = 0;
  #isSnapshotEnding = false;

  /** `onUpdated` is called after the list or the counts have changed. */
  constructor(list, onUpdated) {
    this.#list = list;
    this.#onUpdated = onUpdated;
  }

  /** Opens the stream of the runs that the list's filter allows. It starts with a snapshot. */
  open() {
    clearTimeout(this.#retryTimer);
    this.#source?.close();
    this.#pending.clear();
    this.#isSnapshotEnding = false;
    this.#list.hasRoom = false;
    const source = new EventSource(serviceUrl("api/events", { limit: MAX_ROWS, status: this.#list.filter }));
    this.#source = source;
    this.#openedAt = this.#heardAt = performance.now();
    source.onopen = () => this.#setState("live", "Live");
    source.onerror = () => this.#onError();
    source.onmessage = ({ data }) => {
      const run = JSON.parse(data);
      this.#enqueue(run.run_id, run);
    };
    const handlers = {
      removed: (data) => this.#enqueue(JSON.parse(data).run_id, null),
      counts: (data) => {
        this.counts = JSON.parse(data);
        this.#schedule();
      },
      snapshot: () => {
        this.#round += 1;
        this.#isSnapshotEnding = false;
      },
      live: () => {
        this.#isSnapshotEnding = true;
        this.#schedule();
      },
    };
    for (const [name, handle] of Object.entries(handlers)) {
      source.addEventListener(name, ({ data }) => handle(data));
    }
    for (const name of ["message", "heartbeat", ...Object.keys(handlers)]) {
      source.addEventListener(name, () => this.#heardAt = performance.now());
    }
  }

  /** To be called every second. */
  check() {
    const now = performance.now();
    if (now - this.#heardAt >= SILENCE_MS) {
      // A connection can be lost without an error, as while a machine sleeps.
      this.#setState("lost", "Disconnected, reconnecting");
      this.open();
    } else if (this.#needsRefill() && now - this.#openedAt >= REFILL_MS) {
      this.open();
    }
  }

  /** Runs that left the filter make room for older ones, which only a new snapshot sends. */
  #needsRefill() {
    const { filter, hasRoom, isComplete, size } = this.#list;
    const expected = Math.min(this.counts?.[filter || "all"] ?? 0, MAX_ROWS);
    return hasRoom && isComplete && this.#pending.size === 0 && size < expected / 2;
  }

  #onError() {
    if (this.#source.readyState !== EventSource.CLOSED) {
      this.#setState("lost", "Disconnected, reconnecting");
      return;
    }
    // After a response that is no stream, the browser does not try again.
    this.#setState("lost", "Disconnected, trying again soon");
    this.#retryTimer = setTimeout(() => this.open(), RETRY_MS);
  }

  #setState(state, text) {
    set(byId("state").dataset, "state", state);
    set(byId("state"), "textContent", text);
  }

  #enqueue(id, run) {
    this.#pending.set(id, { run, round: this.#round });
    this.#schedule();
  }

  #schedule() {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => this.#flush());
    // A page in the background gets no frames, and would keep all changes in memory.
    this.#frameTimer = setTimeout(() => this.#flush(), 1000);
  }

  #flush() {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#frameTimer);
    this.#frame = 0;
    const end = performance.now() + UPDATE_MS;
    for (const [id, { run, round }] of this.#pending) {
      this.#pending.delete(id);
      try {
        if (run) this.#list.update(run, round);
        else this.#list.forget(id);
      } catch (error) {
        // One run must not keep the others from being shown.
        console.error(`run ${id}`, error);
      }
      if (performance.now() > end) break;
    }
    if (this.#pending.size > 0) this.#schedule();
    else if (this.#isSnapshotEnding) {
      this.#isSnapshotEnding = false;
      this.#list.complete(this.#round);
    }
    this.#list.trim();
    this.#onUpdated();
  }
}
