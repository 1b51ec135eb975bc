// service.js: requests to the service, and its clock.

// Built from the parts of the address: the whole of it may hold a password.
const base = location.origin + location.pathname.replace(/\/?$/, "/");
// A token has no space for which its plus signs could stand.
const addressToken = new URLSearchParams(location.search.replaceAll("+", "%2B")).get("token");
const REQUEST_TIMEOUT_MS = 20_000;

/** The URL of a path of the service, with the token that this page was opened with. */
function serviceUrl(path, query = {}) {
  const url = new URL(base + path);
  for (const [name, value] of Object.entries({ ...query, token: addressToken })) {
    if (value) url.searchParams.set(name, value);
  }
  return url.href;
}

/** A response that says why there is no result. */
class RequestError extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** The JSON of a path of the service. */
async function fetchJson(path, query) {
  // With a token in the address, the browser must not ask for another one if that is wrong.
  const credentials = addressToken ? "omit" : "same-origin";
  const options = { cache: "no-store", credentials, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) };
  const response = await fetch(serviceUrl(path, query), options).catch(() => {
    throw new RequestError(0, "The service cannot be reached.");
  });
  if (response.ok) return response.json();
  throw new RequestError(response.status, await problemDetail(response));
}

/** What a response says of the problem. A proxy may have answered, with anything. */
async function problemDetail(response) {
  const { detail } = await response.json().catch(() => null) ?? {};
  return typeof detail === "string" ? detail : `The response was ${response.status} ${response.statusText}.`;
}

// By performance.now(), since the viewer may set the clock.
let clockDifference = Date.now() - performance.now();
let openedAt = null;

/** The time by the clock of the service, in milliseconds: the viewer's clock may be wrong. */
const serverNow = () => performance.now() + clockDifference;

/** When the page was opened, by the clock of the service. */
const pageOpenedAt = () => openedAt ?? clockDifference;

/** What the service says of itself. It also tells the time. */
async function fetchService() {
  const sentAt = performance.now();
  const service = await fetchJson("api/service");
  // The service read its clock between the two.
  clockDifference = Date.parse(service.time) - (sentAt + performance.now()) / 2;
  openedAt ??= clockDifference;
  return service;
}
