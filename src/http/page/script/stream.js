// stream.js: one stream of events, from its snapshot on.

const SNAPSHOT_RUNS = 3000;

class Stream {
  // When it sent something last, or was opened; by performance.now().
  #heardAt = performance.now();
  /** Whether it has sent something. What it sends is newer than a list that was asked for before. */
  isHeard = false;
  #source;
  // The snapshot that is arriving; null while changes arrive.
  #snapshot = null;
  // Whether a whole snapshot has arrived. If the connection breaks after that, the browser resumes the stream.
  #wasLive = false;

  /**
   * `onSnapshot` is called when a connection begins with a snapshot, `onLive` when that is complete or the stream was
   * resumed, `onCounts` with how many runs there are of each status, `onEvent` after each event, and `onError` when the
   * connection broke.
   */
  constructor(query, store, { onSnapshot, onLive, onCounts, onEvent, onError }) {
    this.#source = new EventSource(serviceUrl("api/events", { ...query, limit: SNAPSHOT_RUNS }));
    const handlers = {
      message: (run) => store.update(run, this.#snapshot),
      removed: ({ run_id }) => store.remove(run_id),
      counts: onCounts,
      heartbeat: () => {},
      snapshot: ({ reason }) => {
        this.#snapshot = { hasKnownRun: false };
        if (reason !== "behind") onSnapshot();
      },
      live: ({ next_cursor }) => {
        store.complete(this.#snapshot, next_cursor);
        this.#snapshot = null;
        this.#wasLive = true;
      },
    };
    for (const [name, handle] of Object.entries(handlers)) {
      this.#source.addEventListener(name, ({ data }) => {
        handle(JSON.parse(data));
        this.#heardAt = performance.now();
        this.isHeard = true;
        // A resumed stream sends no `live`.
        if (this.#wasLive && !this.#snapshot) onLive();
        onEvent();
      });
    }
    this.#source.onerror = () => {
      this.#snapshot = null;
      this.isHeard = false;
      onError();
    };
  }
  /** Whether the service has begun to send it. */
  get isOpen() {
    return this.#source.readyState === EventSource.OPEN;
  }
  /** Whether the browser no longer tries to get it. */
  get isClosed() {
    return this.#source.readyState === EventSource.CLOSED;
  }
  /** How long it has sent nothing, in milliseconds. */
  get silence() {
    return performance.now() - this.#heardAt;
  }
  close() {
    this.#source.close();
  }
}
