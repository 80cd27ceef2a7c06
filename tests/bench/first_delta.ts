/**
 * Measures the time to the first reasoning delta, compared with the first character of a title from
 * the upstream: three steps of 100 tokens and an answer, one token per 10 ms after 100 ms.
 *
 * Run: deno run --no-prompt --config tests/deno.json --allow-net=127.0.0.1 tests/bench/first_delta.ts
 *
 * @module
 */
import { createTestApp, readStream } from "../support/app.ts";
import { pieces, startUpstream, step } from "../support/upstream.ts";

const FIRST_MS = 100;
const TOKEN_MS = 10;
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A step of about 100 tokens of four characters. */
const longStep = (n: number, next: string) =>
  step(`Step number ${n}`, `word${n} `.repeat(55).trim(), next);

let begun = 0;
let titleSent = 0;

await using upstream = startUpstream(({ index }) => {
  const text = index < 3
    ? longStep(index, index === 2 ? "final_answer" : "continue")
    : "x".repeat(400);
  const content = pieces(text);
  const titleFrame = 1 +
    content.findIndex((_, i) => content.slice(0, i + 1).join("").length > '{"title":"'.length);
  return {
    content,
    async gate(frame) {
      if (frame === 0) return;
      await wait(frame === 1 ? FIRST_MS : TOKEN_MS);
      if (index === 0 && frame === titleFrame) {
        titleSent = performance.now() - begun;
      }
    },
  };
});

const app = await createTestApp({ upstream: upstream.url });
await using server = Deno.serve(
  { port: 0, hostname: "127.0.0.1", onListen() {} },
  (request) => app.handle(request),
);

for (let run = 0; run < 3; run++) {
  upstream.calls.length = 0;
  begun = performance.now();
  const response = await fetch(
    `http://127.0.0.1:${server.addr.port}/v1/chat/completions`,
    {
      method: "POST",
      headers: {
        authorization: "Bearer test-token-4711",
        "content-type": "application/json",
      },
      body: JSON.stringify({
        stream: true,
        messages: [{ role: "user", content: "Hi" }],
      }),
    },
  );
  const stream = readStream(response);
  await stream.until(({ reasoning }) => reasoning !== "");
  const first = performance.now() - begun;
  await stream.until(({ done }) => done);
  const total = performance.now() - begun;
  console.log(
    `first title character of the upstream ${titleSent.toFixed(0)} ms, ` +
      `first reasoning delta ${first.toFixed(0)} ms, total ${total.toFixed(0)} ms`,
  );
}
