// main.js: connects the address, the list, the gallery, the feed and all that is around them.

// Older runs are loaded when the end of the list is this near to the window.
const OLDER_PX = 1000;
// The page loads no more runs than these.
const MAX_RUNS = 20_000;

const router = new Router(onRoute);
const attention = new Attention(byId("notify"), (run) => router.go({ view: "", run, picture: "" }));
const store = new RunStore(router.route, (run) => attention.runEnded(run));
const actions = {
  toggle: ({ run_id }) => router.go({ run: router.route.run === run_id ? "" : run_id }),
  showPicture: ({ run_id }, n) => router.go({ picture: `${run_id}/${n}` }),
};
const runList = new RunList(byId("runs"), store, { actions, onRelease: redraw });
const gallery = new Gallery(byId("gallery"), store, { actions, onRelease: redraw });
const pinned = new PinnedRun(byId("pinned"), store, actions);
const feed = new Feed(store, redraw);
const feedState = new FeedState(feed);
const searchForm = new Search(router);
let isConnectOpen = false;
let isLoadingOlder = false;
// What is shown in full size: the picture, as the address names it, and those before and after it.
let shownPicture = "";
let pictures = [];

/** Draws what changed. With `force`, new runs come though the viewer is at work in the list. */
function redraw({ force = false } = {}) {
  const { route } = router, { counts } = feed;
  const isGallery = route.view === "gallery";
  const isEmpty = store.size === 0 && runList.size === 0;
  const isWaitingForFirst = isEmpty && store.isComplete && !counts?.all && !route.run && !route.status && !route.search;
  set(byId("runs"), "hidden", isEmpty || isGallery);
  set(byId("gallery"), "hidden", !isGallery || isWaitingForFirst);
  runList.update({ force });
  showOpenRun();
  if (isGallery) gallery.update({ force });
  set(byId("welcome"), "hidden", !isWaitingForFirst);
  set(byId("connect"), "hidden", !isWaitingForFirst && !isConnectOpen);
  set(byId("connect-button"), "hidden", isWaitingForFirst);
  set(byId("controls"), "hidden", isWaitingForFirst);
  showNewCount(isGallery ? gallery.newCount : runList.newCount, isGallery ? "picture" : "run");
  if (counts) searchForm.showCounts(counts);
  feedState.update();
  showEnd(isGallery ? gallery.pictures.length === 0 : isEmpty, isGallery ? "pictures" : "runs", isWaitingForFirst);
  showPicture();
  attention.update(counts?.processing ?? 0);
}

/** Opens the run of the address: in the list, or if the list does not have it, above the list. */
function showOpenRun() {
  const { run, view } = router.route;
  const isPinned = Boolean(run) && !view && !runList.has(run) && store.isComplete;
  if (pinned.id !== run || !isPinned) pinned.show(isPinned ? run : "");
  runList.open(view ? "" : run);
}

/** Shows the picture of the address in full size, as soon as its run is known. */
function showPicture() {
  const { picture, view } = router.route;
  if (!picture) {
    shownPicture = "";
    return lightbox.hide();
  }
  const { run: id, n } = parsePicture(picture);
  const run = store.get(id) ?? pinned.get(id);
  if (!run && store.isComplete && router.route.run !== id) return router.go({ view: "", run: id }, { replace: true });
  const isAt = (other) => other.run.run_id === id && other.n === n;
  const isInGallery = view === "gallery" && gallery.pictures.some(isAt);
  pictures = isInGallery ? gallery.pictures : run ? picturesOf(run) : [];
  const entries = pictures.map((item) => ({ item, label: isInGallery ? `Run ${item.run.run_id.slice(0, 8)}` : "" }));
  if (picture === shownPicture) return lightbox.update(entries);
  const index = pictures.findIndex(isAt);
  if (index < 0) return;
  shownPicture = picture;
  lightbox.show(entries, index);
}

function showNewCount(count, noun) {
  const button = byId("new");
  set(button, "hidden", count === 0);
  if (count > 0) set(button, "textContent", `${formatCount(count)} new ${noun}${count > 1 ? "s" : ""}`);
}

/** What stands below the last run. */
function showEnd(isEmpty, noun, isWaitingForFirst) {
  const { status, search } = router.route, { service } = feed;
  const isAll = !status && !search;
  set(byId("none"), "hidden", !isEmpty || !store.isComplete || isWaitingForFirst);
  set(byId("none"), "textContent", isAll ? `No ${noun} yet.` : ["No", status, noun, search && `for ${search}`].filter(Boolean).join(" ") + ".");
  const isForgetful = store.isComplete && store.nextCursor === null && service?.runs_kept_in === "memory";
  const end = isForgetful && isAll
    ? `The service has kept runs in memory since ${formatTime(service.started_at)}. Earlier runs are forgotten.`
    : store.size >= MAX_RUNS ? `These are the newest ${formatCount(store.size)} runs. Search to find older ones.` : "";
  set(byId("end"), "textContent", end);
  set(byId("end"), "hidden", !end);
  set(byId("older"), "hidden", store.nextCursor === null || store.size >= MAX_RUNS);
  loadOlderIfNear();
}

async function loadOlderIfNear() {
  const button = byId("older");
  const isNear = !button.hidden && button.getBoundingClientRect().top < innerHeight + OLDER_PX;
  if (isNear && !isLoadingOlder) await loadOlder();
}
async function loadOlder() {
  isLoadingOlder = true;
  byId("older").textContent = "Loading older runs…";
  try {
    await feed.loadOlder();
    isLoadingOlder = false;
    redraw();
  } catch (error) {
    // From now on only by a click.
    byId("older").textContent = `Older runs could not be loaded: ${error.message} Try again`;
  }
}

function onRoute(before) {
  const { route } = router;
  const isOtherQuery = route.status !== before.status || route.search !== before.search;
  if (isOtherQuery) {
    store.restrictTo(route);
    feed.start(queryOf(route));
  }
  const isOtherList = isOtherQuery || route.view !== before.view;
  searchForm.showRoute();
  showView();
  redraw({ force: isOtherList });
  if (isOtherList) scrollTo({ top: 0 });
}
function showView() {
  for (const link of document.querySelectorAll("[data-view]")) {
    const isCurrent = link.dataset.view === router.route.view;
    link.ariaCurrent = isCurrent ? "page" : null;
    link.href = router.addressOf({ view: link.dataset.view, run: "", picture: "" });
  }
}

lightbox.onStep = (index) => {
  const { run, n } = pictures[index];
  shownPicture = `${run.run_id}/${n}`;
  router.go({ picture: shownPicture }, { replace: true });
};
lightbox.onClose = () => router.undo({ picture: "" });
for (const link of document.querySelectorAll("[data-path]")) link.href = serviceUrl(link.dataset.path);
byId("connect-button").addEventListener("click", ({ target }) => {
  isConnectOpen = !isConnectOpen;
  target.ariaExpanded = String(isConnectOpen);
  redraw();
});
byId("new").addEventListener("click", () => {
  redraw({ force: true });
  scrollTo({ top: 0 });
});
byId("older").addEventListener("click", loadOlder);
addEventListener("scroll", loadOlderIfNear, { passive: true });
setInterval(() => {
  if (!document.hidden) runList.updateTimes(serverNow());
  pinned.check();
  feed.check();
  // A page that stays open for days must not keep all runs of these days.
  if (store.size > 2 * MAX_RUNS || store.size > MAX_RUNS && !runList.isHeld) restart();
}, 1000);

function restart() {
  store.restrictTo(router.route);
  feed.start(queryOf(router.route));
}

showView();
feed.start(queryOf(router.route));
