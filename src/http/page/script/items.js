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
 * @property {boolean} [outputs_incomplete]
 * @property {Record<string, string>} [labels]
 * @property {string | null} [queued_at]
 * @property {string | null} [started_at]
 * @property {string | null} [ended_at]
 * @property {string} first_seen_at
 * @property {string} last_seen_at
 */

const MAX_ITEMS = 1000;
const MAX_DEPTH = 20;
// Of one output, so that an output of a million numbers does not hide the others.
const MAX_VALUES = 2000;
const MAX_KEY_CHARS = 300;

/** @type {[Item["kind"], string[]][]} */
const EXTENSIONS = [
  ["image", ["png", "jpg", "jpeg", "webp", "gif", "avif", "bmp", "apng", "jfif"]],
  ["video", ["mp4", "webm", "mov", "m4v", "mkv", "ogv"]],
  ["audio", ["mp3", "wav", "flac", "ogg", "oga", "opus", "m4a", "aac"]],
];
const KIND_BY_EXTENSION = new Map(EXTENSIONS.flatMap(([kind, extensions]) => extensions.map((name) => [name, kind])));
/**
 * The pictures that a data: URL may hold, each with its extensions; the first is the usual one. SVG is none of them: a
 * short one can keep the browser busy for hours, so it is a file.
 */
const PICTURE_EXTENSIONS = new Map([
  ["png", ["png"]], ["apng", ["png", "apng"]], ["jpeg", ["jpg", "jpeg", "jfif"]], ["jpg", ["jpg", "jpeg", "jfif"]],
  ["gif", ["gif"]], ["webp", ["webp"]], ["avif", ["avif"]], ["bmp", ["bmp"]],
]);
const SVG_EXTENSIONS = ["svg", "svgz"];
/** Where no file name says more: the key of `data` under which ComfyUI lists the file. */
const KIND_BY_DATA_KEY = new Map(/** @type {[string, Item["kind"]][]} */ ([
  ["images", "image"], ["image", "image"], ["gifs", "image"],
  ["video", "video"], ["videos", "video"], ["audio", "audio"],
]));

/** The kind of a file. One with an extension that the page does not show is a file under every key of `data`. */
function kindOf(names, dataKey) {
  const extensions = names.map(extensionOf).filter(Boolean);
  if (extensions.some((extension) => SVG_EXTENSIONS.includes(extension))) return "file";
  const known = extensions.find((extension) => KIND_BY_EXTENSION.has(extension));
  if (known) return KIND_BY_EXTENSION.get(known);
  return extensions.length > 0 ? "file" : KIND_BY_DATA_KEY.get(dataKey) ?? "file";
}

/** A part of a key. Of a long text, its length and its ends: keys are compared often. */
function keyPart(text) {
  if (text.length <= MAX_KEY_CHARS) return text;
  return `${text.length} ${text.slice(0, MAX_KEY_CHARS / 2)} ${text.slice(-MAX_KEY_CHARS / 2)}`;
}

/** A name of a length that file systems allow. A longer one keeps its extension. */
const shortName = (name) => name.length <= 255 ? name : `${name.slice(0, 230)}…${name.slice(-20)}`;

/** A name without control characters and those that change the direction of text: they can hide its extension. */
const cleanName = (name) =>
  shortName(name).replace(/[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "");

const textItem = (text, name) => ({ kind: "text", key: `text ${keyPart(text)}`, name: cleanName(name), text });

/** An image in a data: URL. Browsers open none in a tab of its own. */
function dataItem(text, type, name) {
  const kind = PICTURE_EXTENSIONS.has(type) ? "image" : "file";
  const extensions = PICTURE_EXTENSIONS.get(type) ?? [type === "svg+xml" ? "svg" : "bin"];
  // Otherwise a picture could be saved as "setup.bat".
  const savedName = extensions.includes(extensionOf(name)) ? name : cleanName(`${name}.${extensions[0]}`);
  return { kind, key: `${kind} ${keyPart(text)}`, name: savedName, url: text, original: "" };
}

/** A file; null where the URL is not safe. */
function fileItem(text, filename, dataKey) {
  const givenName = cleanName(filename), imageType = imageTypeOf(text);
  if (imageType) return dataItem(text, imageType, givenName || cleanName(dataKey) || "image");
  const url = webUrl(text);
  if (!url) return null;
  const nameInUrl = cleanName(fileNameIn(url)), isOwn = isOwnUrl(url);
  const kind = isOwn ? "file" : kindOf([givenName, nameInUrl], dataKey);
  // Browsers save what is of the page's own origin under any name: a run must not choose that of the service's JSON.
  const name = (!isOwn && givenName) || nameInUrl || cleanName(dataKey) || kind;
  return { kind, key: `${kind} ${keyPart(withoutSignature(url))}`, name, url: url.href, original: url.href };
}

/** The item of an object that has a URL. */
function urlItem({ url, filename }, dataKey) {
  const name = typeof filename === "string" ? filename : "";
  return fileItem(url, name, dataKey)
    ?? textItem(url, `${cleanName(name || dataKey) || "file"} (its URL cannot be opened)`);
}

/** Finds the items in the value of an output, whatever its shape, within limits. */
class ItemFinder {
  #found;
  #valuesLeft = MAX_VALUES;

  /** `found` is called with each item. It returns whether there is room for more. */
  constructor(found) {
    this.#found = found;
  }
  /** Strings in nested objects are skipped: most are settings. Returns whether to go on. */
  find(value, dataKey, isInObject = false, depth = 0) {
    this.#valuesLeft -= 1;
    if (this.#valuesLeft < 0) return false;
    if (typeof value === "string") {
      if (isInObject || !/\S/.test(value)) return true;
      const file = dataKey === "text" ? null : fileItem(value, "", dataKey);
      return this.#found(file ?? textItem(value, dataKey));
    }
    if (!value || typeof value !== "object" || depth > MAX_DEPTH) return true;
    if (Array.isArray(value)) return value.every((element) => this.find(element, dataKey, isInObject, depth + 1));
    if (typeof value.url === "string") return this.#found(urlItem(value, dataKey));
    if (typeof value.text === "string") return this.#found(textItem(value.text, dataKey));
    return Object.keys(value).every((key) => this.find(value[key], key, true, depth + 1));
  }
}

/** Where the items of an output are: its data, or itself. An error is no item. */
function dataOf(output) {
  const data = output.data ?? (typeof output.url === "string" ? [output] : []);
  return failureIn(data) ? [] : data;
}

/**
 * The outputs of a run as one list. An item keeps its key when others are inserted before it.
 * @param {Run} run
 * @returns {Item[]}
 */
function itemsOf(run) {
  const items = [], occurrences = new Map();
  const add = (item) => {
    const n = (occurrences.get(item.key) ?? 0) + 1;
    occurrences.set(item.key, n);
    items.push({ ...item, key: `${n} ${item.key}` });
    return items.length < MAX_ITEMS;
  };
  for (const output of run.outputs ?? []) {
    const data = dataOf(output), finder = new ItemFinder(add);
    if (typeof data !== "object" || Array.isArray(data)) finder.find(data, "");
    else Object.keys(data).every((dataKey) => finder.find(data[dataKey], dataKey));
    if (items.length === MAX_ITEMS) break;
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

/** Whether some browsers play videos of this item's format, and others do not. */
const isRareVideo = ({ kind, name, url }) => kind === "video" && /\.(mkv|mov)(\?|$)/i.test(`${name}\n${url}`);

/** When the signed URL of an item has expired, a sentence that says so; otherwise empty. */
function expiredReason(item, now) {
  const url = webUrl(item.url), expiry = url && expiryOf(url);
  return expiry !== null && expiry < now ? `Its URL expired ${ago(now - expiry)}.` : "";
}

/** Why an item could not be loaded. */
function loadError(item, now) {
  const reason = expiredReason(item, now);
  if (reason) return { title: "Expired", reason };
  if (isRareVideo(item)) return { title: "No preview", reason: "This browser may not play videos of this format." };
  return { title: "Not available", reason: "It could not be loaded." };
}
