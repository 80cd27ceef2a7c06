import { assertEquals } from "@std/assert";
import { createTestApp } from "../support/app.ts";
import { createFakeClock } from "../support/clock.ts";
import { type Reply, startUpstream } from "../support/upstream.ts";
import { waitUntil } from "../support/wait.ts";

const REQUESTS = 20;
const COOLDOWN_MS = 5_000;

const ok: Reply = { content: "ok" };
const failing: Reply = { status: 404, body: "{}" };

interface Scene {
  /** Returns the number of calls to the upstream since it has cooled down. */
  probes(): number;
  /** Disconnects the client of the first of the requests; resolves when another one probes. */
  cancelFirst(): Promise<void>;
  /** Lets the upstream answer; returns the status codes of the other requests. */
  finish(): Promise<number[]>;
}

/**
 * Sends requests at once to an upstream that has cooled down.
 *
 * @param reply answer of the upstream to the probe and to later calls.
 * @param withOther whether the model has another upstream before this one, which always fails.
 */
async function whileProbing(
  { reply, withOther = false }: { reply: Reply; withOther?: boolean },
  check: (scene: Scene) => Promise<void>,
): Promise<void> {
  const gate = Promise.withResolvers<void>();
  await using other = startUpstream([failing]);
  await using upstream = startUpstream(({ index }) =>
    index < 2 ? failing : { ...reply, before: gate.promise }
  );
  const time = createFakeClock();
  const app = await createTestApp({
    upstream: upstream.url,
    yaml: `
upstreams:
  other: { base_url: "${other.url}", breaker: { min_calls: 1000000 } }
  probed: { base_url: UPSTREAM, breaker: { min_calls: 2, cooldown_ms: ${COOLDOWN_MS} } }
models: { m: { upstream: [${withOther ? "other, " : ""}probed], model: x } }
`,
    clock: time.clock,
  });
  const ask = async (init: RequestInit = {}) => {
    const response = await app.chat({}, init);
    await response.body?.cancel();
    return response.status;
  };
  for (let i = 0; i < 2; i++) await ask();
  await time.advance(COOLDOWN_MS);
  const timers = time.pending();
  const client = new AbortController();
  const first = ask({ signal: client.signal });
  await upstream.called(3);
  const others = Array.from({ length: REQUESTS - 1 }, () => ask());
  // The timer of a request's time limit starts right before its calls.
  await waitUntil("all requests to start", () => time.pending() >= timers + REQUESTS);
  if (withOther) await other.called(2 + REQUESTS);
  const settle = async () => {
    for (let i = 0; i < 20; i++) await time.advance(1);
  };
  await settle();
  await check({
    probes: () => upstream.calls.length - 2,
    async cancelFirst() {
      client.abort();
      await first;
      await upstream.called(4);
      await settle();
    },
    async finish() {
      gate.resolve();
      await first;
      return [...new Set(await Promise.all(others))];
    },
  });
}

Deno.test("only one of several requests probes a fallback upstream after its cool-down", () =>
  whileProbing({ reply: ok, withOther: true }, async ({ probes, finish }) => {
    assertEquals(probes(), 1);
    assertEquals(await finish(), [200]);
    assertEquals(probes(), REQUESTS);
  }));

Deno.test("only one of several requests probes a model's only upstream after its cool-down", () =>
  whileProbing({ reply: ok }, async ({ probes, finish }) => {
    assertEquals(probes(), 1);
    assertEquals(await finish(), [200]);
    assertEquals(probes(), REQUESTS);
  }));

Deno.test("if the probe fails, the requests that wait for it fail with its error", () =>
  whileProbing({ reply: failing }, async ({ probes, finish }) => {
    assertEquals(await finish(), [424]);
    assertEquals(probes(), 1);
  }));

Deno.test("if the request that probes is cancelled, one of the others probes", () =>
  whileProbing({ reply: ok }, async ({ probes, cancelFirst, finish }) => {
    await cancelFirst();
    assertEquals(probes(), 2);
    assertEquals(await finish(), [200]);
    assertEquals(probes(), REQUESTS);
  }));
