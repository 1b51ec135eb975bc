// outputs.js: draws the items of a run, small, large and in full size.

const MAX_TEXT_CHARS = 20_000;

// Browsers load images lazily by themselves, but not videos.
const loadInView = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    loadInView.unobserve(target);
    target.preload = "metadata";
    target.src = target.lazySrc;
  }
}, { rootMargin: "300px" });

/** The image, or the first frame of the video, of an item. It is loaded when it comes into view. */
function makePreview(item, alt, onError) {
  let media;
  if (item.kind === "image") {
    media = make("img", { loading: "lazy", decoding: "async", referrerPolicy: "no-referrer", alt, src: item.url });
  } else {
    // Without a time, some phones show no frame.
    const lazySrc = `${item.url}#t=0.001`;
    media = make("video", { muted: true, loop: true, playsInline: true, preload: "none", lazySrc });
    if (alt) media.ariaLabel = alt;
    loadInView.observe(media);
  }
  media.addEventListener("error", onError, { once: true });
  return media;
}

/** Shown instead of an item that could not be loaded. */
function makeErrorNote(item) {
  const { title, reason } = loadError(item, Date.now());
  const note = make("div", { className: "broken-tile" }, make("strong", {}, title), make("span", {}, reason));
  if (item.original) note.append(makeLink(item.original, "Open original"));
  return note;
}

/**
 * How an image or a video looks, loaded and when it could not be loaded.
 * @typedef {{ makeLoaded: (item: Item, onError: () => void) => Element, makeBroken: (item: Item) => Element }} Look
 */

/**
 * The look in the row of a run. `open` shows an item in full size.
 * @returns {Look}
 */
const thumbnailLook = (open) => ({
  makeLoaded(item, onError) {
    const thumbnail = makePreview(item, "", onError);
    thumbnail.className = "thumb";
    // For the pointer only; the keyboard opens the run, which has buttons for this.
    thumbnail.addEventListener("click", (event) => {
      event.preventDefault();
      open(item.key);
    });
    return thumbnail;
  },
  makeBroken(item) {
    const { title } = loadError(item, Date.now());
    return make("span", { className: "thumb broken", title, role: "img", ariaLabel: title }, "×");
  },
});

/**
 * The look in an open run. `open` shows an item in full size.
 * @returns {Look}
 */
function tileLook(open) {
  const makeTile = (item, content) =>
    make("figure", { className: "tile" }, content, make("figcaption", { title: item.name }, item.name));
  return {
    makeLoaded(item, onError) {
      const media = makePreview(item, item.name, onError);
      const ariaLabel = `Show ${item.name} in full size`;
      const button = make("button", { type: "button", ariaLabel, onclick: () => open(item.key) }, media);
      if (item.kind === "video") {
        button.append(make("span", { className: "play" }, "▶ Video"));
        playOnHover(button, media);
      }
      return makeTile(item, button);
    },
    makeBroken: (item) => makeTile(item, makeErrorNote(item)),
  };
}

function playOnHover(button, video) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  // The promise is rejected when the pointer leaves before the video started; that is no error.
  button.addEventListener("pointerenter", () => video.play().catch(() => {}));
  button.addEventListener("pointerleave", () => video.pause());
}

/** An image or a video. Once loaded it stays, also when its URL is signed again. */
class VisualItem {
  #item;
  #look;
  #isBroken = false;

  constructor(item, look) {
    this.#item = item;
    this.#look = look;
    this.#load();
  }
  update(item) {
    const isNewUrl = item.url !== this.#item.url;
    this.#item = item;
    if (isNewUrl && this.#isBroken) this.#load();
  }
  #load() {
    const { url } = this.#item;
    this.#isBroken = false;
    this.#replace(this.#look.makeLoaded(this.#item, () => {
      this.#isBroken = true;
      // A new URL may have come while this one was loading.
      if (this.#item.url !== url) this.#load();
      else this.#replace(this.#look.makeBroken(this.#item));
    }));
  }
  #replace(element) {
    this.element?.replaceWith(element);
    this.element = element;
  }
}

const MAKE_BY_KIND = {
  text(item) {
    const isLong = item.text.length > MAX_TEXT_CHARS;
    const text = make("pre", {}, item.text.slice(0, MAX_TEXT_CHARS) + (isLong ? "…" : ""));
    const box = make("div", { className: "copyable" }, text, makeCopyButton(() => item.text, text, "Copy the text"));
    return make("figure", { className: "text" }, make("figcaption", {}, item.name || "text"), box);
  },
  audio(item) {
    const player = make("audio", { controls: true, preload: "none", src: item.url, ariaLabel: item.name });
    player.addEventListener("error", () => player.replaceWith(makeErrorNote(item)), { once: true });
    return make("figure", { className: "audio" }, make("figcaption", {}, item.name), player);
  },
  file: (item) => make("p", { className: "file" }, makeLink(item.url, item.name)),
};

/** A text, a sound or a file. A new URL makes it anew, unless it is being played. */
class OtherItem {
  #item;

  constructor(item) {
    this.#item = item;
    this.element = MAKE_BY_KIND[item.kind](item);
  }
  update(item) {
    const player = this.element.querySelector("audio");
    const isPlaying = player && !player.paused;
    if (item.url === this.#item.url || isPlaying) return;
    this.#item = item;
    const element = MAKE_BY_KIND[item.kind](item);
    this.element.replaceWith(element);
    this.element = element;
  }
}

/**
 * Makes `container` show `items`. It keeps the elements of those already shown, which may be playing.
 * @param {Map<string, VisualItem | OtherItem>} shown by the key of the item
 */
function reconcile(container, shown, items, create) {
  const keys = new Set(items.map(({ key }) => key));
  for (const [key, { element }] of shown) {
    if (keys.has(key)) continue;
    element.remove();
    shown.delete(key);
  }
  items.forEach((item, index) => {
    const current = shown.get(item.key);
    if (current) current.update(item);
    else shown.set(item.key, create(item));
    const { element } = shown.get(item.key);
    const there = container.children[index];
    if (there !== element) container.insertBefore(element, there ?? null);
  });
}
