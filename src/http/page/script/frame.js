// frame.js: doing something at most once for each frame of the browser.

// A hidden page gets no frames.
const HIDDEN_FRAME_MS = 1000;

class OncePerFrame {
  #action;
  #frame = 0;
  #timer;

  constructor(action) {
    this.#action = action;
  }
  /** Does it in the next frame. */
  request() {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => this.#run());
    this.#timer = setTimeout(() => this.#run(), HIDDEN_FRAME_MS);
  }
  #run() {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#timer);
    this.#frame = 0;
    this.#action();
  }
}
