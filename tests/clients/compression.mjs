// A proxy in front of RUNS_URL that compresses what it can. It prints its address, and ends with its standard input.
import { get } from "node:http";
import compression from "compression";
import express from "express";

const app = express();
app.use(compression({ threshold: 0 }));
app.use((request, response) => {
  get(process.env.RUNS_URL + request.url, (upstream) => {
    response.writeHead(upstream.statusCode, upstream.headers);
    upstream.pipe(response);
  });
});
const server = app.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
process.stdin.on("end", () => process.exit()).resume();
