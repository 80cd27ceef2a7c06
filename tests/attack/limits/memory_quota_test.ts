import { assertEquals } from "@std/assert";
import { createMemoryStore } from "../../../lib/store/memory/store.ts";
import { createTestApp } from "../../support/app.ts";
import { createFakeClock } from "../../support/clock.ts";
import { as, type ClientName, keysYaml } from "../../support/keys.ts";
import { startUpstream } from "../../support/upstream.ts";

const YAML = `
upstreams: { u: { base_url: UPSTREAM } }
models: { plain: { upstream: u, model: x, strategy: direct } }
${await keysYaml()}`;

Deno.test("a client that fills the memory evicts neither others' data nor a running response", async () => {
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  await using upstream = startUpstream(({ index }) => ({
    content: ["4"],
    gate: () => index === 0 ? undefined : opened,
  }));
  const { clock, advance } = createFakeClock();
  const store = createMemoryStore({ now: clock.date, maxBytes: 1_000_000, maxEntries: 500 });
  const app = await createTestApp({ upstream: upstream.url, yaml: YAML, clock, store });
  const send = async (client: ClientName, path: string, body?: unknown) => {
    const response = await app.send(`/v1${path}`, body, { headers: as(client) });
    const json = await response.json();
    assertEquals(response.status, 200, JSON.stringify(json));
    return json;
  };

  const kept = await send("bob", "/responses", { input: "Hi" });
  const conversation = await send("bob", "/conversations", {
    items: [{ role: "user", content: "Hi" }],
  });
  const running = await send("bob", "/responses", { input: "Hi", background: true });
  while (upstream.calls.length < 2) await advance(1);
  const flood = async (items: number, text: string) => {
    const item = { role: "user", content: text };
    for (let i = 0; i < 40; i++) {
      await send("alice", "/conversations", { items: Array(items).fill(item) });
    }
  };
  await flood(20, "a");
  await flood(1, "a".repeat(100_000));

  assertEquals((await send("bob", `/responses/${kept.id}`)).id, kept.id);
  const { data } = await send("bob", `/conversations/${conversation.id}/items`);
  assertEquals(data.length, 1);
  // Its lease is renewed meanwhile.
  await advance(60_000);
  assertEquals((await send("bob", `/responses/${running.id}`)).status, "in_progress");
  open();
  let status = "in_progress";
  while (status === "in_progress") {
    await advance(10);
    ({ status } = await send("bob", `/responses/${running.id}`));
  }
  assertEquals(status, "completed");
});
