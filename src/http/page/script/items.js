// items.js: turns a run into the items to show. It uses nothing of the browser, so tests run it without one.

/**
 * One picture, video, sound, text or file of a run.
 * @typedef {object} Item
 * @property {"image" | "video" | "audio" | "text" | "file"} kind
 * @property {string} key unique within the run; stays the same when the URL is signed again
 * @property {string} name
 * @property {string} [url] where it is loaded from; every kind but text has one
 * @property {string} [original] the URL that a link may open; empty for a data: URL
 * @property {string} [text]
 */

/**
 * A run, as the API and the stream send it.
 * @typedef {object} Run
 * @property {string} run_id
 * @property {string | null} [status]
 * @property {string | null} [platform_status]
 * @property {string | null} [live_status]
 * @property {number | null} [progress]
 * @property {{ data?: unknown, url?: unknown }[]} [outputs]
 * @property {string | null} [queued_at]
 * @property {string | null} [started_at]
 * @property {string | null} [ended_at]
 * @property {string} first_seen_at
 * @property {string} last_seen_at
 */

const MAX_ITEMS = 1000;
const MAX_DEPTH = 20;

/** @type {[Item["kind"], RegExp][]} */
const KIND_BY_EXTENSION = [
  ["image", /\.(png|jpe?g|webp|gif|avif|bmp|svg|apng|jfif)$/i],
  ["video", /\.(mp4|webm|mov|m4v|mkv|ogv)$/i],
  ["audio", /\.(mp3|wav|flac|ogg|oga|opus|m4a|aac)$/i],
];
/** Where no file name says more: the key of `data` under which ComfyUI lists the file. */
const KIND_BY_DATA_KEY = new Map(/** @type {[string, Item["kind"]][]} */ ([
  ["images", "image"], ["image", "image"], ["gifs", "image"],
  ["video", "video"], ["videos", "video"], ["audio", "audio"],
]));

/** The URL, if it is safe to show and to link: http, https or a picture as a data: URL. */
function safeUrl(text) {
  try {
    const url = new URL(text);
    const isPicture = url.protocol === "data:" && /^image\//i.test(url.pathname);
    return isPicture || url.protocol === "https:" || url.protocol === "http:" ? url : null;
  } catch {
    return null;
  }
}

/** The URL without its signature, which differs each time a file is signed. */
function withoutSignature(url) {
  if (url.protocol === "data:") return url.href;
  const unsigned = new URL(url);
  for (const name of [...unsigned.searchParams.keys()]) {
    if (/^(x-(amz|goog)-.*|expires|signature|policy|key-pair-id)$/i.test(name)) unsigned.searchParams.delete(name);
  }
  return unsigned.href;
}

function fileNameIn(url) {
  const segment = url.protocol === "data:" ? "" : url.pathname.split("/").pop();
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function kindOf(url, filename, dataKey) {
  if (url.protocol === "data:") return "image";
  for (const name of [filename, url.pathname]) {
    for (const [kind, extension] of KIND_BY_EXTENSION) if (extension.test(name)) return kind;
  }
  return KIND_BY_DATA_KEY.get(dataKey) ?? "file";
}

const textItem = (text, name) => ({ kind: "text", key: `text ${text}`, name, text });

/** A file, or a text where the URL is not safe. */
function fileItem(text, filename, dataKey) {
  const url = safeUrl(text);
  if (!url) return textItem(text, filename || dataKey);
  const kind = kindOf(url, filename, dataKey);
  const name = filename || fileNameIn(url) || dataKey || kind;
  // Browsers open no data: URL in a tab of its own.
  const original = url.protocol === "data:" ? "" : url.href;
  return { kind, key: `${kind} ${withoutSignature(url)}`, name, url: url.href, original };
}

/** Every item in `value`, whatever its shape. Strings in nested objects are skipped: most are settings. */
function* itemsIn(value, dataKey, isInObject = false, depth = 0) {
  if (depth > MAX_DEPTH) return;
  if (typeof value === "string" && !isInObject && value.trim()) {
    const isFile = dataKey !== "text" && safeUrl(value);
    yield isFile ? fileItem(value, "", dataKey) : textItem(value, dataKey);
  } else if (Array.isArray(value)) {
    for (const element of value) yield* itemsIn(element, dataKey, isInObject, depth + 1);
  } else if (value && typeof value === "object") {
    if (typeof value.url === "string") {
      yield fileItem(value.url, typeof value.filename === "string" ? value.filename : "", dataKey);
    } else if (typeof value.text === "string") {
      yield textItem(value.text, dataKey);
    } else {
      for (const [key, field] of Object.entries(value)) yield* itemsIn(field, key, true, depth + 1);
    }
  }
}

/**
 * The outputs of a run as one list. An item keeps its key when others are inserted before it.
 * @param {Run} run
 * @returns {Item[]}
 */
function itemsOf(run) {
  const items = [], occurrences = new Map();
  for (const output of run.outputs ?? []) {
    const data = output.data ?? (typeof output.url === "string" ? [output] : []);
    const entries = typeof data === "object" && !Array.isArray(data) ? Object.entries(data) : [["", data]];
    for (const [dataKey, value] of entries) {
      for (const item of itemsIn(value, dataKey)) {
        const n = (occurrences.get(item.key) ?? 0) + 1;
        occurrences.set(item.key, n);
        items.push(n > 1 ? { ...item, key: `${item.key} ${n}` } : item);
        if (items.length === MAX_ITEMS) return items;
      }
    }
  }
  return items;
}

/** Whether an item is shown as a thumbnail and in full size. */
const isVisual = ({ kind }) => kind === "image" || kind === "video";

/** "2 images, 1 text" */
function countByKind(items) {
  const counts = new Map();
  for (const { kind } of items) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const parts = [...counts].map(([kind, n]) => `${n} ${kind}${n > 1 && kind !== "audio" ? "s" : ""}`);
  return (items.length < MAX_ITEMS ? parts : [...parts, "more"]).join(", ");
}

/** "5 min ago" */
function ago(millis) {
  const seconds = Math.max(0, Math.floor(millis / 1000));
  if (seconds < 3) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/** Why an item could not be loaded: a signed URL says when it expires. */
function loadError(item, now) {
  const query = new URL(item.url).searchParams;
  const signedAt = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(query.get("X-Amz-Date") ?? "");
  if (signedAt) {
    const [, year, month, day, hour, minute, second] = signedAt.map(Number);
    const expiry = Date.UTC(year, month - 1, day, hour, minute, second) + 1000 * Number(query.get("X-Amz-Expires"));
    if (expiry < now) return { title: "Expired", reason: `Its URL expired ${ago(now - expiry)}.` };
  }
  return { title: "Not available", reason: "It could not be loaded." };
}
