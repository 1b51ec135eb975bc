// panel.js: the details of an open run.

const MAX_JSON_CHARS = 200_000;

const timeFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const formatTime = (timestamp) => timeFormat.format(new Date(timestamp));
const formatCount = (n) => n.toLocaleString("en");

/** The details of an open run. */
class Panel {
  #run;
  #tiles = new Map();
  #others = new Map();
  #facts = make("span");
  #visuals = make("div", { className: "tiles" });
  #otherItems = make("div", { className: "others" });
  #json = make("pre", { tabIndex: 0 });
  #rawJson;
  #look;

  constructor(run, items, enlarge) {
    this.#look = tileLook(enlarge);
    const id = run.run_id, code = make("code", {}, id);
    const name = make("span", {}, code, makeCopyButton(() => id, code, "Copy the run id"));
    this.#rawJson = make("details", { className: "raw", ontoggle: () => this.#updateJson() },
      make("summary", {}, "Raw JSON"),
      make("p", {}, makeLink(serviceUrl(`api/runs/${id}`), "Open in a new tab")), this.#json);
    this.element = make("div", { className: "panel" },
      make("p", { className: "facts" }, name, this.#facts), this.#visuals, this.#otherItems, this.#rawJson);
    this.update(run, items);
  }
  update(run, items) {
    this.#run = run;
    set(this.#facts, "textContent", [
      `first update ${formatTime(run.first_seen_at)}`, `last update ${formatTime(run.last_seen_at)}`,
      run.platform_status && `platform status ${run.platform_status}`,
      run.live_status && `live status ${run.live_status}`,
      run.outputs_incomplete && "some outputs were left out, since the run has too many",
      items.length === MAX_ITEMS && `only the first ${formatCount(MAX_ITEMS)} files and texts are shown`,
    ].filter(Boolean).join(" · "));
    const [visual, others] = [items.filter(isVisual), items.filter((item) => !isVisual(item))];
    reconcile(this.#visuals, this.#tiles, visual, (item) => new VisualItem(item, this.#look));
    reconcile(this.#otherItems, this.#others, others, (item) => new OtherItem(item));
    this.#updateJson();
  }
  #updateJson() {
    if (!this.#rawJson.open) return;
    const json = JSON.stringify(this.#run, null, 2);
    set(this.#json, "textContent", json.length > MAX_JSON_CHARS ? `${json.slice(0, MAX_JSON_CHARS)}…` : json);
  }
}
