// main.js: connects the list, the filter, the stream and the section that says how to connect ComfyDeploy.

const filterButtons = [...document.querySelectorAll(".filters button")];
const filterInUrl = location.hash.slice(1);
const runList = new RunList(byId("runs"), Object.hasOwn(STATUS_NAMES, filterInUrl) ? filterInUrl : "");
const runStream = new RunStream(runList, redraw);
let isConnectOpen = false;

/** Updates all that is around the list. */
function redraw() {
  const { counts } = runStream, { filter } = runList;
  const isEmpty = runList.size === 0;
  const isWaitingForFirst = isEmpty && runList.isComplete && !counts?.all && filter === "";
  set(byId("runs"), "hidden", isEmpty);
  set(byId("none"), "hidden", isWaitingForFirst || !runList.isComplete || !isEmpty);
  set(byId("none"), "textContent", filter ? `No ${filter} runs.` : "No runs.");
  set(byId("welcome"), "hidden", !isWaitingForFirst);
  set(byId("connect"), "hidden", !isWaitingForFirst && !isConnectOpen);
  set(byId("connect-button"), "hidden", isWaitingForFirst);
  set(document.querySelector(".filters"), "hidden", isWaitingForFirst);
  const total = counts?.[filter || "all"] ?? 0;
  set(byId("more"), "hidden", total <= MAX_ROWS || runList.size < MAX_ROWS);
  set(byId("more"), "textContent", `Showing the newest ${formatCount(MAX_ROWS)} of ${formatCount(total)} runs.`);
  if (counts) redrawCounts(counts);
}

function redrawCounts(counts) {
  for (const button of filterButtons) {
    set(button.lastElementChild, "textContent", formatCount(counts[button.dataset.status || "all"] ?? 0));
  }
  set(document, "title", counts.processing ? `(${counts.processing}) Runs` : "Runs");
}

function showFilter() {
  for (const button of filterButtons) {
    button.setAttribute("aria-pressed", String(button.dataset.status === runList.filter));
  }
}

function setFilter(status) {
  history.replaceState(null, "", status ? `#${status}` : location.pathname + location.search);
  runList.filterBy(status);
  showFilter();
  redraw();
  runStream.open();
}

for (const link of document.querySelectorAll("[data-path]")) link.href = serviceUrl(link.dataset.path);
for (const button of filterButtons) button.addEventListener("click", () => setFilter(button.dataset.status));
byId("connect-button").addEventListener("click", ({ target }) => {
  isConnectOpen = !isConnectOpen;
  target.setAttribute("aria-expanded", String(isConnectOpen));
  redraw();
});
setInterval(() => {
  if (!document.hidden) runList.updateAges();
  runStream.check();
}, 1000);
showFilter();
runStream.open();
