import { assert, assertEquals } from "@std/assert";
import { createTestApp } from "../support/app.ts";
import { chunk, frame, head, piece } from "../support/faulty/answers.ts";
import { type Action, startFaultyUpstream } from "../support/faulty/upstream.ts";
import { waitUntil } from "../support/wait.ts";
import { startProduct } from "./harness.ts";

const BLOCK = frame(chunk({ content: "words and more words " })).repeat(100);

/** Returns a condition that is met once a count has not changed for 300 ms. */
function unchanged(count: () => number): () => boolean {
  let [last, since] = [count(), performance.now()];
  return () => {
    if (count() !== last) [last, since] = [count(), performance.now()];
    return performance.now() - since > 300;
  };
}

Deno.test("a client that does not read stops the reads from the upstream at once", async () => {
  let pulled = 0;
  const block = new TextEncoder().encode(BLOCK);
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulled++;
      controller.enqueue(block);
    },
  }, { highWaterMark: 0 });
  const app = await createTestApp({
    upstream: "http://127.0.0.1:3/v1",
    fetch: () =>
      Promise.resolve(new Response(body, { headers: { "content-type": "text/event-stream" } })),
  });
  const response = await app.chat({ model: "plain", stream: true });
  const reader = response.body!.getReader();
  for (let read = 1; read <= 3; read++) {
    await reader.read();
    await waitUntil("the reads to stop", unchanged(() => pulled));
    assert(pulled <= read + 1, `${pulled} blocks for ${read} reads`);
  }
  await reader.cancel();
});

/** Writes text for as long as the client reads it. */
const endless: Action = async (wire) => {
  const block = piece(BLOCK);
  for (;;) await block(wire);
};

/** Twice the buffers of two connections: Linux lets each receive 32 MB and send 4 MB. */
const MAX_BYTES = 2 * 2 * 36_000_000;

Deno.test("a client that does not read stops the upstream's stream", async () => {
  await using upstream = startFaultyUpstream({ play: () => [head(), endless] });
  await using product = await startProduct({ upstreams: { first: { url: upstream.url } } });
  const client = new AbortController();
  const response = await product.ask("direct", "stream", { signal: client.signal });
  const reader = response.body!.getReader();
  await reader.read();
  try {
    const isStopped = unchanged(() => upstream.written);
    await waitUntil("the upstream to be stopped", () => {
      assert(upstream.written < MAX_BYTES, `${upstream.written} bytes were read`);
      return isStopped();
    });
  } finally {
    client.abort();
    await reader.read().catch(() => {});
  }
  await upstream.idle();
  await product.app.drain(5_000);
  assertEquals(upstream.calls.length, 1);
});
