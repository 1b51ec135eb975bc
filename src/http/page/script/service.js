// service.js: requests to the service, and its clock.

// Built from the parts of the address: the whole of it may hold a password.
const base = location.origin + location.pathname.replace(/\/?$/, "/");
// A token has no space for which its plus signs could stand.
const token = new URLSearchParams(location.search.replaceAll("+", "%2B")).get("token");
const REQUEST_TIMEOUT_MS = 20_000;

/** The URL of a path of the service, with the token that this page was opened with. */
function serviceUrl(path, query = {}) {
  const url = new URL(base + path);
  for (const [name, value] of Object.entries({ ...query, token })) {
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
  const options = { cache: "no-store", signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) };
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

let clockDifference = 0;

/** The time by the clock of the service, in milliseconds: the viewer's clock may be wrong. */
const serverNow = () => Date.now() + clockDifference;

/** What the service says of itself. It also tells the time. */
async function fetchService() {
  const sentAt = Date.now();
  const service = await fetchJson("api/service");
  // The service read its clock between the two.
  clockDifference = Date.parse(service.time) - (sentAt + Date.now()) / 2;
  return service;
}
