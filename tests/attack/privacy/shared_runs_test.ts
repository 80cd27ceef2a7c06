import { assertEquals } from "@std/assert";
import { createTestApp, readStream } from "../../support/app.ts";
import { createSharedRuns } from "../../../lib/server/idempotency/shared_runs.ts";
import { as, type ClientName, KEYS, keysYaml } from "../../support/keys.ts";
import { startUpstream } from "../../support/upstream.ts";

// A stream begins long before its first event, as soon as its request has joined a run or begun one.
const YAML = `
server: { commit_after_ms: 1 }
upstreams: { u: { base_url: UPSTREAM } }
models: { plain: { upstream: u, model: x, strategy: direct } }
${await keysYaml()}`;

/** Sends two requests with the same idempotency key at once; returns the number of runs. */
async function runsOf(first: Record<string, string>, second: Record<string, string>) {
  const gate = Promise.withResolvers<void>();
  await using upstream = startUpstream([{ content: "4", before: gate.promise }]);
  const app = await createTestApp({ upstream: upstream.url, yaml: YAML });
  const responses = await Promise.all(
    [first, second].map((headers) =>
      app.chat({ stream: true }, { headers: { "idempotency-key": "k", ...headers } })
    ),
  );
  gate.resolve();
  const ids = await Promise.all(responses.map(async (response) => {
    assertEquals(response.status, 200);
    const { chunks } = await readStream(response).until(() => false);
    return chunks[0].id;
  }));
  assertEquals(new Set(ids).size, upstream.calls.length);
  return upstream.calls.length;
}

Deno.test("clients with the same idempotency key share no run, whatever else they send", async () => {
  // Not a bearer token, so that the next header identifies the client.
  const basic = (name: ClientName) => ({ authorization: "Basic eA==", "x-api-key": KEYS[name] });
  assertEquals(await runsOf(basic("alice"), basic("bob")), 2);
});

Deno.test("a client that sends its key in another header joins its own run", async () => {
  assertEquals(await runsOf(as("alice"), { authorization: "", "x-api-key": KEYS.alice }), 1);
});

Deno.test("requests for different strategies share no run", async () => {
  const thinking = { ...as("alice"), "x-reasoning-strategy": "think" };
  assertEquals(await runsOf(as("alice"), thinking), 2);
});

Deno.test("a run that no request reads is not kept", async () => {
  const runs = createSharedRuns();
  async function* start() {}
  const join = (id: string) => runs.join("key", { id, created: 1, model: "m" }, start);
  const unread = join("first");
  const read = join("second");
  assertEquals([unread.head.id, read.head.id], ["first", "second"]);
  const events = read.read(new AbortController().signal);
  const ending = events.next();
  assertEquals(join("third").head.id, "second");
  await ending;
  assertEquals(join("third").head.id, "third");
});
