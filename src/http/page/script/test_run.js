// test_run.js: sends the updates of one run to the webhook, as ComfyDeploy does.

const TEST_STEP_MS = 600;
// As long as ComfyDeploy waits.
const TEST_TIMEOUT_MS = 20_000;

/** A small picture as a data: URL: a sky, a sun and hills, in other colors each time. */
function testPicture() {
  const hue = Math.floor(Math.random() * 360), glow = (hue + 60) % 360;
  const canvas = make("canvas", { width: 256, height: 256 }), context = canvas.getContext("2d");
  const draw = (color, path) => {
    context.fillStyle = color;
    context.fill(new Path2D(path));
  };
  context.scale(2.56, 2.56);
  const sky = context.createLinearGradient(0, 0, 0, 100);
  sky.addColorStop(0, `hsl(${hue},55%,38%)`);
  sky.addColorStop(0.75, `hsl(${glow},75%,74%)`);
  draw(sky, "M0 0h100v100H0z");
  draw(`hsl(${glow},90%,93%)`, "M55 36a9 9 0 1 1 18 0a9 9 0 1 1-18 0z");
  for (const [top, lightness] of [[60, 46], [72, 33], [86, 20]]) {
    draw(`hsl(${hue},45%,${lightness}%)`, `M0 100V${top}Q24 ${top - 16} 48 ${top}T100 ${top - 6}V100z`);
  }
  return canvas.toDataURL("image/png");
}

/** The updates of a run with a text and a picture, in the form that ComfyDeploy's backend sends. */
function testUpdates(runId) {
  const makeOutput = (nodeId, nodeClass, data) => {
    const now = new Date().toISOString();
    return {
      id: randomUuid(), output_id: null, run_id: runId, data, node_meta: { node_id: nodeId, node_class: nodeClass },
      created_at: now, updated_at: now, type: null, node_id: nodeId,
    };
  };
  const text = makeOutput("14", "ShowText|pysssss", { text: ["rolling hills at dusk, flat illustration"] });
  const picture = makeOutput("9", "SaveImage", {
    images: [{
      url: testPicture(), type: "output", filename: "test-run.png", subfolder: "", is_public: true,
      upload_duration: 0.1,
    }],
  });
  const report = (status, progress, node = null, outputs = []) => ({
    event_type: status === "running" && outputs.length > 0 ? "run.output" : "run.updated",
    status, live_status: node && `Executing ${node}`, progress, run_id: runId, outputs,
  });
  return [
    report("queued", 0),
    report("started", 0),
    report("running", 0.05, "CheckpointLoaderSimple"),
    report("running", 0.15, "CLIPTextEncode", [text]),
    report("running", 0.35, "KSampler"),
    report("running", 0.55, "KSampler"),
    report("running", 0.75, "KSampler"),
    report("running", 0.95, "SaveImage", [picture]),
    report("uploading", 0.98, "SaveImage"),
    report("success", 0.98, "SaveImage", [text, picture]),
  ];
}

/** Why the webhook did not accept an update; null if it did. */
async function whyRejected(response) {
  if (response.ok) return null;
  if (response.type === "opaqueredirect") return "the webhook's address is redirected, and that loses updates";
  if (response.status === 401 && needsWebhookToken) return "the webhook token is wrong";
  return problemDetail(response);
}

/** Posts an update as ComfyDeploy would: with the token alone, and with no cookies. Throws an error that says why. */
async function postTestUpdate(update, webhookToken) {
  const headers = { "Content-Type": "application/json" };
  if (webhookToken) headers.Authorization = `Bearer ${webhookToken}`;
  const response = await fetch(`${webhookUrl}?source=test`, {
    method: "POST", headers, body: JSON.stringify(update), credentials: "omit", redirect: "manual",
    signal: AbortSignal.timeout(TEST_TIMEOUT_MS),
  }).catch(() => {
    throw new Error("the service cannot be reached");
  });
  const reason = await whyRejected(response);
  if (reason) throw new Error(reason);
}

/** The form that sends a test run. */
class TestRunForm {
  #button = byId("send-test-run");
  #state = byId("test-run-state");
  #tokenInput = byId("test-run-token");
  #label = this.#button.textContent;
  #isSending = false;

  constructor(form) {
    byId("test-run-token-field").hidden = !needsWebhookToken;
    this.#tokenInput.required = needsWebhookToken;
    if (needsWebhookToken) this.#tokenInput.value = addressToken ?? "";
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!this.#isSending) this.#send();
    });
  }
  async #send() {
    this.#setSending(true);
    const runId = randomUuid();
    try {
      await this.#sendUpdates(testUpdates(runId));
      this.#say("The test run is complete.", "completed");
      this.#state.append(" ", make("a", { href: `#run=${runId}` }, "Show it"));
    } catch (error) {
      // The list may have taken the place of the form.
      if (byId("connect").hidden) byId("connect-button").click();
      this.#say(`The test run stopped: ${error.message}`, "failed");
    }
    this.#setSending(false);
  }
  async #sendUpdates(updates) {
    for (const [index, update] of updates.entries()) {
      if (index > 0) await new Promise((resolve) => setTimeout(resolve, TEST_STEP_MS));
      const doing = update.live_status ?? update.status;
      this.#button.textContent = `Step ${index + 1} of ${updates.length}: ${doing}`;
      await postTestUpdate(update, needsWebhookToken && this.#tokenInput.value);
    }
  }
  // Not `disabled`: that would take the focus from the button.
  #setSending(isSending) {
    this.#isSending = isSending;
    this.#button.ariaDisabled = String(isSending);
    if (isSending) this.#say("", "");
    else this.#button.textContent = this.#label;
  }
  #say(text, state) {
    this.#state.textContent = byId("announcement").textContent = text;
    this.#state.dataset.state = state;
  }
}

new TestRunForm(byId("test-run"));
