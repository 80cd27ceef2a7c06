import { assert, assertEquals } from "@std/assert";
import { systemClock } from "../../lib/clock.ts";
import { chunk, frame, head, piece } from "../support/faulty/answers.ts";
import { type Action, startFaultyUpstream } from "../support/faulty/upstream.ts";
import { startProduct } from "./harness.ts";

/** More than the buffers of four sockets hold, which Linux lets grow to 32 MB each. */
const MAX_BYTES = 100_000_000;

/** Writes text for as long as the client reads it. */
const endless: Action = async (wire) => {
  const block = piece(frame(chunk({ content: "words and more words " })).repeat(100));
  for (;;) await block(wire);
};

Deno.test("a client that does not read stops the upstream's stream", async () => {
  await using upstream = startFaultyUpstream({ play: () => [head(), endless] });
  await using product = await startProduct({ upstreams: { first: { url: upstream.url } } });
  const client = new AbortController();
  const response = await product.ask("direct", "stream", { signal: client.signal });
  const reader = response.body!.getReader();
  await reader.read();
  try {
    let before = -1;
    // The stream has stopped when no more bytes arrive for a while.
    while (upstream.written !== before) {
      before = upstream.written;
      assert(before < MAX_BYTES, `${before} bytes were read`);
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
