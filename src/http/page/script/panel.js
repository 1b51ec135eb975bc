// panel.js: the details of an open run.

/** Facts with their labels. One that is empty is hidden. */
class Facts {
  element = make("dl", { className: "facts" });
  /** @type {Map<string, HTMLElement>} */
  #values = new Map();

  /** Adds a fact, below those added before. */
  add(label, ...content) {
    const value = make("dd", {}, ...content);
    this.element.append(make("div", {}, make("dt", {}, label), value));
    this.#values.set(label, value);
    return value;
  }
  set(label, text) {
    const value = this.#values.get(label) ?? this.add(label);
    set(value, "textContent", text);
    set(value.parentElement, "hidden", text === "");
  }
}

/** Shows labels as "name:value", as one searches for them. */
function showLabels(container, labels) {
  const texts = Object.entries(labels).map(([name, value]) => `${name}:${value}`);
  if (texts.join("\n") === Array.from(container.children, ({ textContent }) => textContent).join("\n")) return;
  container.replaceChildren(...texts.map((text) => make("span", { className: "label" }, text)));
}

function makeRunId(id) {
  const code = make("code", {}, id);
  // Without the token that the page's own address may have.
  const link = make("button", { type: "button", className: "copy" }, "Copy link");
  return make("span", { className: "run-id" }, code, makeCopyButton(() => id, code, "Copy the run id"),
    withHiddenText(link, () => `${base}#run=${id}`));
}

/** The details of an open run. */
class Panel {
  #run;
  #items;
  #now = serverNow();
  #facts = new Facts();
  #labels;
  #notes = make("div", { className: "notes" });
  #failures = make("div", { className: "failures" });
  #failuresJson = "[]";
  #visuals;
  #others = new ItemGroup("others", (item) => new OtherItem(item));
  #json = make("pre", { tabIndex: 0, role: "group", ariaLabel: "Raw JSON" });
  #rawJson;

  /** `openPicture` shows a picture in full size. It is called with its index among the images and videos. */
  constructor(run, items, { openPicture }) {
    const indexOf = (key) => this.#items.filter(isVisual).findIndex((item) => item.key === key);
    const look = tileLook((key) => openPicture(indexOf(key)));
    this.#visuals = new ItemGroup("tiles", (item) => new VisualItem(item, look));
    this.#facts.add("Run", makeRunId(run.run_id));
    this.#labels = this.#facts.add("Labels");
    this.#rawJson = make("details", { className: "raw", ontoggle: () => this.#updateJson() },
      make("summary", {}, "Raw JSON"),
      make("p", {}, makeLink(serviceUrl(`api/runs/${run.run_id}`), "Open in a new tab")), this.#json);
    this.element = make("div", { className: "panel" }, this.#failures, this.#visuals.element, this.#others.element,
      this.#facts.element, this.#notes, this.#rawJson);
    this.update(run, items);
  }
  update(run, items) {
    const hasNewItems = this.#items !== items;
    this.#run = run;
    this.#items = items;
    this.updateTimes(this.#now);
    this.#updateFacts();
    this.#updateFailures();
    if (hasNewItems) {
      this.#visuals.update(items.filter(isVisual));
      this.#others.update(items.filter((item) => !isVisual(item)));
    }
    this.#updateJson();
  }
  /** Updates the times that count. `now` is the service's clock. */
  updateTimes(now) {
    this.#now = now;
    const { queued, running, isRunning } = timesOf(this.#run, now);
    const isWaiting = this.#run.status === "queued";
    this.#facts.set("Time in the queue", timeText(queued, isWaiting));
    this.#facts.set("Running time", timeText(running, isRunning));
  }
  #updateFacts() {
    const run = this.#run, facts = this.#facts;
    facts.set("First update", formatTime(run.first_seen_at));
    facts.set("Last update", formatTime(run.last_seen_at));
    facts.set("Platform status", run.platform_status ?? "");
    facts.set("Live status", shorten(run.live_status ?? "", 500));
    showLabels(this.#labels, run.labels ?? {});
    set(this.#labels.parentElement, "hidden", !this.#labels.hasChildNodes());
    const notes = [
      run.outputs_incomplete && "Some outputs were left out, since the run has too many.",
      this.#items.length === MAX_ITEMS && `Only the first ${formatCount(MAX_ITEMS)} files and texts are shown.`,
    ];
    set(this.#notes, "textContent", notes.filter(Boolean).join(" "));
  }
  #updateFailures() {
    const failures = failuresOf(this.#run), json = JSON.stringify(failures);
    if (json === this.#failuresJson) return;
    this.#failuresJson = json;
    this.#failures.replaceChildren(...failures.map(makeFailureBox));
  }
  #updateJson() {
    if (this.#rawJson.open) set(this.#json, "textContent", prettyJson(this.#run));
  }
}
