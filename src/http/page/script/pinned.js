// pinned.js: the open run, if it has no row in the list: it is too old for the list, or does not match the search.

const PINNED_REFRESH_MS = 3000;
// An unknown run may still come.
const UNKNOWN_REFRESH_MS = 30_000;

class PinnedRun {
  /** The id of the run; empty for none. */
  id = "";
  #section;
  #note;
  #store;
  #actions;
  #onLoaded;
  #run = null;
  #row = null;
  #refreshAt = Infinity;

  /** `actions` are those of the row; `onLoaded` is called when the run is there, and when it was loaded again. */
  constructor(section, store, { actions, onLoaded }) {
    this.#section = section;
    this.#note = section.querySelector("p");
    section.querySelector("button").addEventListener("click", () => actions.close());
    this.#store = store;
    this.#actions = actions;
    this.#onLoaded = onLoaded;
  }
  /** Shows a run, until it is loaded as `known`; an empty id shows none. */
  show(id, known) {
    if (id === this.id) return;
    this.id = id;
    this.#run = null;
    this.#row?.element.remove();
    this.#row = null;
    this.#section.hidden = !id;
    this.#note.textContent = "Loading the run…";
    this.#refreshAt = Infinity;
    if (known) this.#draw(known);
    if (id) this.#refresh();
  }
  /** The run of an id, if it is shown here. */
  get(id) {
    return id === this.id ? this.#run : null;
  }
  /** To be called every second. */
  check() {
    if (performance.now() >= this.#refreshAt && !document.hidden) this.#refresh();
    this.#row?.updateTimes(serverNow());
  }
  async #refresh() {
    const { id } = this;
    let pause = PINNED_REFRESH_MS;
    this.#refreshAt = Infinity;
    try {
      const run = this.#store.latest(id) ?? await fetchJson(`api/runs/${id}`);
      if (id === this.id) this.#draw(run);
    } catch (error) {
      if (error.status === 404) pause = UNKNOWN_REFRESH_MS;
      if (id === this.id) this.#showError(error);
    }
    const isOver = this.#run && isTerminal(this.#run);
    if (id === this.id && !isOver) this.#refreshAt = performance.now() + pause;
  }
  #showError({ status, message }) {
    if (status !== 404) this.#note.textContent = message;
    else if (this.#run) this.#note.textContent = "This run is no longer kept.";
    else this.#note.textContent = `No update of run ${this.id} has arrived, or the run is no longer kept.`;
  }
  #draw(run) {
    this.#run = run;
    this.#note.textContent = "This run is not in the list below.";
    if (this.#row) this.#row.update(run);
    else {
      this.#row = new Row(run, this.#actions);
      this.#section.querySelector("ol").append(this.#row.element);
      this.#row.open();
      this.#section.scrollIntoView({ block: "nearest" });
    }
    this.#onLoaded();
  }
}
