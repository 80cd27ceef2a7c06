import { assert, assertEquals } from "@std/assert";
import { systemClock } from "../../lib/clock.ts";
import { chunk, frame, head, piece } from "./faults/answers.ts";
import { type Action, startFaultyUpstream } from "./faulty_upstream.ts";
import { startProduct } from "./harness.ts";

/** What fits into the buffers of four sockets, which Linux lets grow to 32 MB each. */
const MOST_BYTES = 100_000_000;

/** Writes text for as long as anybody takes it. */
const endless: Action = async (wire) => {
  const many = piece(frame(chunk({ content: "words and more words " })).repeat(100));
  for (;;) await many(wire);
};

Deno.test("a client that does not read stops the reading of the upstream", async () => {
  await using upstream = startFaultyUpstream({ play: () => [head(), endless] });
  await using product = await startProduct({ upstreams: { first: { url: upstream.url } } });
  const client = new AbortController();
  const response = await product.ask("direct", "stream", { signal: client.signal });
  const reader = response.body!.getReader();
  await reader.read();
  try {
    let before = -1;
    // It stands still when a span brings nothing more.
    while (upstream.written !== before) {
      before = upstream.written;
      assert(before < MOST_BYTES, `${before} bytes were taken`);
      await new Promise<void>((resolve) => systemClock.timer(300, resolve));
    }
  } finally {
    client.abort();
    await reader.read().catch(() => {});
  }
  await upstream.idle();
  await product.app.drain(5_000);
  assertEquals(upstream.calls.length, 1);
});
