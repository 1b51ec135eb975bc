// json.js: writes a value as indented JSON, of which only the beginning is made. It uses nothing of the browser.

const MAX_JSON_CHARS = 60_000;

/** Collects text until there is enough of it. */
class JsonText {
  #parts = [];
  #room;

  constructor(maxChars) {
    this.#room = maxChars;
  }
  get isFull() {
    return this.#room <= 0;
  }
  get text() {
    return this.#parts.join("");
  }
  /** Writes a value whose lines are indented by `indent`. */
  write(value, indent) {
    if (this.isFull) return;
    if (typeof value === "string") this.#append(JSON.stringify(value.slice(0, this.#room)));
    else if (Array.isArray(value)) {
      this.#writeAll(value, "[", "]", indent, (element, next) => this.write(element, next));
    } else if (value && typeof value === "object") {
      this.#writeAll(Object.keys(value), "{", "}", indent, (key, next) => {
        this.#append(`${JSON.stringify(key.slice(0, this.#room))}: `);
        this.write(value[key], next);
      });
    } else this.#append(String(value));
  }
  #writeAll(elements, open, close, indent, writeElement) {
    if (elements.length === 0) return this.#append(open + close);
    const next = `${indent}  `;
    for (let i = 0; i < elements.length && !this.isFull; i += 1) {
      this.#append(`${i === 0 ? open : ","}\n${next}`);
      writeElement(elements[i], next);
    }
    this.#append(`\n${indent}${close}`);
  }
  #append(text) {
    if (this.isFull) return;
    this.#parts.push(text.slice(0, this.#room));
    this.#room -= text.length;
  }
}

/** A value as `JSON.stringify(value, null, 2)` writes it. If that is too long, its beginning and "…". */
function prettyJson(value, maxChars = MAX_JSON_CHARS) {
  const json = new JsonText(maxChars + 1);
  json.write(value, "");
  const { text } = json;
  return text.length > maxChars ? `${text.slice(0, maxChars)}…` : text;
}
