// lightbox.js: the dialog that shows images and videos in full size.

/**
 * The look in full size.
 * @type {Look}
 */
const stageLook = {
  makeLoaded(item, onError) {
    const media = item.kind === "image"
      ? make("img", { referrerPolicy: "no-referrer", alt: item.name })
      : make("video", { controls: true, loop: true, playsInline: true, ariaLabel: item.name });
    if (item.kind === "video") media.autoplay = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    media.src = item.url;
    media.addEventListener("error", onError, { once: true });
    return media;
  },
  makeBroken: makeErrorNote,
};

/**
 * The dialog that shows one of several images and videos in full size.
 * @typedef {{ item: Item, label: string }} Slide `label` says where the picture belongs, or is empty
 */
class Lightbox {
  #dialog;
  #stage;
  #bar;
  #onStep;
  #onClose;
  /** @type {Slide[]} */
  #pictures = [];
  #index = 0;
  #isOpen = false;
  #visual;

  /**
   * `onStep` is called with the index of the slide when the viewer, or an update, moves to another one, and `onClose`
   * when the viewer closes the dialog.
   */
  constructor(dialog, { onStep, onClose }) {
    this.#onStep = onStep;
    this.#onClose = onClose;
    this.#dialog = dialog;
    this.#stage = dialog.querySelector(".stage");
    const part = (name) => dialog.querySelector(`[data-part="${name}"]`);
    const copyButton = part("copy"), url = part("url");
    this.#bar = { name: dialog.querySelector("output"), open: part("open"), download: part("download"), copyButton };
    copyOnClick(copyButton, () => url.textContent = this.#pictures[this.#index].item.original, url);
    dialog.addEventListener("click", ({ target }) => {
      if (target.dataset.step) this.#step(Number(target.dataset.step));
      else if ("close" in target.dataset || target === dialog || target === this.#stage) dialog.close();
    });
    dialog.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      // A focused video seeks with these keys, and with Alt the browser goes back.
      if (by && event.target.tagName !== "VIDEO" && !isModified(event)) this.#step(by);
    });
    dialog.addEventListener("close", () => this.#onClosed());
  }
  /** Shows one of these pictures. */
  show(pictures, index) {
    if (pictures.length === 0) return;
    this.#pictures = pictures;
    this.#index = Math.min(Math.max(0, index), pictures.length - 1);
    this.#load();
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#dialog.showModal();
    // Not a button or a video, for which the arrow keys may mean something else.
    this.#dialog.focus();
  }
  /** Closes the dialog without a call of `onClose`. */
  hide() {
    this.#isOpen = false;
    this.#dialog.close();
  }
  /** The same pictures with new URLs, or others beside them. That which is shown stays. */
  update(pictures) {
    if (!this.#isOpen) return;
    const current = this.#pictures[this.#index];
    const isCurrent = ({ item, label }) => item.key === current.item.key && label === current.label;
    const index = pictures.findIndex(isCurrent);
    if (pictures.length === 0) {
      this.#dialog.close();
      return;
    }
    const isMoved = index !== this.#index;
    this.#pictures = pictures;
    this.#index = index >= 0 ? index : Math.min(this.#index, pictures.length - 1);
    if (index < 0) this.#load();
    else this.#visual.update(pictures[index].item);
    this.#drawBar();
    if (isMoved) this.#onStep(this.#index);
  }
  // The event comes a little later than the call: the dialog may be open again.
  #onClosed() {
    if (this.#dialog.open) return;
    // Otherwise a video would go on playing.
    this.#stage.replaceChildren();
    const wasOpen = this.#isOpen;
    this.#isOpen = false;
    if (wasOpen) this.#onClose();
  }
  #step(by) {
    const { length } = this.#pictures;
    if (length < 2) return;
    this.#index = (this.#index + by + length) % length;
    this.#load();
    this.#onStep(this.#index);
  }
  #load() {
    this.#visual = new VisualItem(this.#pictures[this.#index].item, stageLook);
    this.#stage.replaceChildren(this.#visual.element);
    this.#drawBar();
  }
  #drawBar() {
    const { item, label } = this.#pictures[this.#index], { length } = this.#pictures;
    const { name, open, download, copyButton } = this.#bar;
    const position = length > 1 ? ` (${this.#index + 1} of ${length})` : "";
    set(name, "textContent", [item.name + position, label].filter(Boolean).join(" · "));
    for (const button of this.#dialog.querySelectorAll("[data-step]")) button.hidden = length < 2;
    open.hidden = copyButton.hidden = !item.original;
    if (item.original) set(open, "href", item.original);
    set(download, "href", item.url);
    set(download, "download", item.name);
  }
}
