// feed_state.js: says how the page is connected, and when the service has forgotten runs.

const STATE_NAMES = {
  wait: "Connecting", live: "Live", poll: "Updated every 3 s", lost: "Disconnected, trying again", paused: "Paused",
};

class FeedState {
  #feed;
  // When the service started that the page saw first, or that the viewer was told about.
  #startedAt = null;

  constructor(feed) {
    this.#feed = feed;
    byId("restarted").querySelector("button").addEventListener("click", () => {
      this.#startedAt = feed.service.started_at;
      this.update();
    });
  }
  update() {
    const { state, reason, service } = this.#feed;
    set(byId("state").dataset, "state", state);
    set(byId("state"), "textContent", STATE_NAMES[state]);
    const isExplained = Boolean(reason) && (state === "poll" || state === "lost");
    set(byId("reason"), "hidden", !isExplained);
    if (isExplained) {
      const instead = state === "poll" ? " The page asks for the runs every 3 s instead." : "";
      set(byId("reason"), "textContent", reason + instead);
    }
    if (service) this.#showRestart(service);
  }
  #showRestart({ started_at, runs_kept_in }) {
    this.#startedAt ??= started_at;
    const isNews = runs_kept_in === "memory" && started_at !== this.#startedAt;
    set(byId("restarted"), "hidden", !isNews);
    if (isNews) {
      const text = `The service was restarted at ${formatTime(started_at)} and keeps runs in memory.`;
      set(byId("restarted").firstElementChild, "textContent", `${text} Earlier runs are forgotten.`);
    }
  }
}
