// lightbox.js: the dialog that shows images and videos in full size.

/** The dialog that shows one image or video in full size. */
class Lightbox {
  #dialog;
  #stage;
  #items = [];
  #index = 0;

  constructor(dialog) {
    this.#dialog = dialog;
    this.#stage = dialog.querySelector(".stage");
    dialog.addEventListener("click", ({ target }) => {
      if (target.dataset.step) this.#step(Number(target.dataset.step));
      else if ("close" in target.dataset || target === dialog || target === this.#stage) dialog.close();
    });
    dialog.addEventListener("keydown", ({ key, target }) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[key];
      // A focused video seeks with these keys.
      if (by && target.tagName !== "VIDEO") this.#step(by);
    });
    // Otherwise a video would go on playing.
    dialog.addEventListener("close", () => this.#stage.replaceChildren());
  }
  open(items, key) {
    this.#items = items.filter(isVisual);
    this.#index = Math.max(0, this.#items.findIndex((item) => item.key === key));
    this.#draw();
    this.#dialog.showModal();
    // Not a button or a video, for which the arrow keys may mean something else.
    this.#dialog.focus();
  }
  #step(by) {
    const { length } = this.#items;
    if (length < 2) return;
    this.#index = (this.#index + by + length) % length;
    this.#draw();
  }
  #draw() {
    const item = this.#items[this.#index], { length } = this.#items;
    const media = item.kind === "image"
      ? make("img", { referrerPolicy: "no-referrer", alt: item.name })
      : make("video", { controls: true, autoplay: true, loop: true, playsInline: true, ariaLabel: item.name });
    media.src = item.url;
    media.addEventListener("error", () => media.replaceWith(makeErrorNote(item)), { once: true });
    this.#stage.replaceChildren(media);
    const position = length > 1 ? ` (${this.#index + 1} of ${length})` : "";
    this.#dialog.querySelector("output").textContent = item.name + position;
    for (const button of this.#dialog.querySelectorAll("[data-step]")) button.hidden = length < 2;
    const original = this.#dialog.querySelector("a");
    original.hidden = !item.original;
    if (item.original) original.href = item.original;
  }
}

const lightbox = new Lightbox(byId("lightbox"));
