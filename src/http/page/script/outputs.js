// outputs.js: draws the items of a run, small, large and in full size.

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
  const { title, reason } = loadError(item, serverNow());
  return make("div", { className: "broken-tile" }, make("strong", {}, title), make("span", {}, reason));
}

/** Whether a click asks the browser for a new tab, a new window or a download. */
const isModified = (event) => event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;

/** Browsers save a file of another origin only from its own page: there, the link opens it in a new tab. */
function makeDownloadLink(item) {
  return Object.assign(makeLink(item.url, "Download"), {
    className: "action", download: item.name, ariaLabel: `Download ${item.name}`,
  });
}

/** What can be done with the file of an item. */
function makeActions(item, canOpen) {
  const actions = make("div", { className: "actions" });
  if (canOpen && item.original) {
    const ariaLabel = `Open ${item.name}`;
    actions.append(Object.assign(makeLink(item.original, "Open"), { className: "action", ariaLabel }));
  }
  actions.append(makeDownloadLink(item));
  if (item.original) {
    const button = make("button", { type: "button", className: "action", ariaLabel: `Copy URL of ${item.name}` });
    button.textContent = "Copy URL";
    actions.append(withHiddenText(button, () => item.original));
  }
  return actions;
}

/**
 * How an image or a video looks, loaded and when it could not be loaded.
 * @typedef {{ makeLoaded: (item: Item, onError: () => void) => Element, makeBroken: (item: Item) => Element }} Look
 */

/**
 * The look in the row of a run. `open` shows the item with a key in full size.
 * @returns {Look}
 */
const thumbnailLook = (open) => ({
  makeLoaded(item, onError) {
    const thumbnail = makePreview(item, "", onError);
    thumbnail.className = "thumb";
    // For the pointer only; the keyboard opens the run, which has links for this.
    const onClick = (event) => {
      if (event.button > 1) return;
      event.preventDefault();
      event.stopPropagation();
      const wantsTab = event.button === 1 || isModified(event);
      if (!wantsTab) open(item.key);
      else if (item.original) window.open(item.original, "_blank", "noopener,noreferrer");
    };
    thumbnail.addEventListener("click", onClick);
    thumbnail.addEventListener("auxclick", onClick);
    // Otherwise the middle button scrolls the page.
    thumbnail.addEventListener("mousedown", (event) => event.button === 1 && event.preventDefault());
    return thumbnail;
  },
  makeBroken(item) {
    const { title } = loadError(item, serverNow());
    return make("span", { className: "thumb broken", title, role: "img", ariaLabel: title }, "×");
  },
});

/**
 * The look in an open run. `open` shows the item with a key in full size.
 * @returns {Look}
 */
function tileLook(open) {
  const makeTile = (item, content, canOpen) => make("figure", { className: "tile" },
    content, make("figcaption", { title: item.name }, item.name), makeActions(item, canOpen));
  return {
    makeLoaded(item, onError) {
      const media = makePreview(item, item.name, onError), isVideo = item.kind === "video";
      // A data: URL cannot be opened in a tab.
      const opener = item.original ? makeLink(item.original, media) : make("button", { type: "button" }, media);
      opener.className = "opener";
      opener.ariaLabel = `${isVideo ? "Video: show" : "Show"} ${item.name} in full size`;
      opener.addEventListener("click", (event) => {
        if (item.original && isModified(event)) return;
        event.preventDefault();
        open(item.key);
      });
      if (isVideo) {
        opener.append(make("span", { className: "play" }, "▶ Video"));
        playOnHover(opener, media);
      }
      return makeTile(item, opener, false);
    },
    makeBroken: (item) => makeTile(item, makeErrorNote(item), true),
  };
}

function playOnHover(opener, video) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  // The promise is rejected when the pointer leaves before the video started; that is no error.
  opener.addEventListener("pointerenter", () => video.play().catch(() => {}));
  opener.addEventListener("pointerleave", () => video.pause());
}

/** An image or a video. Once loaded it stays, also when its URL is signed again; then its links change. */
class VisualItem {
  // Its looks read the URLs from it when they need them, so it is changed and not replaced.
  #item;
  #look;
  #isBroken = false;

  constructor(item, look) {
    this.#item = { ...item };
    this.#look = look;
    this.#load();
  }
  update(item) {
    if (item.url === this.#item.url) return;
    Object.assign(this.#item, item);
    // The URL of a data: URL is the picture itself.
    if (this.#isBroken || !item.original) this.#load();
    // The gallery's link to the run is none of its own.
    else for (const link of this.element.querySelectorAll("a[target]")) link.href = item.url;
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
  text: makeTextFigure,
  audio(item) {
    const makeFigure = (content) =>
      make("figure", { className: "audio" }, make("figcaption", {}, item.name), content, makeActions(item, true));
    // A sound is loaded only when it is played.
    if (expiredReason(item, serverNow())) return makeFigure(makeErrorNote(item));
    const player = make("audio", { controls: true, preload: "none", src: item.url, ariaLabel: item.name });
    player.addEventListener("error", () => player.replaceWith(makeErrorNote(item)), { once: true });
    return makeFigure(player);
  },
  file(item) {
    const extension = extensionOf(item.name), isShort = extension.length > 0 && extension.length <= 5;
    const format = make("span", { className: "format", ariaHidden: "true" }, isShort ? extension : "file");
    const name = make("figcaption", { title: item.name }, item.name);
    const figure = make("figure", { className: "file" }, format, name, makeActions(item, true));
    const reason = expiredReason(item, serverNow());
    if (reason) figure.append(make("p", { className: "expired" }, make("strong", {}, "Expired"), ` ${reason}`));
    return figure;
  },
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
    const isSame = item.url === this.#item.url && item.text === this.#item.text;
    if (isSame || isPlaying) return;
    this.#item = item;
    const element = MAKE_BY_KIND[item.kind](item);
    this.element.replaceWith(element);
    this.element = element;
  }
}
