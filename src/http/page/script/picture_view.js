// picture_view.js: shows the picture of the address in full size.

class PictureView {
  #router;
  #lightbox;
  // What is shown: the picture, as the address names it, and those before and after it.
  #shown = "";
  #run = null;
  /** @type {Picture[]} */
  #pictures = [];

  constructor(router) {
    this.#router = router;
    const onStep = (index) => {
      const { run, n } = this.#pictures[index];
      this.#shown = `${run.run_id}/${n}`;
      router.go({ picture: this.#shown }, { replace: true });
    };
    this.#lightbox = new Lightbox(byId("lightbox"), { onStep, onClose: () => router.undo({ picture: "" }) });
  }
  /** The run of an id, if its picture is shown: it stays when the run leaves the filter. */
  get(id) {
    return this.#run?.run_id === id ? this.#run : null;
  }
  /**
   * Shows the picture of the address, with the others of the gallery or of its run.
   * @param {Run | undefined} run that of the picture; undefined as long as it is not known
   * @param {Picture[]} galleryPictures those of the gallery, if that is shown
   */
  update(run, galleryPictures) {
    const { picture } = this.#router.route;
    if (!picture || !run) return this.#hide();
    this.#run = run;
    const { n } = parsePicture(picture);
    const isShown = (other) => other.run.run_id === run.run_id && other.n === n;
    const isInGallery = galleryPictures.some(isShown);
    this.#pictures = isInGallery ? galleryPictures : picturesOf(run);
    // The same label when newer pictures have pushed it out of the gallery.
    const hasLabel = this.#router.route.view === "gallery";
    const slides = this.#pictures.map((item) => ({ item, label: hasLabel ? nameOf(item.run) : "" }));
    const index = this.#pictures.findIndex(isShown);
    if (picture === this.#shown) this.#lightbox.update(slides);
    else if (index >= 0) {
      this.#shown = picture;
      this.#lightbox.show(slides, index);
    } else this.#router.go({ picture: "" }, { replace: true });
  }
  #hide() {
    if (this.#shown) this.#lightbox.hide();
    this.#shown = "";
    this.#run = null;
  }
}
