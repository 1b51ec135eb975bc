// gallery.js: the newest pictures of all runs.

const GALLERY_STEP = 120;

// By run as it was received, which never changes.
const visualsByRun = new WeakMap();

function visualsOf(run) {
  if (!visualsByRun.has(run)) visualsByRun.set(run, itemsOf(run).filter(isVisual));
  return visualsByRun.get(run);
}

/**
 * An image or a video among those of all runs: with its run, and its number there.
 * @typedef {Item & { run: Run, n: number }} Picture
 */

/** @returns {Picture[]} */
const picturesOf = (run) => visualsOf(run).map((item, index) => {
  return { ...item, key: `${run.run_id} ${item.key}`, run, n: index + 1 };
});

const nameOf = ({ run_id }) => `Run ${run_id.slice(0, 8)}`;

/** The look in the gallery: a tile as in an open run, but with a link to the run instead of what can be done. */
function galleryLook(showPicture, openRun) {
  const tile = tileLook(showPicture);
  const addLink = (figure, { run }) => {
    const link = make("a", { href: `#run=${run.run_id}`, title: run.run_id }, nameOf(run));
    link.addEventListener("click", (event) => {
      if (isModified(event)) return;
      event.preventDefault();
      openRun(run);
    });
    figure.querySelector("figcaption").replaceChildren(link);
    figure.querySelector(".actions").remove();
    return figure;
  };
  return {
    makeLoaded: (picture, onError) => addLink(tile.makeLoaded(picture, onError), picture),
    makeBroken: (picture) => addLink(tile.makeBroken(picture), picture),
  };
}

class Gallery {
  /** @type {Picture[]} */
  pictures = [];
  newCount = 0;
  #grid;
  #more;
  #store;
  #look;
  #hold;
  #limit = GALLERY_STEP;
  // Whether the pictures of a whole snapshot are shown. Until then nothing is held: the runs are still coming.
  #isWhole = false;
  #shown = new Map();

  constructor(element, store, { actions, onRelease }) {
    [this.#grid, this.#more] = element.children;
    this.#store = store;
    this.#look = galleryLook((key) => {
      const { run, n } = this.pictures.find((picture) => picture.key === key);
      actions.showPicture(run, n);
    }, actions.open);
    this.#hold = new Hold(element, onRelease);
    this.#more.addEventListener("click", () => {
      this.#limit += GALLERY_STEP;
      onRelease();
    });
  }
  /** Whether there are more pictures than are shown. */
  get hasMore() {
    return !this.#more.hidden;
  }
  get size() {
    return this.pictures.length;
  }
  /** Shows the newest pictures. While the viewer is at work in the gallery, only older ones come, at its end. */
  update({ force = false } = {}) {
    const isHeld = !force && this.#isWhole && this.pictures.length > 0 && this.#hold.isHeld;
    const newest = this.#newest();
    const isShown = ({ key }) => this.#shown.has(key);
    const end = isHeld ? newest.findLastIndex(isShown) + 1 || newest.length : 0;
    this.newCount = newest.slice(0, end).filter((picture) => !isShown(picture)).length;
    const pictures = isHeld ? [...this.pictures, ...newest.slice(end)] : newest;
    this.#isWhole = this.#store.isComplete;
    this.pictures = pictures.slice(0, this.#limit);
    set(this.#more, "hidden", pictures.length <= this.#limit);
    reconcile(this.#grid, this.#shown, this.pictures, (picture) => new VisualItem(picture, this.#look));
  }
  /** One more than are shown, to know whether there are more. */
  #newest() {
    const pictures = [];
    for (const id of this.#store.newestFirst()) {
      pictures.push(...picturesOf(this.#store.get(id)));
      if (pictures.length > this.#limit) break;
    }
    return pictures;
  }
}
