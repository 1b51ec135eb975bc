// connect.js: how to send updates: the commands, and the webhook for ComfyDeploy.

/** A random UUID. On plain http there is no crypto.randomUUID. */
function randomUuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = bytes[6] & 0x0f | 0x40;
  bytes[8] = bytes[8] & 0x3f | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}

function fillConnect() {
  const webhook = `${base}api/webhooks/run-update`;
  const needsToken = document.body.dataset.webhookToken === "yes";
  const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const update = `{"run_id": "${randomUuid()}", "status": "processing", "progress": 45}`;
  byId("curl").textContent = [
    "curl -H 'Content-Type: application/json'", needsToken && '-H "Authorization: Bearer $WEBHOOK_TOKEN"',
    quote(webhook), `-d ${quote(update)}`,
  ].filter(Boolean).join(" \\\n  ");
  byId("webhook").textContent = needsToken ? webhook.replace("://", "://hook:TOKEN@") : webhook;
  for (const note of document.querySelectorAll(".with-token")) note.hidden = !needsToken;
  byId("hostname").textContent = location.hostname;
  byId("local-only").hidden = !/^(localhost|127\.[\d.]+|\[::1\])$/.test(location.hostname);
}

for (const button of document.querySelectorAll("[data-copies]")) {
  const element = byId(button.dataset.copies);
  copyOnClick(button, () => element.textContent, element);
}

fillConnect();
