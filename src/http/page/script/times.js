// times.js: times, durations and counts as text. It uses nothing of the browser, so tests run it without one.

const timeFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const formatTime = (timestamp) => timeFormat.format(new Date(timestamp));

const formatCount = (n) => n.toLocaleString("en");

/** "5 min ago" */
function ago(millis) {
  const seconds = Math.max(0, Math.floor(millis / 1000));
  if (seconds < 3) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/** "0.8 s", "34 s", "2 min 5 s", "1 h 3 min", "2 d 4 h" */
function formatDuration(millis) {
  if (millis < 10_000) return `${Math.floor(millis / 100) / 10} s`;
  const seconds = Math.floor(millis / 1000);
  const units = [["d", 86_400], ["h", 3600], ["min", 60], ["s", 1]];
  const first = units.findIndex(([, size]) => seconds >= size);
  const [name, size] = units[first];
  const [nextName, nextSize] = units[first + 1] ?? ["", Infinity];
  const rest = Math.floor((seconds % size) / nextSize);
  return `${Math.floor(seconds / size)} ${name}${rest ? ` ${rest} ${nextName}` : ""}`;
}

/** The milliseconds between two times; null if one is unknown, or if they came in the wrong order. */
function between(start, end) {
  const millis = end - start;
  return start !== null && end !== null && millis >= 0 ? millis : null;
}

/**
 * How long a run was in the queue and how long it ran, in milliseconds; null where that is unknown. The service knows
 * when it received an update: if that of the start came after that of the end, it says nothing.
 * @param {Run} run
 * @param {number} now the service's clock
 */
function timesOf(run, now) {
  const [queuedAt, startedAt, endedAt] = [run.queued_at, run.started_at, run.ended_at].map((timestamp) => {
    const time = timestamp ? Date.parse(timestamp) : NaN;
    return Number.isNaN(time) ? null : time;
  });
  const isRunning = run.status === "processing" && startedAt !== null && endedAt === null;
  // The clocks of the service and of this page differ a little.
  if (isRunning) return { queued: between(queuedAt, startedAt), running: Math.max(0, now - startedAt), isRunning };
  if (run.status === "queued" && startedAt === null && queuedAt !== null) {
    return { queued: Math.max(0, now - queuedAt), running: null, isRunning };
  }
  const running = between(startedAt, endedAt);
  // Only a cancelled run can have ended without a start.
  const leftQueueAt = startedAt === null && run.status === "cancelled" ? endedAt : startedAt;
  const isLate = startedAt !== null && endedAt !== null && running === null;
  return { queued: isLate ? null : between(queuedAt, leftQueueAt), running, isRunning };
}

/** A time that counts, without the tenths of a second. */
const formatCounting = (millis) => formatDuration(Math.floor(millis / 1000) * 1000);

/** A time of `timesOf` as text; empty if it is unknown. */
function timeText(millis, isCounting) {
  if (millis === null) return "";
  return isCounting ? formatCounting(millis) : formatDuration(millis);
}

/** "running 34 s", "took 34 s", "queued 12 s" or nothing: for the row of a run. */
function timesText(run, now) {
  const { queued, running, isRunning } = timesOf(run, now);
  if (isRunning) return `running ${formatCounting(running)}`;
  if (running !== null) return `took ${formatDuration(running)}`;
  return run.status === "queued" && queued !== null ? `queued ${formatCounting(queued)}` : "";
}
