// search.js: the filter by status, and the search for a run id or a label.

class Search {
  #router;
  #buttons = [...document.querySelectorAll(".filters [data-status]")];
  #form = byId("search");
  #input = byId("search").querySelector("input");
  // What the field shows, unless the viewer is typing.
  #shown = "";

  constructor(router) {
    this.#router = router;
    for (const button of this.#buttons) {
      button.addEventListener("click", () => router.go({ status: button.dataset.status, run: "" }));
    }
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#input.addEventListener("input", () => {
      this.#input.setCustomValidity("");
      if (this.#input.value === "") this.#submit();
    });
    this.showRoute();
  }
  showRoute() {
    const { status, search } = this.#router.route;
    for (const button of this.#buttons) button.ariaPressed = String(button.dataset.status === status);
    if (search === this.#shown) return;
    this.#shown = this.#input.value = search;
    this.#input.setCustomValidity("");
  }
  showCounts(counts) {
    for (const button of this.#buttons) {
      set(button.lastElementChild, "textContent", formatCount(counts[button.dataset.status || "all"] ?? 0));
    }
  }
  #submit() {
    const search = this.#input.value.trim();
    if (!isSearch(search)) {
      this.#input.setCustomValidity("Enter a run id, its beginning, or name:value of a label.");
      this.#input.reportValidity();
    } else if (search !== this.#router.route.search) {
      // A whole id is that of a run to open, which may be too old for the list.
      const run = withoutHyphens(search).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
      this.#router.go({ search, run: RUN_ID.test(run) ? run : "" });
    }
  }
}
