// groups.js: shows lists of items, whose elements stay while the items do.

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

// Of each group of items. More are shown on demand.
const GROUP_STEP = 50;

/** Items one after another: at first some, and more with each click on a button. */
class ItemGroup {
  #create;
  #list;
  #items = [];
  #shown = new Map();
  #limit = GROUP_STEP;
  #more = make("button", { type: "button", className: "plain", onclick: () => this.#showMore() });

  constructor(className, create) {
    this.#create = create;
    this.#list = make("div", { className });
    this.element = make("div", { className: "group" }, this.#list, this.#more);
  }
  update(items) {
    this.#items = items;
    const rest = Math.max(0, items.length - this.#limit);
    reconcile(this.#list, this.#shown, items.slice(0, this.#limit), this.#create);
    set(this.element, "hidden", items.length === 0);
    set(this.#more, "hidden", rest === 0);
    set(this.#more, "textContent", `Show ${Math.min(rest, GROUP_STEP)} more of ${rest}`);
  }
  #showMore() {
    const firstNew = this.#limit;
    this.#limit += GROUP_STEP;
    this.update(this.#items);
    // The button may be gone now.
    this.#list.children[firstNew]?.querySelector("a, button, [tabindex]")?.focus();
  }
}
