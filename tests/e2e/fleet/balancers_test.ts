/** HAProxy and nginx with the files of `deploy/`, before three servers. */
import { assert, assertEquals } from "@std/assert";
import { reasonWithout, skippedFor } from "../../support/skip.ts";
import { fetchInTime } from "../../support/wait.ts";
import { type BalancerKind, startBalancer } from "./balancer.ts";
import { createServers, TOKEN } from "./servers.ts";
import { startTraffic } from "./traffic.ts";
import { questionOf, startFleetUpstream } from "./upstream.ts";

const KINDS: readonly BalancerKind[] = ["haproxy", "nginx"];

const reason = KINDS.map(reasonWithout).find((reason) => reason !== undefined);

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Returns how many tokens arrive by themselves, of an answer with 12 tokens 80 ms apart. */
async function arrivals(url: string): Promise<number> {
  const response = await fetchInTime(`${url}/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${TOKEN}` },
    body: JSON.stringify({
      model: "m",
      stream: true,
      messages: [{ role: "user", content: questionOf("tokens") }],
    }),
  });
  let count = 0;
  let last = -Infinity;
  for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
    if (!/"content":" ?tokens-/.test(text)) continue;
    const now = performance.now();
    // Tokens that HAProxy gathers arrive in one instant.
    if (now - last > 20) count++;
    last = now;
  }
  return count;
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
      const count = await arrivals(url);
      assert(count >= 8, `${name} delivers ${count} of 12 tokens by themselves`);
    }
    const clients = { JSON: 3, stream: 4, Messages: 2, "tool loop": 0 };
    const traffic = Object.entries(balancers).map(([name, { url }]) =>
      [name, startTraffic(url, clients)] as const
    );
    await pause(500);
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
      assert(outcomes.length > 50, `${name}: ${outcomes.length} requests`);
      console.log(`${name}: ${outcomes.length} requests, 0 failures`);
    }
  },
});
