// run_store.js: the runs that the page knows, as the service sent them.

const MAX_LEFT = 1000;

/** Whether run `a` is shown above run `b`: the newest is first. */
function isBefore(a, b) {
  return a.first_seen_at > b.first_seen_at || (a.first_seen_at === b.first_seen_at && a.run_id > b.run_id);
}

const isTerminal = ({ status }) => ["completed", "failed", "cancelled"].includes(status);

/**
 * A snapshot that is being received: the newest runs of the service, up to a limit.
 * @typedef {{ hasKnownRun: boolean }} Snapshot
 */

/** The runs that the route shows: the newest, without a gap between them. */
class RunStore {
  // By id: the run, and the snapshot that sent it last.
  #entries = new Map();
  // All ids, the newest first. Sorted when they are asked for.
  #ids = [];
  #isSorted = true;
  // Runs that left the route, as they were sent last: an open one is still shown.
  #left = new Map();
  // The oldest run, if the service has older ones.
  #oldest = null;
  #route;
  #onEnded;
  /** Whether a snapshot was received as a whole. */
  isComplete = false;
  /** Where the runs begin that are older than these; null if there are none. */
  nextCursor = null;

  /** `onEnded` gets each run that is seen to end. It may get one twice. */
  constructor(route, onEnded) {
    this.#route = route;
    this.#onEnded = onEnded;
  }
  get size() {
    return this.#entries.size;
  }
  get(id) {
    return this.#entries.get(id)?.run;
  }
  /** A run as it was sent last, though it may not match the route any more. */
  latest(id) {
    return this.get(id) ?? this.#left.get(id);
  }
  /** The ids of all runs, the newest first: the same array as before if no run came, went or moved. */
  newestFirst() {
    if (!this.#isSorted) {
      const runs = Array.from(this.#entries.values(), ({ run }) => run).sort((a, b) => isBefore(a, b) ? -1 : 1);
      this.#ids = runs.map((run) => run.run_id);
      this.#isSorted = true;
    }
    return this.#ids;
  }
  /** Keeps only the runs of a route, until the next snapshot has sent all of them. */
  restrictTo(route) {
    this.#route = route;
    this.isComplete = false;
    this.nextCursor = this.#oldest = null;
    this.#left.clear();
    this.#removeWhere(({ run }) => !isInRoute(run, route));
  }
  /**
   * Takes a run as it is now.
   * @param {Snapshot} [snapshot] the one that sent it
   */
  update(run, snapshot) {
    const before = this.get(run.run_id);
    const isNews = before ? !isTerminal(before) : this.isComplete;
    if (isNews && isTerminal(run)) this.#onEnded(run);
    if (!isInRoute(run, this.#route)) return this.#leave(run);
    // A page of older runs will bring it.
    if (!before && !snapshot && this.#oldest && isBefore(this.#oldest, run)) return;
    if (before && snapshot) snapshot.hasKnownRun = true;
    this.#entries.set(run.run_id, { run, snapshot });
    this.#isSorted &&= before?.first_seen_at === run.first_seen_at;
  }
  #leave(run) {
    if (this.#left.size >= MAX_LEFT) this.#left.clear();
    if (this.get(run.run_id)) this.#left.set(run.run_id, run);
    this.remove(run.run_id);
  }
  remove(id) {
    if (this.#entries.delete(id)) this.#isSorted = false;
  }
  /** Ends a snapshot. What it did not send is gone, or older than it. */
  complete(snapshot, nextCursor) {
    const isSent = (entry) => entry.snapshot === snapshot;
    const sent = Array.from(this.#entries.values()).filter(isSent);
    const oldestSent = sent.map(({ run }) => run).reduce((a, b) => a && isBefore(a, b) ? b : a ?? b, null);
    // Otherwise there may be runs between these and the older ones.
    const keepsOlder = this.isComplete && nextCursor !== null && snapshot.hasKnownRun && oldestSent !== null;
    this.#removeWhere((entry) => !isSent(entry) && !(keepsOlder && isBefore(oldestSent, entry.run)));
    const reachesFurther = this.#oldest && oldestSent && isBefore(this.#oldest, oldestSent);
    if (!keepsOlder || reachesFurther) this.#endAt(nextCursor);
    this.isComplete = true;
  }
  /** Adds a page of older runs. What is known already may be newer than the page. */
  addOlder(runs, nextCursor) {
    for (const run of runs) {
      if (!this.#entries.has(run.run_id) && isInRoute(run, this.#route)) this.#entries.set(run.run_id, { run });
    }
    this.#isSorted = false;
    this.#endAt(nextCursor);
  }
  #endAt(nextCursor) {
    this.nextCursor = nextCursor;
    this.#oldest = nextCursor === null ? null : this.get(this.newestFirst().at(-1)) ?? null;
  }
  #removeWhere(isUnwanted) {
    for (const [id, entry] of this.#entries) {
      if (isUnwanted(entry)) this.remove(id);
    }
  }
}
