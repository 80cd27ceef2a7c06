/** Outages of the store while responses are produced, with a real Redis. */
import { assert, assertEquals } from "@std/assert";
import { Redis } from "ioredis";
import { openRedisStore } from "../../../lib/store/redis/store.ts";
import type { Store } from "../../../lib/store/store.ts";
import { createTestApp, type TestApp } from "../../support/app.ts";
import { patientClock } from "../../support/clock.ts";
import { NO_REDIS, type RedisServer, startRedis } from "../../support/stores/redis.ts";
import { type Event, joined, parseEvents, readEvents } from "../../support/parsers/responses.ts";
import { skippedFor } from "../../support/skip.ts";
import { startUpstream, type Upstream } from "../../support/upstream.ts";
import { waitFor, waitUntil } from "../../support/wait.ts";

const ANSWER = ["The ", "answer ", "is 4."];

interface Setup {
  redis: RedisServer;
  upstream: Upstream;
  app: TestApp;
  lines: string[];
  /** Starts another server. */
  another(): Promise<TestApp>;
  /** Lets the upstream finish its answers. */
  open(): void;
  fault: Fault;
}

interface Fault {
  begin(): Promise<unknown>;
  end(): Promise<unknown>;
}

const FAULTS: Record<string, (redis: RedisServer, folder: string) => Fault> = {
  "a pause of writes": ({ url }) => ({
    begin: () => command(url, (redis) => redis.call("CLIENT", "PAUSE", "60000", "WRITE")),
    end: () => command(url, (redis) => redis.call("CLIENT", "UNPAUSE")),
  }),
  "a Redis that is read-only": ({ url }) => ({
    begin: () => command(url, (redis) => redis.replicaof("127.0.0.1", "1")),
    end: () => command(url, (redis) => redis.replicaof("NO", "ONE")),
  }),
  "a Redis that was killed": (redis, folder) => {
    let restarted: RedisServer | undefined;
    return {
      begin: () => redis.kill("SIGKILL"),
      end: async () => restarted = await startRedis({ port: redis.port, args: durable(folder) }),
      async [Symbol.asyncDispose]() {
        await restarted?.[Symbol.asyncDispose]();
      },
    } as Fault;
  },
};

const durable = (folder: string) => ["--dir", folder, "--appendonly", "yes"];

async function command(url: string, send: (redis: Redis) => Promise<unknown>): Promise<void> {
  const redis = new Redis(url, { disconnectTimeout: 20 });
  await send(redis);
  await redis.quit();
}

function withFault(name: string, test: (setup: Setup) => Promise<void>): void {
  for (const [fault, create] of Object.entries(FAULTS)) {
    Deno.test({
      ...skippedFor(NO_REDIS, `during ${fault}, ${name}`),
      async fn() {
        const folder = await Deno.makeTempDir();
        const redis = await startRedis({ args: durable(folder) });
        const { promise, resolve: open } = Promise.withResolvers<void>();
        const upstream = startUpstream(({ body }) => ({
          content: ANSWER,
          ...(body.stream
            ? { gate: (frame: number) => frame >= 2 ? promise : undefined }
            : { before: promise }),
        }));
        const created = create(redis, folder) as Fault & Partial<AsyncDisposable>;
        const opened: { app: TestApp; close(): Promise<void> }[] = [];
        const lines: string[] = [];
        const another = async () => {
          const store = await openRedisStore({ url: redis.url, warn() {} });
          const clock = patientClock;
          const app = await createTestApp({ upstream: upstream.url, store, lines, clock });
          opened.push({ app, close: store.close });
          return app;
        };
        try {
          const app = await another();
          await test({ redis, upstream, app, lines, another, open, fault: created });
        } finally {
          for (const { app, close } of opened) {
            await app.drain(0);
            await close();
          }
          await created[Symbol.asyncDispose]?.();
          await redis[Symbol.asyncDispose]();
          await upstream[Symbol.asyncDispose]();
          await Deno.remove(folder, { recursive: true });
        }
      },
    });
  }
}

const json = async (response: Response | Promise<Response>): Promise<Event> => {
  const { status } = await response;
  const body = await (await response).json();
  assertEquals(status, 200, JSON.stringify(body));
  return body;
};

withFault("clients get their answers within 3 s, marked as not stored", async (setup) => {
  const { app, upstream, open, fault } = setup;
  const { id } = await json(app.send("/v1/conversations", {}));
  const whole = app.respond({ model: "plain" });
  const streamed = readEvents(await app.respond({ model: "plain", stream: true }));
  const inConversation = app.respond({ model: "plain", conversation: id, store: false });
  await upstream.called(3);
  await streamed.until("output_text.delta");
  await fault.begin();
  open();
  const limit = <T>(work: Promise<T>) =>
    waitFor("the answer of a client", work, 3_000, patientClock);
  const [first, events, last] = await limit(
    Promise.all([whole, streamed.rest(), inConversation]).then(async ([first, events, last]) =>
      [await json(first), events, await json(last)] as const
    ),
  );
  assertEquals(events.at(-1).type, "response.completed");
  for (const response of [first, events.at(-1).response, last]) {
    assertEquals([response.status, response.store], ["completed", false]);
    assertEquals(response.output[0].content[0].text, ANSWER.join(""));
  }
  assertEquals(last.conversation, null);
  await fault.end();
  await waitUntil("a response that is stored", async () => {
    const { id, store } = await json(app.respond({ model: "plain" }));
    return store && (await json(app.send(`/v1/responses/${id}`))).status === "completed";
  });
});

withFault("a background response goes on, and is stored afterwards", async (setup) => {
  const { app, another, open, fault, lines } = setup;
  const stream = readEvents(await app.respond({ model: "plain", background: true, stream: true }));
  const [{ response: { id } }] = await stream.until("output_text.delta");
  const other = await another();
  await fault.begin();
  await waitUntil(
    "a failed renewal of the lease",
    () => lines.some((line) => line.includes("could not renew its lease")),
  );
  open();
  const rest = stream.rest();
  await fault.end();
  const events = await waitFor("the end of the stream", rest);
  assertEquals(joined(events, "output_text"), ANSWER.join(""));
  assertEquals(events.at(-1).type, "response.completed");
  const completed = await json(other.send(`/v1/responses/${id}`));
  assertEquals(completed, events.at(-1).response);
  const replayed = parseEvents(await (await other.send(`/v1/responses/${id}?stream=true`)).text());
  assertEquals(replayed, events);
});

Deno.test({
  ...skippedFor(
    NO_REDIS,
    "a response is stored in spite of a Redis that is read-only for a moment",
  ),
  async fn() {
    await using redis = await startRedis();
    await using upstream = startUpstream([{ content: "4" }]);
    const store = await openRedisStore({ url: redis.url, warn() {} });
    let failures = 0;
    const failing: Store = {
      ...store,
      write: (changes) =>
        store.write(changes).catch((error) => {
          failures++;
          throw error;
        }),
    };
    const app = await createTestApp({
      upstream: upstream.url,
      store: failing,
      clock: patientClock,
    });
    const { id: conversation } = await json(app.send("/v1/conversations", {}));
    await command(redis.url, (redis) => redis.replicaof("127.0.0.1", "1"));
    const asked = app.respond({ model: "plain", conversation });
    await waitUntil("a write in vain", () => failures > 0);
    await command(redis.url, (redis) => redis.replicaof("NO", "ONE"));
    const response = await json(asked);
    assertEquals([response.store, response.conversation], [true, { id: conversation }]);
    assertEquals(await json(app.send(`/v1/responses/${response.id}`)), response);
    const items = await json(app.send(`/v1/conversations/${conversation}/items`));
    assertEquals(items.data.length, 2);
    assert(await store.write([]));
    await app.drain(0);
    await store.close();
  },
});
