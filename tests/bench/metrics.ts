/**
 * What metrics cost: the same requests with and without them, in turn, in one run; a request of one
 * token, and one of 2,000, streamed. The upstream answers from memory.
 *
 * Run: deno run --no-prompt --config tests/deno.json --allow-env tests/bench/metrics.ts
 *
 * @module
 */
import { trace } from "@opentelemetry/api";
import { parseConfig } from "../../lib/config/load.ts";
import { resolveConfig } from "../../lib/config/resolve.ts";
import { createApp } from "../../lib/server/app.ts";
import { createLog } from "../../lib/server/telemetry/log.ts";
import { systemClock } from "../../lib/clock.ts";
import { chunks } from "../support/upstream.ts";

const ROUNDS = 150;

async function appWith(enabled: boolean, frames: Uint8Array[]) {
  const text = `
api_bearer_token: "t"
upstreams: { memory: { base_url: "http://memory.example/v1" } }
models: { m: { strategy: direct, upstream: memory, model: m } }
metrics: { enabled: ${enabled} }
`;
  const config = await parseConfig(text, {
    file: "config.yaml",
    env: () => undefined,
    readFile: () => Promise.reject(new Error("no file")),
  });
  return createApp({
    config: resolveConfig(config, { env: () => undefined }),
    clock: systemClock,
    random: () => 0.5,
    fetch: () =>
      Promise.resolve(
        new Response(ReadableStream.from(frames), {
          headers: { "content-type": "text/event-stream" },
        }),
      ),
    log: createLog({ level: "error", format: "json", now: Date.now, write() {} }),
  });
}

/** The frames of a stream of so many tokens. */
function framesOf(tokens: number): Uint8Array[] {
  const utf8 = new TextEncoder();
  return [
    ...chunks({ content: Array(tokens).fill("word ") }, true).map((frame) =>
      `data: ${JSON.stringify(frame)}\n\n`
    ),
    "data: [DONE]\n\n",
  ].map((frame) => utf8.encode(frame));
}

type Bench = Awaited<ReturnType<typeof appWith>>;

async function time(app: Bench, requests: number): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < requests; i++) {
    const response = await app.handle(
      new Request("http://localhost/v1/chat/completions", {
        method: "POST",
        headers: { authorization: "Bearer t" },
        body: '{"stream":true,"messages":[{"role":"user","content":"Hi"}]}',
      }),
    );
    await response.text();
  }
  return (performance.now() - start) / requests;
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!;

for (const [tokens, requests] of [[1, 20], [2_000, 1]] as const) {
  const frames = framesOf(tokens);
  const [off, on] = [await appWith(false, frames), await appWith(true, frames)];
  for (const app of [off, on]) await time(app, requests * 10);
  const times: { off: number[]; on: number[] } = { off: [], on: [] };
  for (let round = 0; round < ROUNDS; round++) {
    const order = round % 2 === 0 ? ["off", "on"] as const : ["on", "off"] as const;
    for (const which of order) {
      times[which].push(await time(which === "off" ? off : on, requests));
    }
  }
  const ratio = median(times.on.map((ms, i) => ms / times.off[i]!));
  const [without, withThem] = [median(times.off), median(times.on)];
  console.log(
    `${tokens} token(s): without ${(without * 1000).toFixed(0)} µs, ` +
      `with ${(withThem * 1000).toFixed(0)} µs, median ratio of pairs ${ratio.toFixed(3)}, ` +
      `${((ratio - 1) * without * 1000 / tokens).toFixed(3)} µs a token more`,
  );
}

const COUNT = 1_000_000;
const start = performance.now();
for (let i = 0; i < COUNT; i++) trace.getActiveSpan();
const each = (performance.now() - start) / COUNT * 1e6;
console.log(`traces off: ${each.toFixed(0)} ns a request`);

const { metrics } = await appWith(true, framesOf(1));
const scrapes = performance.now();
for (let i = 0; i < 1000; i++) await (await metrics!()).text();
console.log(`an empty scrape: ${(performance.now() - scrapes).toFixed(0)} µs`);
