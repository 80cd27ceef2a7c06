import { assert, assertEquals } from "@std/assert";
import { parseStream } from "../support/app.ts";
import { failure, halfThen } from "../support/faulty/answers.ts";
import { hang, startFaultyUpstream } from "../support/faulty/upstream.ts";
import { startProduct } from "./harness.ts";
import { park, type Window, WINDOWS } from "./disconnecting.ts";
import { runGc } from "./gc.ts";
import { assertWithin } from "../support/measure/noise.ts";

/** docs/operations.md promises that the work of a client that has disconnected ends by then. */
const NOTICE_MS = 100;

const windows = Object.keys(WINDOWS) as Window[];

for (const window of windows) {
  for (const strategy of ["direct", "steps"] as const) {
    for (const mode of ["stream", "json"] as const) {
      Deno.test(`a client that disconnects ${window} ends the upstream call (${strategy}, ${mode})`, async () => {
        await using parked = await park({ strategy, mode, window });
        await assertWithin(NOTICE_MS, parked.disconnect);
        assertEquals(await parked.calls(), 1);
      });

      Deno.test(`the deadline ends the upstream call ${window} (${strategy}, ${mode})`, async () => {
        const server = { request_timeout_ms: 800, stream_timeout_ms: 800 };
        await using parked = await park({ strategy, mode, window, server });
        const { response, text } = await parked.answers[0]!;
        await parked.idle();
        assertEquals(await parked.calls(), 1);
        if (window === "in the middle of the answer" && mode === "stream") {
          assertEquals(parseStream(text).error.code, "request_timeout");
          assert(!parseStream(text).done);
        } else {
          assertEquals(response.status, 504);
          assertEquals(JSON.parse(text).error.code, "request_timeout");
        }
      });

      Deno.test(`a shutdown ends the upstream call ${window} (${strategy}, ${mode})`, async () => {
        await using parked = await park({ strategy, mode, window });
        await parked.product.app.drain(0);
        const { response, text } = await parked.answers[0]!;
        await parked.idle();
        if (window === "in the middle of the answer" && mode === "stream") {
          assert(parseStream(text).error !== undefined && !parseStream(text).done);
        } else assertEquals(response.status, 503);
        const rejected = await parked.product.ask(strategy, mode);
        await rejected.body?.cancel();
        assertEquals(rejected.status, 503);
        assertEquals(await parked.calls(), 1);
      });
    }
  }

  Deno.test(`200 clients that disconnect at once ${window} leave no upstream socket`, async () => {
    await using parked = await park({ strategy: "steps", mode: "stream", window, clients: 200 });
    // Half a millisecond of CPU each: the clients and their upstream are in this thread too.
    await assertWithin(3 * NOTICE_MS, parked.disconnect);
    assertEquals(await parked.calls(), 200);
  });
}

for (const mode of ["stream", "json"] as const) {
  Deno.test(`a client that disconnects before a retry starts no further call (${mode})`, async () => {
    await using upstream = startFaultyUpstream({
      play: () => failure(500, undefined, { "retry-after": "60" }),
    });
    await using product = await startProduct({
      upstreams: { first: { url: upstream.url, settings: { retry: { max_ms: 70_000 } } } },
      server: { request_timeout_ms: 90_000, stream_timeout_ms: 90_000 },
    });
    const client = new AbortController();
    const answer = product.ask("direct", mode, { signal: client.signal }).catch(() => {});
    await upstream.called(1);
    await upstream.idle();
    client.abort();
    await answer;
    await assertWithin(NOTICE_MS, () => product.app.drain(60_000));
    assertEquals(upstream.calls.length, 1);
  });

  Deno.test(`a client that disconnects while queued for an upstream starts no call (${mode})`, async () => {
    await using upstream = startFaultyUpstream({ play: () => [hang] });
    await using product = await startProduct({
      upstreams: { first: { url: upstream.url, settings: { max_concurrency: 1 } } },
    });
    const clients = [new AbortController(), new AbortController()];
    const ask = ({ signal }: AbortController, i: number) =>
      product.ask("direct", mode, { signal, question: `Client ${i}?` }).catch(() => {});
    const first = ask(clients[0]!, 0);
    await upstream.called(1);
    const second = ask(clients[1]!, 1);
    // Another response shows that the server has processed the second request.
    await (await product.app.send("/v1/models")).text();
    clients[1]!.abort();
    await second;
    clients[0]!.abort();
    await first;
    await upstream.idle();
    await product.app.drain(60_000);
    assertEquals(upstream.calls.length, 1);
  });
}

Deno.test("a client that disconnects from a resumed run starts no further step", async () => {
  let calls = 0;
  await using upstream = startFaultyUpstream({
    play: (call) => ++calls === 1 ? halfThen((wire) => wire.close())(call) : [hang],
  });
  await using product = await startProduct({ upstreams: { first: { url: upstream.url } } });
  const client = new AbortController();
  const answer = product.ask("steps", "stream", { signal: client.signal });
  await upstream.called(2);
  client.abort();
  await answer.then((response) => response.body?.cancel()).catch(() => {});
  await upstream.idle();
  await product.app.drain(60_000);
  assertEquals(upstream.calls.length, 2);
});

Deno.test("clients that disconnect after a garbage collection end the upstream calls", async () => {
  const windows = await runGc("abandon");
  assertEquals(windows.map(({ name }) => name), Object.keys(WINDOWS));
});
