// failure.js: finds ComfyUI's errors in the outputs of a run. It uses nothing of the browser.

/**
 * An error of ComfyUI. What it does not say is empty.
 * @typedef {object} Failure
 * @property {string} type "torch.OutOfMemoryError"
 * @property {string} node "KSampler"
 * @property {string} nodeId "3"
 * @property {string} message
 * @property {string} traceback
 */

const MAX_FAILURES = 10;
const MAX_MESSAGE_CHARS = 4000;
const MAX_TRACEBACK_CHARS = 20_000;
const MAX_NAME_CHARS = 200;

/** The beginning of a text that is too long. */
function shorten(text, maxChars) {
  if (text.length <= maxChars) return text;
  // Not between the two halves of a character.
  const isSplit = /[\uD800-\uDBFF]/.test(text[maxChars - 1]);
  return `${text.slice(0, isSplit ? maxChars - 1 : maxChars)}…`;
}

const isFilled = (value) => typeof value === "string" && value !== "";

/** A text or a number as a text. */
function shortText(value, maxChars = MAX_NAME_CHARS) {
  if (typeof value === "number") return String(value);
  return typeof value === "string" ? shorten(value, maxChars) : "";
}

/** A traceback is a text or a list of texts. */
function tracebackText(traceback) {
  if (!Array.isArray(traceback)) return shortText(traceback, MAX_TRACEBACK_CHARS);
  let text = "";
  for (const line of traceback.slice(0, 1000)) {
    if (typeof line === "string") text += line.slice(0, MAX_TRACEBACK_CHARS);
    if (text.length > MAX_TRACEBACK_CHARS) break;
  }
  return shorten(text, MAX_TRACEBACK_CHARS);
}

/**
 * The error that the `data` of an output is; null if it is none. What a node puts out is a list under each key, so a
 * text under one of these keys is no output of a node.
 * @returns {Failure | null}
 */
function failureIn(data) {
  if (!data || typeof data !== "object" || Array.isArray(data)) return null;
  if (isFilled(data.exception_message) || isFilled(data.exception_type)) {
    return {
      type: shortText(data.exception_type), node: shortText(data.node_type), nodeId: shortText(data.node_id),
      message: shortText(data.exception_message, MAX_MESSAGE_CHARS).trim(), traceback: tracebackText(data.traceback),
    };
  }
  const { error } = data;
  if (!error || typeof error !== "object" || !isFilled(error.message)) return null;
  return {
    type: shortText(error.type), node: "", nodeId: "",
    message: shortText(error.message, MAX_MESSAGE_CHARS).trim(), traceback: tracebackText(error.traceback),
  };
}

/**
 * All errors of a run.
 * @param {Run} run
 */
function failuresOf(run) {
  const failures = [];
  for (const { data } of run.outputs ?? []) {
    const failure = failureIn(data);
    if (failure) failures.push(failure);
    if (failures.length === MAX_FAILURES) break;
  }
  return failures;
}

/**
 * The first error of a run, of which others are mostly a consequence; null if there is none.
 * @param {Run} run
 */
const failureOf = (run) => failuresOf(run)[0] ?? null;

/** "KSampler: Allocation on device 0 would exceed allowed memory": one line. */
function failureSummary({ type, node, message }) {
  const [firstLine] = message.split("\n", 1);
  return shorten([node || type, firstLine.trim()].filter(Boolean).join(": "), MAX_NAME_CHARS);
}
