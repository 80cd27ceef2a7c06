import { assertEquals } from "@std/assert";
import { openStore } from "../../lib/store/open.ts";
import type { Store } from "../../lib/store/store.ts";
import { createTestApp, type TestApp } from "../app.ts";
import { NO_REDIS, startRedis } from "../store/redis_server.ts";
import { type Reply, startUpstream, type Upstream } from "../upstream.ts";

/** Two servers over one Redis, each with a connection of its own. */
async function withFleet(
  script: readonly Reply[] | (() => Reply),
  test: (a: TestApp, b: TestApp, upstream: Upstream) => Promise<void>,
): Promise<void> {
  await using redis = await startRedis();
  await using upstream = startUpstream(script);
  const open = () =>
    openStore(redis.url, { path: "unused", now: Date.now, warn: () => {}, onDeploy: false });
  const stores: Store[] = [await open(), await open()];
  const [a, b] = await Promise.all(
    stores.map((store) => createTestApp({ upstream: upstream.url, store })),
  );
  await test(a!, b!, upstream);
  await Promise.all([a!.drain(0), b!.drain(0)]);
  await Promise.all(stores.map((store) => store.close()));
}

function fleetTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: NO_REDIS !== undefined, fn });
}

// deno-lint-ignore no-explicit-any -- tests read whatever came
const json = async (response: Promise<Response>): Promise<any> => await (await response).json();

fleetTest(
  "two servers over one Redis go on from each other's responses",
  () =>
    withFleet(
      [{ content: "one" }, { content: "two" }, { content: "three" }],
      async (a, b, upstream) => {
        const first = await json(a.respond({ model: "plain", input: "1" }));
        const second = await json(
          b.respond({ model: "plain", input: "2", previous_response_id: first.id }),
        );
        await json(a.respond({ model: "plain", input: "3", previous_response_id: second.id }));
        assertEquals(
          upstream.calls[2]!.body.messages.map(({ content }: { content: string }) => content),
          ["1", "one", "2", "two", "3"],
        );
        assertEquals(await json(b.send(`/v1/responses/${first.id}`)), first);
      },
    ),
);

fleetTest(
  "two servers over one Redis add to one conversation, in turns and at once",
  () =>
    withFleet([{ content: "x" }], async (a, b) => {
      const { id } = await json(a.send("/v1/conversations", {}));
      await json(b.respond({ model: "plain", input: "0", conversation: id }));
      await Promise.all(Array.from({ length: 8 }, async (_, index) => {
        const app = index % 2 === 0 ? a : b;
        const { status } = await json(
          app.respond({ model: "plain", input: `${index + 1}`, conversation: id }),
        );
        assertEquals(status, "completed");
      }));
      const { data } = await json(b.send(`/v1/conversations/${id}/items?limit=100&order=asc`));
      const asked = data.filter(({ role }: { role: string }) => role === "user")
        .map(({ content }: { content: { text: string }[] }) => content[0]!.text);
      assertEquals(asked.toSorted(), ["0", "1", "2", "3", "4", "5", "6", "7", "8"]);
      assertEquals(data.length, 18);
    }),
);

fleetTest("a background run of one server is followed and cancelled from the other", async () => {
  const begun = Promise.withResolvers<void>();
  await withFleet(() => ({
    content: ["be", "gun", "never"],
    gate: (frame) => frame === 2 ? (begun.resolve(), new Promise<void>(() => {})) : undefined,
  }), async (a, b, upstream) => {
    const { id, status } = await json(a.respond({ model: "plain", background: true }));
    assertEquals(["queued", "in_progress"].includes(status), true);
    await begun.promise;
    assertEquals((await json(b.send(`/v1/responses/${id}`))).status, "in_progress");
    const cancelled = await json(b.send(`/v1/responses/${id}/cancel`, {}));
    assertEquals(cancelled.status, "cancelled");
    assertEquals((await json(a.send(`/v1/responses/${id}`))).status, "cancelled");
    // The server that runs it hears of it when it renews its lease.
    await upstream.calls[0]!.left;
  });
});
