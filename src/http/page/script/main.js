// main.js: connects the address, the list, the gallery, the feed and all that is around them.

class Page {
  #router = new Router((before) => this.#onRoute(before));
  #attention = new Attention(byId("notify"), (run) => this.#router.go({ view: "", run }));
  #store = new RunStore(this.#router.route, (run) => this.#attention.runEnded(run));
  #feed = new Feed(this.#store, () => this.#redraw());
  #list;
  #gallery;
  #pinned;
  #pictureView = new PictureView(this.#router);
  #feedState = new FeedState(this.#feed);
  #search = new Search(this.#router);
  #endOfList = new EndOfList(this.#store, this.#feed);
  #isConnectOpen = false;
  // Where the viewer was before a reload. The browser cannot go there before the runs have come.
  #scrollY = history.state?.scrollY ?? 0;
  // As it was shown last, since the service may forget it while it is open.
  #openRun = null;

  constructor() {
    const router = this.#router, store = this.#store, onRelease = () => this.#redraw();
    /** @type {RowActions} */
    const actions = {
      toggle: ({ run_id }) => router.go({ run: router.route.run === run_id ? "" : run_id }),
      close: () => router.go({ run: "" }),
      open: ({ run_id }) => router.go({ view: "", run: run_id }),
      showPicture: ({ run_id }, n) => router.go({ picture: `${run_id}/${n}` }),
    };
    this.#list = new RunList(byId("runs"), store, { actions, onRelease });
    this.#gallery = new Gallery(byId("gallery"), store, { actions, onRelease });
    this.#pinned = new PinnedRun(byId("pinned"), store, { actions, onLoaded: onRelease });
    byId("connect-button").addEventListener("click", ({ target }) => {
      this.#isConnectOpen = !this.#isConnectOpen;
      target.ariaExpanded = String(this.#isConnectOpen);
      this.#redraw();
    });
    byId("new").addEventListener("click", () => {
      this.#redraw({ force: true });
      scrollTo({ top: 0 });
    });
    for (const link of document.querySelectorAll("[data-path]")) link.href = serviceUrl(link.dataset.path);
    this.#prepareViews();
    this.#showViews();
    this.#restart();
    setInterval(() => this.#check(), 1000);
  }

  /** Draws what changed. With `force`, new runs come though the viewer is at work in the list. */
  #redraw({ force = false } = {}) {
    const { route } = this.#router, { counts } = this.#feed, isGallery = route.view === "gallery";
    const showsAll = !route.run && !route.status && !route.search;
    // A list that is hidden draws nothing.
    set(byId("runs"), "hidden", isGallery);
    // A run that is closed no longer keeps new ones away.
    this.#list.open(isGallery ? "" : route.run);
    this.#list.update({ force });
    const isEmpty = this.#list.size === 0;
    const isFirst = isEmpty && this.#store.isComplete && !counts?.all && showsAll;
    set(byId("runs"), "hidden", isEmpty || isGallery);
    set(byId("gallery"), "hidden", !isGallery || isFirst);
    if (isGallery) this.#gallery.update({ force });
    this.#showPinned();
    this.#showPicture();
    this.#showNewCount(isGallery ? this.#gallery.newCount : this.#list.newCount, isGallery ? "picture" : "run");
    set(byId("welcome"), "hidden", !isFirst);
    set(byId("connect"), "hidden", !isFirst && !this.#isConnectOpen);
    set(byId("connect-button"), "hidden", isFirst);
    set(byId("controls"), "hidden", isFirst);
    if (counts) this.#search.showCounts(counts);
    this.#feedState.update();
    const isGalleryEmpty = this.#gallery.size === 0, hasMore = isGallery && this.#gallery.hasMore;
    this.#endOfList.update(route, { isEmpty: isGallery ? isGalleryEmpty : isEmpty, isFirst, hasMore });
    this.#attention.update(counts?.processing ?? 0);
    this.#restoreScroll();
  }
  #restoreScroll() {
    if (this.#scrollY === 0 || !this.#store.isComplete) return;
    scrollTo({ top: this.#scrollY });
    this.#scrollY = 0;
  }
  /** Shows the run of the address above the list, if the list does not have it. */
  #showPinned() {
    const { run, view } = this.#router.route;
    const isPinned = run && !view && !this.#list.has(run) && (this.#store.isComplete || this.#pinned.id === run);
    this.#pinned.show(isPinned ? run : "", this.#openRun?.run_id === run ? this.#openRun : null);
    this.#openRun = this.#list.get(run) ?? this.#pinned.get(run);
    this.#feed.openId = run;
  }
  #showPicture() {
    const { picture, view, run: open } = this.#router.route;
    const id = parsePicture(picture)?.run;
    const run = this.#store.get(id) ?? this.#pinned.get(id) ?? this.#pictureView.get(id);
    const isUnknown = id && !run && this.#store.isComplete;
    // Opening its run loads it.
    if (isUnknown && (open !== id || view)) this.#router.go({ view: "", run: id, picture }, { replace: true });
    else this.#pictureView.update(run, view ? this.#gallery.pictures : []);
  }
  #showNewCount(count, noun) {
    set(byId("new"), "hidden", count === 0);
    if (count > 0) set(byId("new"), "textContent", `${formatCount(count)} new ${noun}${count > 1 ? "s" : ""}`);
  }

  #onRoute(before) {
    const { route } = this.#router;
    const isOtherQuery = route.status !== before.status || route.search !== before.search;
    const isOtherList = isOtherQuery || route.view !== before.view;
    if (isOtherQuery) this.#restart();
    this.#search.showRoute();
    this.#showViews();
    this.#redraw({ force: isOtherList });
    if (isOtherList) scrollTo({ top: 0 });
  }
  #restart() {
    this.#store.restrictTo(this.#router.route);
    this.#feed.start(queryOf(this.#router.route));
  }
  /** A link to an address without a # would load the page again. */
  #prepareViews() {
    for (const link of document.querySelectorAll("[data-view]")) {
      link.addEventListener("click", (event) => {
        if (isModified(event)) return;
        event.preventDefault();
        this.#router.go({ view: link.dataset.view, run: "" });
      });
    }
  }
  #showViews() {
    for (const link of document.querySelectorAll("[data-view]")) {
      link.ariaCurrent = link.dataset.view === this.#router.route.view ? "page" : null;
      link.href = this.#router.addressOf({ view: link.dataset.view, run: "" });
    }
  }
  /** Every second. */
  #check() {
    if (!document.hidden) this.#list.updateTimes(serverNow());
    this.#pinned.check();
    this.#feed.check();
    this.#attention.check();
    if (history.state?.scrollY !== scrollY) history.replaceState({ ...history.state, scrollY }, "");
    const { size } = this.#store;
    // A page that stays open for days must not keep all runs of these days.
    const isTooMany = size > 2 * MAX_RUNS || (size > MAX_RUNS && !this.#list.isHeld);
    // Before the next snapshot is complete, another restart would only delay it.
    if (isTooMany && this.#store.isComplete) this.#restart();
  }
}

new Page();
