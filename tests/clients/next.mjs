// Runs the route handler for Next.js of the documents, which it reads from standard input, before the service at RUNS_URL.
import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import ts from "typescript";

const { RUN_ID, RUNS_URL, READ_TOKEN } = process.env;
const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
const { outputText } = ts.transpileModule(await text(process.stdin), { compilerOptions });
const { GET } = await import(`data:text/javascript,${encodeURIComponent(outputText)}`);

const respond = (id, init) =>
  GET(new Request("http://app.example.com/", init), { params: Promise.resolve({ id }) });

// The stream of a run, with what keeps it from being held back.
const user = new AbortController();
const stream = await respond(RUN_ID, { signal: user.signal });
assert.equal(stream.status, 200);
assert.equal(stream.headers.get("content-type"), "text/event-stream");
assert.equal(stream.headers.get("cache-control"), "no-store, no-transform");
assert.equal(stream.headers.get("x-accel-buffering"), "no");
const reader = stream.body.pipeThrough(new TextDecoderStream()).getReader();
let received = "";
while (!received.includes("\n\n")) received += (await reader.read()).value;
const run = JSON.parse(received.match(/^data: (.*)$/m)[1]);
assert.deepEqual([run.run_id, run.status], [RUN_ID, "processing"]);

// It ends at the service when the user leaves.
const subscribers = async () => {
  const headers = { Authorization: `Bearer ${READ_TOKEN}` };
  const metrics = await (await fetch(`${RUNS_URL}/metrics`, { headers })).text();
  return metrics.match(/^comfydeploy_webhook_subscribers (\d+)$/m)[1];
};
assert.equal(await subscribers(), "1");
reader.read().catch(() => {});
user.abort();
while (await subscribers() !== "0");

// What a browser sends when it reconnects, and errors, are passed on.
const ended = "00000000-0000-4000-8000-000000000000";
const over = await respond(ended, { headers: { "Last-Event-ID": `end-${ended}` } });
assert.equal(over.status, 204);
const nonsense = await respond("no/run");
assert.equal(nonsense.status, 400);
assert.equal((await nonsense.json()).parameter, "run_id");
process.env.READ_TOKEN = "wrong";
const unauthorized = await respond(RUN_ID);
assert.equal(unauthorized.status, 401);
assert.equal(unauthorized.headers.get("www-authenticate"), null, "or the browser asks the user for the token");
console.log("passed");
process.exit();
