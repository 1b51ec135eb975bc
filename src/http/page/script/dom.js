// dom.js: short ways to find, make and change elements, and copying text.

const byId = (id) => document.getElementById(id);

/** A new element with these properties. Text is only ever set as text: anyone may have sent it. */
function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

const makeLink = (href, text) => make("a", { href, target: "_blank", rel: "noopener noreferrer" }, text);

/** Sets a property only if it differs, so that the browser redraws only what changed. */
function set(target, property, value) {
  if (target[property] !== value) target[property] = value;
}

/** Copies text. Without the clipboard API, as on plain http, by selecting the element that shows it. */
async function copy(text, element) {
  if (navigator.clipboard) {
    try {
      return await navigator.clipboard.writeText(text);
    } catch { /* Not allowed; the other way may be. */ }
  }
  getSelection().selectAllChildren(element);
  if (!document.execCommand("copy")) throw new Error("the browser does not let the page copy");
}

/** Makes a button copy what `text()` returns and `element` shows. */
function copyOnClick(button, text, element) {
  const label = button.ariaLabel, { textContent } = button;
  const showResult = (result) => {
    button.textContent = button.ariaLabel = result;
    byId("announcement").textContent = result;
  };
  const reset = () => {
    button.textContent = textContent;
    button.ariaLabel = label;
    byId("announcement").textContent = "";
  };
  button.addEventListener("click", async () => {
    await copy(text(), element).then(() => showResult("Copied"), () => showResult("Press Ctrl+C"));
    setTimeout(reset, 2000);
  });
}

function makeCopyButton(text, element, label) {
  const button = make("button", { type: "button", className: "copy", ariaLabel: label }, "Copy");
  copyOnClick(button, text, element);
  return button;
}
