// urls.js: which URLs are safe, whose signature they carry and when that expires. It uses nothing of the browser.

// Signed URLs have a few thousand characters at most. Browsers accept more, but each takes time to parse.
const MAX_URL_CHARS = 16 * 1024;
// Signed URLs have some twenty at most.
const MAX_PARAMETERS = 100;

/** The URL, if it is one that a link may open: http or https. */
function webUrl(text) {
  if (text.length > MAX_URL_CHARS || !/^\s*https?:/i.test(text)) return null;
  try {
    const url = new URL(text);
    return url.protocol === "https:" || url.protocol === "http:" ? url : null;
  } catch {
    return null;
  }
}

/**
 * The type of a data: URL that is an image, such as "png"; empty for other texts. These URLs may be megabytes long, so
 * only their beginning is looked at.
 */
const imageTypeOf = (text) => /^data:image\/([a-z0-9.+-]{1,40})[;,]/i.exec(text)?.[1].toLowerCase() ?? "";

/** Whether a URL is of the page's own origin. Loading it takes the connections that the page itself needs. */
const isOwnUrl = (url) => url.origin === globalThis.location?.origin;

/** The last part of the path: "a b.png" */
function fileNameIn(url) {
  const segment = url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** The extension of a file name in lower case; empty if there is none, as in "v1.5". */
function extensionOf(name) {
  const [, extension = ""] = /\.([a-z0-9]{1,12})$/i.exec(name.slice(-13)) ?? [];
  return /[a-z]/i.test(extension) ? extension.toLowerCase() : "";
}

/** The names of the parameters that sign a URL of Amazon, of those who follow it, of CloudFront and of Google. */
const SIGNATURE =
  /^(x-(amz|goog)-.*|expires|signature|policy|key-pair-id|hash-algorithm|awsaccesskeyid|googleaccessid)$/i;
/** The same of Azure. Their names are so short that they mean this only beside `sig`. */
const AZURE_SIGNATURE = /^(sig|s[etvpri]|spr|sip|srt|ss|ses|sdd|sk(oid|tid|t|e|s|v)|s[acu]oid|scid)$/i;

const nameOfParameter = (parameter) => parameter.slice(0, (parameter.indexOf("=") + 1 || parameter.length + 1) - 1);

/** The URL without its signature, which differs each time a file is signed. */
function withoutSignature(url) {
  const parameters = url.search.slice(1).split("&", MAX_PARAMETERS + 1);
  if (parameters.length > MAX_PARAMETERS) return url.href;
  const names = parameters.map(nameOfParameter);
  const isAzure = names.some((name) => /^sig$/i.test(name));
  const isSignature = (name) => SIGNATURE.test(name) || (isAzure && AZURE_SIGNATURE.test(name));
  const others = parameters.filter((_, i) => !isSignature(names[i]));
  return `${url.origin}${url.pathname}?${others.join("&")}${url.hash}`;
}

/** Reads "20260301T130000Z", as Amazon and Google write the time of signing. */
function readBasicDate(text) {
  const digits = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text ?? "");
  if (!digits) return NaN;
  const [, year, month, day, hour, minute, second] = digits.map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** Seconds since 1970 in milliseconds; null if a text is none. Ten digits are a date from 2001 on. */
const readSeconds = (text) => /^\d{10}$/.test(text) ? 1000 * Number(text) : null;

/** The value of JSON in base64; null if it is none. Texts with characters beyond ASCII are garbled. */
function readBase64Json(text) {
  try {
    return JSON.parse(atob(text));
  } catch {
    return null;
  }
}

/** When a JWT expires, as Supabase signs URLs. */
function expiryOfJwt(jwt) {
  const [, payload = ""] = jwt.split(".", 2);
  const seconds = readBase64Json(payload.replaceAll("-", "+").replaceAll("_", "/"))?.exp;
  return typeof seconds === "number" ? readSeconds(String(Math.floor(seconds))) : null;
}

/** When a policy of CloudFront ends. */
function expiryOfPolicy(text) {
  const policy = readBase64Json(text.replaceAll("-", "+").replaceAll("_", "=").replaceAll("~", "/"));
  const seconds = policy?.Statement?.[0]?.Condition?.DateLessThan?.["AWS:EpochTime"];
  return typeof seconds === "number" ? readSeconds(String(seconds)) : null;
}

/**
 * When the signature of a URL expires, in milliseconds since 1970; null if it does not say.
 * @param {URL} url
 */
function expiryOf(url) {
  const parameters = new Map([...url.searchParams].map(([name, value]) => [name.toLowerCase(), value]));
  for (const signer of ["amz", "goog"]) {
    const seconds = parameters.get(`x-${signer}-expires`) ?? "";
    const expiry = readBasicDate(parameters.get(`x-${signer}-date`)) + 1000 * Number(seconds);
    if (/^\d{1,9}$/.test(seconds) && !Number.isNaN(expiry)) return expiry;
  }
  // Of Azure: "2026-03-01T13:00:00Z", "2026-03-01T13:00Z" or "2026-03-01".
  const end = parameters.get("se") ?? "";
  if (parameters.has("sig") && /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(end)) {
    const expiry = Date.parse(end);
    if (!Number.isNaN(expiry)) return expiry;
  }
  // Of CloudFront and the older ways of Amazon and Google.
  return readSeconds(parameters.get("expires") ?? "") ?? expiryOfPolicy(parameters.get("policy") ?? "")
    ?? expiryOfJwt(parameters.get("token") ?? "");
}
