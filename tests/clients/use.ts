// What an app does with a client that is generated from /openapi.json. `.ci/clients` checks its types and runs it.
import createClient from "openapi-fetch";
import type { components, paths } from "./generated/api.js";

const client = createClient<paths>({ baseUrl: process.argv[2] });
const run_id = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
const url = "https://example.com/castle.png";

const sent = await client.POST("/api/webhooks/run-update", {
  body: { run_id, status: "completed", outputs: [{ id: "out-1", data: { images: [{ url }] } }] },
});
if (sent.error) throw new Error(sent.error.detail);

const { data: run, error } = await client.GET("/api/runs/{run_id}", {
  params: { path: { run_id }, query: { wait: 1 } },
});
if (error) throw new Error(error.detail);
const shown: string | undefined = run.outputs[0]?.data?.images?.[0]?.url;
const reason: string | undefined = run.outputs[0]?.data?.exception_message;
const status: "queued" | "processing" | "completed" | "failed" | "cancelled" | null = run.status;
if (shown !== url || reason || status !== "completed") throw new Error(JSON.stringify(run));

const list = await client.GET("/api/runs", { params: { query: { status: "completed", limit: 10 } } });
if (list.error) throw new Error(list.error.detail);
const runs: components["schemas"]["Run"][] = list.data.runs;
const service = await client.GET("/api/service");
if (service.error) throw new Error(service.error.detail);
const place: "memory" | "database" = service.data.runs_kept_in;
if (place !== "memory" || service.data.counts.completed !== 1) throw new Error(JSON.stringify(service.data));

// Outputs that were read can be sent again.
const again = await client.POST("/api/webhooks/run-update", { body: { run_id, outputs: runs[0]?.outputs } });
if (again.error) throw new Error(again.error.detail);

const unknown = await client.GET("/api/runs/{run_id}", { params: { path: { run_id: "nonsense" } } });
if (unknown.error?.parameter !== "run_id") throw new Error(JSON.stringify(unknown.error));
