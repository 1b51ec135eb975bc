// hold.js: whether a list must not move, since the viewer is at work in it.

class Hold {
  #element;
  #isPointerIn = false;

  /** `onRelease` is called when the pointer or the focus leaves, or the page is scrolled back to the list's top. */
  constructor(element, onRelease) {
    this.#element = element;
    // A finger that is lifted says nothing about where the viewer looks.
    const setPointer = (isIn) => ({ pointerType }) => {
      this.#isPointerIn = isIn && pointerType !== "touch";
      if (!this.isHeld) onRelease();
    };
    element.addEventListener("pointerenter", setPointer(true));
    element.addEventListener("pointerleave", setPointer(false));
    element.addEventListener("focusout", () => setTimeout(onRelease));
    addEventListener("scroll", () => {
      if (!this.isHeld) onRelease();
    }, { passive: true });
  }
  get isHeld() {
    // A click leaves a focus that shows nothing of where the viewer is.
    return this.#isPointerIn || this.#isScrolled || Boolean(this.#element.querySelector(":focus-visible"));
  }
  // Above the window, rows that come would move those in it.
  get #isScrolled() {
    return this.#element.getBoundingClientRect().top < 0;
  }
}
