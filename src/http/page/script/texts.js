// texts.js: draws texts and errors.

const MAX_TEXT_CHARS = 10_000;

/** Whether a text may not fit into its box, which then has to be reachable with the keyboard to be scrolled. */
const mayScroll = (text) => text.length > 300 || text.split("\n", 9).length > 8;

/** Makes a button copy a text that is not shown. Without the clipboard API it has to be on the page, though. */
function withHiddenText(button, text) {
  const hidden = make("span", { className: "visually-hidden", ariaHidden: "true" });
  copyOnClick(button, () => hidden.textContent = text(), hidden);
  return make("span", { className: "copies-hidden" }, button, hidden);
}

/** A text in a box that scrolls. `label` names the box. */
function makeTextBox(text, label) {
  const box = make("pre", {}, text);
  return mayScroll(text) ? Object.assign(box, { tabIndex: 0, role: "group", ariaLabel: label }) : box;
}

/** A text of a run, of which the beginning is shown and all is copied. */
function makeTextFigure({ name, text }) {
  const label = name || "text", isLong = text.length > MAX_TEXT_CHARS;
  const box = makeTextBox(shorten(text, MAX_TEXT_CHARS), label);
  const content = make("div", { className: "copyable" }, box, makeCopyButton(() => text, box, "Copy the text"));
  const figure = make("figure", { className: "text" }, make("figcaption", { title: label }, label), content);
  if (isLong) {
    const counts = [MAX_TEXT_CHARS, text.length].map(formatCount).join(" of ");
    // Without the clipboard API, only what is shown can be copied.
    const hint = navigator.clipboard ? " Copy takes the whole text." : "";
    figure.append(make("p", { className: "cut" }, `The first ${counts} characters.${hint}`));
  }
  return figure;
}

/** "KSampler (node 3)" */
function nodeText({ node, nodeId }) {
  if (!nodeId) return node;
  return node ? `${node} (node ${nodeId})` : `Node ${nodeId}`;
}

/** An error of ComfyUI. */
function makeFailureBox(failure) {
  const title = failure.type || "Error", node = nodeText(failure), { message, traceback } = failure;
  const box = make("div", { className: "failure", role: "group", ariaLabel: "Error" });
  const wholeText = () => [title, node, message, traceback].filter(Boolean).join("\n");
  box.append(make("p", { className: "failure-title" }, make("strong", {}, title), node && make("span", {}, node)));
  if (message) box.append(makeTextBox(message, "Message of the error"));
  if (traceback) {
    const text = make("pre", { className: "trace", tabIndex: 0, role: "group", ariaLabel: "Traceback" }, traceback);
    box.append(make("details", {}, make("summary", {}, "Traceback"), text));
  }
  const button = make("button", { type: "button", className: "copy", ariaLabel: "Copy the error" }, "Copy");
  box.append(withHiddenText(button, wholeText));
  return box;
}
