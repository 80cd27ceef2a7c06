/**
 * Cost of metrics: compares the same streamed requests with and without metrics, in turn, with 1
 * and 2,000 tokens. The upstream answers from memory.
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

/** Frames of a stream with this number of tokens. */
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
    for (const mode of order) {
      times[mode].push(await time(mode === "off" ? off : on, requests));
    }
  }
  const ratio = median(times.on.map((ms, i) => ms / times.off[i]!));
  const [msOff, msOn] = [median(times.off), median(times.on)];
  console.log(
    `${tokens} token(s): without ${(msOff * 1000).toFixed(0)} µs, ` +
      `with ${(msOn * 1000).toFixed(0)} µs, median ratio of pairs ${ratio.toFixed(3)}, ` +
      `${((ratio - 1) * msOff * 1000 / tokens).toFixed(3)} µs more per token`,
  );
}

const COUNT = 1_000_000;
const start = performance.now();
for (let i = 0; i < COUNT; i++) trace.getActiveSpan();
const perRequest = (performance.now() - start) / COUNT * 1e6;
console.log(`traces off: ${perRequest.toFixed(0)} ns per request`);

const { metrics } = await appWith(true, framesOf(1));
const scrapesStart = performance.now();
for (let i = 0; i < 1000; i++) await (await metrics!()).text();
console.log(`an empty scrape: ${(performance.now() - scrapesStart).toFixed(0)} µs`);
