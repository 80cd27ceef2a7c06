import { assert, assertEquals } from "@std/assert";
import { failure, healthy } from "../support/faulty/answers.ts";
import { times } from "./faults/fault.ts";
import { startFaultyUpstream } from "../support/faulty/upstream.ts";
import { createProgress, readAnswer, startProduct } from "./harness.ts";

/** A connection becomes free a moment after its answer has been read. */
const MAX_CONNECTIONS = 2;

for (const mode of ["stream", "json"] as const) {
  Deno.test(`the calls of a run and their retries reuse connections (${mode})`, async () => {
    await using upstream = startFaultyUpstream({ play: times(2, () => failure(500)) });
    await using product = await startProduct({ upstreams: { first: { url: upstream.url } } });
    await readAnswer(await product.ask("steps", mode), createProgress());
    assertEquals(upstream.calls.length, 5);
    assert(upstream.connections <= MAX_CONNECTIONS, `${upstream.connections} connections`);
  });

  Deno.test(`sequential requests reuse connections (${mode})`, async () => {
    await using upstream = startFaultyUpstream({ play: healthy });
    await using product = await startProduct({ upstreams: { first: { url: upstream.url } } });
    for (const question of ["One?", "Two?", "Three?"]) {
      await readAnswer(await product.ask("steps", mode, { question }), createProgress());
    }
    assertEquals(upstream.calls.length, 9);
    assert(upstream.connections <= MAX_CONNECTIONS, `${upstream.connections} connections`);
  });
}
