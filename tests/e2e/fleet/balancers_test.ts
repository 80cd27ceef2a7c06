/** HAProxy and nginx with the files of `deploy/`, before three servers. */
import { assert, assertEquals } from "@std/assert";
import { reasonWithout, skippedFor } from "../../support/skip.ts";
import { fetchInTime, waitUntil } from "../../support/wait.ts";
import { type BalancerKind, startBalancer } from "./balancer.ts";
import { createServers, TOKEN } from "./servers.ts";
import { startTraffic } from "./traffic.ts";
import { type FleetUpstream, PACED, questionOf, startFleetUpstream, TOKENS } from "./upstream.ts";

const KINDS: readonly BalancerKind[] = ["haproxy", "nginx"];

const reason = KINDS.map(reasonWithout).find((reason) => reason !== undefined);

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** HAProxy holds a token for 200 ms or longer if it gathers them; nginx for as long as the answer. */
const MAX_TOKEN_MS = 150;

/** Other programs may delay most tokens, but not most of all attempts. */
const ATTEMPTS = 5;

/**
 * Returns the time in milliseconds from the upstream to the client of a token that is faster than most.
 * The next token is sent when the one before has arrived.
 */
async function tokenMs(url: string, upstream: FleetUpstream): Promise<number> {
  let sentAt = performance.now();
  upstream.next();
  const response = await fetchInTime(`${url}/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${TOKEN}` },
    body: JSON.stringify({
      model: "m",
      stream: true,
      messages: [{ role: "user", content: questionOf(PACED) }],
    }),
  });
  const times: number[] = [];
  for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
    if (!/"content":" ?paced-/.test(text)) continue;
    times.push(performance.now() - sentAt);
    sentAt = performance.now();
    if (times.length < TOKENS) upstream.next();
  }
  return times.sort((a, b) => a - b)[2]!;
}

Deno.test({
  ...skippedFor(reason, "a rolling restart behind HAProxy and nginx fails no request"),
  async fn() {
    await using upstream = startFleetUpstream();
    await using fleet = await createServers({ upstream: upstream.url, workers: 1 });
    const ports = fleet.servers.map(({ port }) => port);
    await using haproxy = await startBalancer("haproxy", ports);
    await using nginx = await startBalancer("nginx", ports);
    const balancers = { haproxy, nginx };
    for (const [name, { url }] of Object.entries(balancers)) {
      const times: number[] = [];
      do times.push(await tokenMs(url, upstream)); while (
        times.at(-1)! > MAX_TOKEN_MS && times.length < ATTEMPTS
      );
      assert(times.at(-1)! <= MAX_TOKEN_MS, `${name} delivers a token after ${times} ms`);
    }
    const clients = { JSON: 3, stream: 4, Messages: 2, "tool loop": 0 };
    const traffic = Object.entries(balancers).map(([name, { url }]) =>
      [name, startTraffic(url, clients)] as const
    );
    await waitUntil(
      "requests through both",
      () => traffic.every(([_, { outcomes }]) => outcomes.length > 10),
    );
    for (const server of fleet.servers) {
      await server.stop("SIGTERM");
      await server.start();
      await server.ready();
      // The balancers must notice.
      await pause(1_500);
    }
    for (const [name, { stop, outcomes }] of traffic) {
      await stop();
      const failures = outcomes.filter(({ failure }) => failure !== undefined);
      assertEquals(failures.map(({ kind, failure }) => `${kind} ${failure}`), [], name);
      console.log(`${name}: ${outcomes.length} requests, 0 failures`);
    }
  },
});
