import { assertEquals } from "@std/assert";
import { setImmediate } from "node:timers/promises";
import { systemClock } from "../../lib/clock.ts";
import { upstreamOptions } from "../../lib/config/schema/upstream.ts";
import { createUpstreamClient } from "../../lib/upstream/client.ts";
import { type Reply, startUpstream } from "../support/upstream.ts";
import { waitFor } from "../support/wait.ts";

/** Above the size of a body that counts; two of them are more than what may be sent at a time. */
const LARGE = 300_000;
const LIMIT = 500_000;

/** Starts an upstream, and returns a function that asks it a question of this length. */
function start(script: (index: number) => Reply) {
  const upstream = startUpstream(({ index }) => script(index));
  const client = createUpstreamClient({
    clock: systemClock,
    random: () => 0.5,
    fetch,
    share: (limit) => Math.min(limit, LIMIT),
  });
  const target = {
    name: "u",
    model: "m",
    upstream: upstreamOptions.parse({ base_url: upstream.url }),
  };
  return {
    upstream,
    ask(length: number): Promise<string> {
      const deltas = client.call(
        [target],
        { messages: [{ role: "user", content: "x".repeat(length) }], stream: true, fields: {} },
        {
          conversation: { owner: "a", messages: [] },
          capabilities: client.capabilitiesFor("a"),
          signal: new AbortController().signal,
          retries: { left: 0 },
          deadline: Infinity,
        },
      );
      const answer = Array.fromAsync(deltas, ({ content = "" }) => content);
      return waitFor("an answer", answer.then((parts) => parts.join("")));
    },
    [Symbol.asyncDispose]: upstream[Symbol.asyncDispose],
  };
}

Deno.test("a large body waits until another has been sent, and a small one does not", async () => {
  const [headers, rest] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await using started = start((index) =>
    index > 0 ? { content: "b" } : {
      content: ["a", "a"],
      before: headers.promise,
      gate: (frame) => frame === 2 ? rest.promise : undefined,
    }
  );
  const first = started.ask(LARGE);
  await started.upstream.called();
  const second = started.ask(LARGE);
  assertEquals(await started.ask(1), "b");
  for (let turn = 0; turn < 10; turn++) await setImmediate();
  assertEquals(started.upstream.calls.length, 2);
  headers.resolve();
  assertEquals(await second, "b");
  rest.resolve();
  assertEquals(await first, "aa");
});

Deno.test("a large body that was rejected makes room for the next", async () => {
  await using started = start((index) =>
    index === 0 ? { status: 401, body: "{}" } : { content: "a" }
  );
  assertEquals(await started.ask(LARGE).catch(({ code }) => code), "upstream_auth_error");
  assertEquals(await started.ask(LARGE), "a");
});
