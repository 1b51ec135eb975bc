// hold.js: whether a list must stay as it is, because the viewer is using it.

class Hold {
  #element;
  #isPointerIn = false;
  #wasHeld = false;

  /** `onRelease` is called when the pointer or the focus leaves, or the page is scrolled back to the list's top. */
  constructor(element, onRelease) {
    this.#element = element;
    const check = () => {
      const isReleased = this.#wasHeld && !this.isHeld;
      this.#wasHeld = this.isHeld;
      if (isReleased) onRelease();
    };
    // A finger that is lifted says nothing about where the viewer looks.
    const setPointer = (isIn) => ({ pointerType }) => {
      this.#isPointerIn = isIn && pointerType !== "touch";
      check();
    };
    element.addEventListener("pointerenter", setPointer(true));
    element.addEventListener("pointerleave", setPointer(false));
    // After the event, the focus is where it goes.
    for (const event of ["focusin", "focusout"]) element.addEventListener(event, () => setTimeout(check));
    addEventListener("scroll", check, { passive: true });
  }
  get isHeld() {
    if (byId("lightbox").open) return true;
    // A click leaves the focus in the list, too. Only a focus by the keyboard counts.
    return this.#isPointerIn || this.#isScrolled || Boolean(this.#element.querySelector(":focus-visible"));
  }
  // Above the window, rows that come would move those in it.
  get #isScrolled() {
    return this.#element.getBoundingClientRect().top < 0;
  }
}
