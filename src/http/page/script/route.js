// route.js: what the page shows, as the part of its address after the #. A change is a step of the browser's history.

const RUN_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const RUN_ID_PREFIX =
  /^([0-9a-f]{1,8}|[0-9a-f]{8}(-?[0-9a-f]{4}){0,2}-?[0-9a-f]{0,4}|[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{0,12})$/i;
const withoutHyphens = (text) => text.replaceAll("-", "").toLowerCase();
// In bytes.
const MAX_LABEL_NAME = 64;
const MAX_LABEL_VALUE = 256;
const STATUSES = ["queued", "processing", "completed", "failed", "cancelled"];

/**
 * What the page shows.
 * @typedef {object} Route
 * @property {"" | "gallery"} view
 * @property {string} status that of the runs shown; empty for all
 * @property {string} search the beginning of a run id, or name:value of a label; empty for all
 * @property {string} run the id of the open run; empty for none
 * @property {string} picture the picture in full size, as its run's id, a slash and its number from 1; empty for none
 */

/** @returns {Route} */
function parseRoute(hash) {
  const fields = new URLSearchParams(hash.replace(/^#/, ""));
  const field = (name, isValid) => {
    const value = fields.get(name) ?? "";
    return isValid(value) ? value : "";
  };
  return {
    view: field("view", (view) => view === "gallery"),
    status: field("status", (status) => STATUSES.includes(status)),
    search: field("search", isSearch),
    run: field("run", (id) => RUN_ID.test(id.toLowerCase())).toLowerCase(),
    picture: field("picture", (picture) => Boolean(parsePicture(picture))),
  };
}

/** The part of the address after the #; empty for what the page shows at first. */
function formatRoute(route) {
  const fields = new URLSearchParams(Object.entries(route).filter(([, value]) => value));
  // These mean nothing else there, and are easier to read as they are.
  return String(fields).replaceAll("%3A", ":").replaceAll("%2F", "/");
}

/** The run and the number of a picture; null if the text is no picture. */
function parsePicture(text) {
  const [run, n, ...rest] = text.split("/");
  return rest.length === 0 && RUN_ID.test(run) && /^[1-9]\d{0,3}$/.test(n) ? { run, n: Number(n) } : null;
}

/** Whether a text is the beginning of a run id, or name:value of a label within the limits of the service. */
function isSearch(text) {
  if (text === "" || RUN_ID_PREFIX.test(text)) return true;
  const [name, ...values] = text.split(":"), bytes = (text) => new TextEncoder().encode(text).length;
  if (name === "" || values.length === 0) return false;
  return bytes(name) <= MAX_LABEL_NAME && bytes(values.join(":")) <= MAX_LABEL_VALUE;
}

/** The query of the API for the runs of a route. */
function queryOf({ status, search }) {
  if (!search) return { status };
  return RUN_ID_PREFIX.test(search) ? { status, run_id_prefix: search } : { status, label: search };
}

/** Whether a run is one of those that a route shows. */
function isInRoute(run, { status, search }) {
  if (status && run.status !== status) return false;
  if (!search) return true;
  if (RUN_ID_PREFIX.test(search)) return withoutHyphens(run.run_id).startsWith(withoutHyphens(search));
  const colon = search.indexOf(":");
  const name = search.slice(0, colon);
  return Object.hasOwn(run.labels ?? {}, name) && run.labels[name] === search.slice(colon + 1);
}

/** The route of this page. */
class Router {
  route = parseRoute(location.hash);
  #onChange;

  /** `onChange` gets the route before each change, whether a link, a button or the browser's history caused it. */
  constructor(onChange) {
    this.#onChange = onChange;
    addEventListener("popstate", () => this.#set(parseRoute(location.hash)));
  }
  /** Changes a part of the route, and closes the picture. With `replace` this is no step that Back returns from. */
  go(change, { replace = false } = {}) {
    const route = { ...this.route, picture: "", ...change };
    const address = this.addressOf(change);
    if (formatRoute(route) === formatRoute(this.route)) return;
    history[replace ? "replaceState" : "pushState"]({ isOwn: !replace || Boolean(history.state?.isOwn) }, "", address);
    this.#set(route);
  }
  /** Goes back over the last step, or where the page made none, as after a link to here, only changes the route. */
  undo(change) {
    if (history.state?.isOwn) history.back();
    else this.go(change, { replace: true });
  }
  /** The address of the page after a change. */
  addressOf(change) {
    const hash = formatRoute({ ...this.route, picture: "", ...change });
    return hash ? `#${hash}` : location.pathname + location.search;
  }
  #set(route) {
    const before = this.route;
    this.route = route;
    this.#onChange(before);
  }
}
