// connect.js: how to send updates: commands for a shell, and the request that queues a run with its webhook here.

const webhookUrl = `${base}api/webhooks/run-update`;
const needsWebhookToken = document.body.dataset.webhookToken === "yes";
const needsReadToken = document.body.dataset.readToken === "yes";

/** A random UUID. On plain http there is no crypto.randomUUID. */
function randomUuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = bytes[6] & 0x0f | 0x40;
  bytes[8] = bytes[8] & 0x3f | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}

/** Hosts that ComfyDeploy cannot reach: this machine, a private network, and names that are not in public DNS. */
const LOCAL_HOSTS = [
  /^(0|10|127|169\.254|172\.(1[6-9]|2\d|3[01])|192\.168)\.[\d.]+$/,
  /^\[(::1?\]|f[cd]|fe[89ab])/,
  /^[^.:]+$/,
  /\.(localhost|local|internal)$/,
];
const isLocalHost = (host) => LOCAL_HOSTS.some((pattern) => pattern.test(host.replace(/\.$/, "")));

/** A text as one word of a POSIX shell. */
const quoteForShell = (text) => `'${text.replaceAll("'", "'\\''")}'`;

const withoutFalse = (parts) => parts.filter((part) => part !== false);
const linesOf = (...lines) => withoutFalse(lines).join("\n");
const curlCommand = (url, ...options) => withoutFalse([`curl ${url}`, ...options]).join(" \\\n  ");

function fillCommands() {
  const runId = randomUuid();
  const update = `{"run_id": "${runId}", "status": "processing", "progress": 45}`;
  byId("curl").textContent = curlCommand(
    quoteForShell(webhookUrl),
    needsWebhookToken && '-H "Authorization: Bearer $WEBHOOK_TOKEN"',
    "-H 'Content-Type: application/json'",
    `-d ${quoteForShell(update)}`,
  );
  byId("curl-read").textContent = curlCommand(
    quoteForShell(`${base}api/runs/${runId}`),
    needsReadToken && '-H "Authorization: Bearer $READ_TOKEN"',
  );
  const tokens = withoutFalse([needsWebhookToken && "WEBHOOK_TOKEN", needsReadToken && "READ_TOKEN"]);
  byId("shell-tokens").textContent = `This service checks tokens: first set ${tokens.join(" and ")} in the shell.`;
  byId("shell-tokens").hidden = tokens.length === 0;
}

/** The webhook for ComfyDeploy. `password` stands for the token where one is needed. */
function webhookWith(password) {
  const url = `${webhookUrl}?target_events=run.output,run.updated`;
  return needsWebhookToken ? url.replace("://", () => `://hook:${password}@`) : url;
}

// A URL holds no double quotes, backticks, braces or backslashes, so none of these needs an escape.
const webhookInJavaScript = needsWebhookToken
  ? `\`${webhookWith("${webhookToken}")}\``
  : `"${webhookWith("")}"`;
const webhookInPython = `${needsWebhookToken ? "f" : ""}"${webhookWith("{webhook_token}")}"`;

/** The request that queues a run, in each language, with ComfyDeploy's own packages. */
const QUEUE_REQUESTS = {
  curl: curlCommand(
    "https://api.comfydeploy.com/api/run/deployment/queue",
    '-H "Authorization: Bearer $COMFYDEPLOY_API_KEY"',
    "-H 'Content-Type: application/json'",
    `-d ${quoteForShell(linesOf(
      "{",
      '    "deployment_id": "YOUR_DEPLOYMENT_ID",',
      '    "inputs": {},',
      `    "webhook": "${webhookWith("TOKEN")}",`,
      '    "webhook_intermediate_status": true',
      "  }",
    ))}`,
  ),
  js: linesOf(
    "// npm install comfydeploy@2.0.0-beta.69 (0.0.19 cannot send webhook_intermediate_status)",
    'import { ComfyDeploy } from "comfydeploy";',
    "",
    "const comfyDeploy = new ComfyDeploy({ bearer: process.env.COMFYDEPLOY_API_KEY });",
    needsWebhookToken && 'const webhookToken = encodeURIComponent(process.env.WEBHOOK_TOKEN ?? "");',
    "const { runId } = await comfyDeploy.run.deployment.queue({",
    '  deploymentId: "YOUR_DEPLOYMENT_ID",',
    "  inputs: {},",
    `  webhook: ${webhookInJavaScript},`,
    "  webhookIntermediateStatus: true,",
    "});",
    "console.log(runId);",
  ),
  python: linesOf(
    "# pip install comfydeploy",
    "import os",
    needsWebhookToken && "from urllib.parse import quote",
    "",
    "from comfydeploy import ComfyDeploy",
    "",
    needsWebhookToken && 'webhook_token = quote(os.environ["WEBHOOK_TOKEN"], safe="")',
    'with ComfyDeploy(bearer=os.environ["COMFYDEPLOY_API_KEY"]) as comfy_deploy:',
    "    response = comfy_deploy.run.deployment.queue(",
    "        request={",
    '            "deployment_id": "YOUR_DEPLOYMENT_ID",',
    '            "inputs": {},',
    `            "webhook": ${webhookInPython},`,
    '            "webhook_intermediate_status": True,',
    "        }",
    "    )",
    "print(response.create_run_response.run_id)",
  ),
};

const languageButtons = [...document.querySelectorAll("[data-language]")];

function showQueueRequest(language) {
  for (const button of languageButtons) {
    button.setAttribute("aria-pressed", String(button.dataset.language === language));
  }
  byId("queue").textContent = QUEUE_REQUESTS[language];
  byId("replace-token").hidden = !needsWebhookToken || language !== "curl";
  byId("set-token").hidden = !needsWebhookToken || language === "curl";
}

for (const button of languageButtons) {
  button.addEventListener("click", () => showQueueRequest(button.dataset.language));
}
for (const button of document.querySelectorAll("[data-copies]")) {
  const element = byId(button.dataset.copies);
  copyOnClick(button, () => element.textContent, element);
}
for (const element of document.querySelectorAll(".own-origin")) element.textContent = location.origin;
byId("local-only").hidden = !isLocalHost(location.hostname);
fillCommands();
showQueueRequest("curl");
