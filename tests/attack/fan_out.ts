/** Prints by how many bytes a vote of 60 on a chat of nearly the largest body raises the resident memory. */
import { createTestApp } from "../support/app.ts";

const [role] = Deno.args;
const messages = [
  { role: "user", content: "x".repeat(31 * 1_000_000) },
  { role, content: "?" },
];
const reasoning = { strategy: "vote", wave: 60, max_samples: 60 };
const body = JSON.stringify({ model: "m", messages, reasoning });

let calls = 0;
await using upstream = Deno.serve(
  { port: 0, hostname: "127.0.0.1", onListen() {} },
  async (request) => {
    const call = ++calls;
    for await (const _ of request.body!);
    return Response.json({
      choices: [{ message: { content: `${call}` }, finish_reason: "stop" }],
      usage: { prompt_tokens: 1, completion_tokens: 1 },
    });
  },
);
const app = await createTestApp({
  upstream: `http://127.0.0.1:${upstream.addr.port}/v1`,
  yaml: `
server: { max_samples: 60 }
upstreams: { u: { base_url: UPSTREAM } }
models: { m: { strategy: vote, upstream: u, model: x, caps: { calls: 200 } } }
`,
});
const before = Deno.memoryUsage().rss;
let peak = before;
const watch = setInterval(() => peak = Math.max(peak, Deno.memoryUsage().rss), 10);
const { status } = await app.send("/v1/chat/completions", body);
clearInterval(watch);
console.log(JSON.stringify({ status, calls, grown: peak - before }));
Deno.exit();
