import { assert, assertEquals, assertRejects } from "@std/assert";
import { setImmediate } from "node:timers/promises";
import { ApiError } from "../../../lib/api/errors.ts";
import { createMemoryStore } from "../../../lib/store/memory/store.ts";
import { createMemoryLimiter } from "../../../lib/store/memory/limiter.ts";
import { type Store, StoreError } from "../../../lib/store/store.ts";
import { createClaims } from "../../../lib/server/responses/runs/claims.ts";
import { silentLog } from "../../../lib/server/telemetry/log.ts";
import { createTestApp, type TestApp, type TestAppOptions } from "../../support/app.ts";
import { createFakeClock, type FakeClock, passing } from "../../support/clock.ts";
import { as, keysYaml } from "../../support/keys.ts";
import { type Event, parseEvents, readEvents } from "../../support/parsers/responses.ts";
import { type Call, pieces, type Reply, startUpstream, step } from "../../support/upstream.ts";
import { waitUntil } from "../../support/wait.ts";

const BODY = { model: "plain", background: true };
const ANSWER = "The answer is 4.";

/** Time until the run of a server that has died is taken over by one that looks at it. */
const LEASE_MS = 12_000;
const GRACE_MS = 6_000;

const json = async (response: Response | Promise<Response>): Promise<Event> => {
  const { status } = await response;
  const body = await (await response).json();
  assertEquals(status, 200, JSON.stringify(body));
  return body;
};

/** Waits for a thread of cryptography: a server opens the sealed request of a run before it renews its lease. */
async function settle(): Promise<void> {
  await setImmediate();
  await crypto.subtle.digest("SHA-256", new Uint8Array());
}

/** A server with a clock of its own: while it stands still, the server seems dead to others. */
interface Server {
  app: TestApp;
  fake: FakeClock;
}

/** Creates servers that share a store. Time passes for the store with the clock of the first. */
async function setUp(reply: (call: Call) => Reply, yaml?: string) {
  const upstream = startUpstream(reply);
  const main = createFakeClock(settle);
  // The servers share it, as they would share a Redis.
  const store: Store = { ...createMemoryStore({ now: main.clock.date }), kind: "redis" };
  const limiter = createMemoryLimiter({ now: main.clock.date });
  const another = async (options: Partial<TestAppOptions> = {}): Promise<Server> => {
    const fake = createFakeClock(settle);
    const app = await createTestApp({
      upstream: upstream.url,
      clock: fake.clock,
      store,
      limiter,
      ...(yaml === undefined ? {} : { yaml, tokenLine: "" }),
      ...options,
    });
    return { app, fake };
  };
  const living = await another({ clock: main.clock });
  return {
    upstream,
    store,
    another,
    app: living.app,
    fake: main,
    [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose](),
  };
}

type Setup = Awaited<ReturnType<typeof setUp>>;

/** A gate that stops an answer after its first word, for calls up to `count`. */
function stalled(count: number, reply: Reply = {}): (call: Call) => Reply {
  return ({ index }) => ({
    content: ["The ", "answer ", "is 4."],
    ...reply,
    gate: (frame) => index < count && frame >= 2 ? new Promise(() => {}) : undefined,
  });
}

/** Begins a response on a server that then dies, after the beginning of its answer is stored. */
async function beginOn(
  { upstream, store }: Setup,
  dead: Server,
  init: RequestInit = {},
): Promise<{ id: string; events: Event[] }> {
  const reader = readEvents(await dead.app.respond({ ...BODY, stream: true }, init));
  const events = await reader.until("output_text.delta");
  const { id } = events[0].response;
  await upstream.called();
  const [run] = await store.list({ collection: "running", limit: 1 });
  const collection = `events/${JSON.parse(run!.value)}/${id}`;
  await waitUntil(
    "the first events in the store",
    async () => (await store.list({ collection, limit: 1 })).length > 0,
    () => dead.fake.advance(100),
  );
  await reader.cancel();
  return { id, events };
}

/** Lets a server notice that the run has no lease any more, by polls of a client. */
async function expire({ app, fake }: Setup, id: string, init: RequestInit = {}): Promise<void> {
  const path = `/v1/responses/${id}`;
  await fake.advance(LEASE_MS);
  await json(app.send(path, undefined, init));
  await fake.advance(GRACE_MS);
  await json(app.send(path, undefined, init));
}

async function reach(setup: Setup, id: string, status: string, init: RequestInit = {}) {
  let response: Event;
  await waitUntil(`the status ${status}`, async () => {
    response = await json(setup.app.send(`/v1/responses/${id}`, undefined, init));
    return response.status === status;
  }, () => setup.fake.advance(100));
  return response;
}

/** Returns the stored response of a run once the run has ended. */
async function ended({ fake, store }: Setup, owner: string, id: string): Promise<Event> {
  let response: Event;
  await waitUntil("the end of the run", async () => {
    const [entry] = await store.get([{ collection: `response/${owner}`, id }]);
    response = JSON.parse(entry!.value).response;
    return response.status !== "in_progress";
  }, () => fake.advance(1_000));
  return response;
}

async function stream(app: TestApp, id: string, after?: number): Promise<Event[]> {
  const query = after === undefined ? "" : `&starting_after=${after}`;
  const response = await app.send(`/v1/responses/${id}?stream=true${query}`);
  return parseEvents(await response.text());
}

Deno.test("the run of a server that died is started again, and its streams continue", async () => {
  await using setup = await setUp(stalled(1));
  const { app, fake, upstream } = setup;
  const dead = await setup.another();
  const begun = await beginOn(setup, dead);
  const reader = readEvents(await app.send(`/v1/responses/${begun.id}?stream=true`));
  await passing(fake, reader.until("output_text.delta"));
  const events = await passing(fake, reader.rest(), 500);
  const completed = await json(app.send(`/v1/responses/${begun.id}`));
  assertEquals(upstream.calls.length, 2);

  // The output that was interrupted is not part of the response.
  assertEquals(completed.status, "completed");
  assertEquals(completed.output.map(({ type }: Event) => type), ["message"]);
  assertEquals(completed.output[0].content[0].text, ANSWER);
  assertEquals(completed.usage.upstream.calls, 1);
  assertEquals(events.at(-1).response, completed);
  const types = events.map(({ type }) => type.replace("response.", ""));
  assertEquals(types.slice(0, types.indexOf("in_progress", 2) + 1), [
    "created",
    "in_progress",
    "output_item.added",
    "content_part.added",
    "output_text.delta",
    "output_text.done",
    "content_part.done",
    "output_item.done",
    "in_progress",
  ]);
  const done = events.filter(({ type }) => type === "response.output_item.done");
  assertEquals(done.map(({ item }) => item.status), ["incomplete", "completed"]);
  assertEquals(done[1].item, completed.output[0]);

  // Each event comes once and in order, wherever the client continues.
  const numbers = events.map(({ sequence_number }) => sequence_number);
  assertEquals(numbers, [...new Set(numbers)].sort((a, b) => a - b));
  for (const [at, number] of numbers.entries()) {
    assertEquals(await stream(app, begun.id, number), events.slice(at + 1));
  }
  assertEquals(events.slice(0, begun.events.length), begun.events);
});

Deno.test("thinking that was interrupted is not part of the response", async () => {
  const steps = [
    { content: pieces(step("Understand", "Add two and two.")) },
    { content: pieces(step("Compute", "2 + 2 = 4.")) },
    { content: pieces(step("Check", "Counting on: 3, 4.", "final_answer")) },
    { content: pieces(ANSWER) },
  ];
  await using setup = await setUp(({ index }) =>
    index === 0
      ? steps[0]!
      : index === 1
      ? { ...steps[1]!, gate: () => new Promise(() => {}) }
      : steps[index - 2]!
  );
  const { app, fake, store } = setup;
  const dead = await setup.another();
  const { id } = await json(dead.app.respond({ ...BODY, model: "o1" }));
  await setup.upstream.called(2);
  await dead.fake.advance(600);
  assert((await store.list({ collection: `events/default/${id}`, limit: 9 })).length > 0);
  await expire(setup, id);
  const completed = await reach(setup, id, "completed");
  assertEquals(completed.output.map(({ type }: Event) => type), ["reasoning", "message"]);
  assertEquals(completed.output[0].summary.map(({ text }: Event) => text), [
    "**Understand**\n\nAdd two and two.",
    "\n\n**Compute**\n\n2 + 2 = 4.",
    "\n\n**Check**\n\nCounting on: 3, 4.",
  ]);
  assertEquals((await stream(app, id)).at(-1).response, completed);
  // Until then it gathers usage.
  await fake.advance(1_000);
  assertEquals(fake.pending(), 0);
});

for (const [when, stepMs] of [["with its last write", 0], ["before", 50]] as const) {
  Deno.test(`a paused server does not complete a run that it has lost, as it notices ${when}`, async () => {
    await using setup = await setUp(({ index }) => ({
      content: index === 0 ? ["The ", "first."] : ["The ", "second."],
      gate: (frame) => frame >= 2 ? gates[index]!.promise : undefined,
    }));
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const { app, fake, upstream } = setup;
    const stopped = await setup.another();
    const reader = readEvents(await stopped.app.respond({ ...BODY, stream: true }));
    const [{ response: { id } }] = await reader.until("output_text.delta");
    await stopped.fake.advance(12 * stepMs);
    await expire(setup, id);
    await upstream.called(2);
    // It continues and ends its answer before the other server.
    gates[0]!.resolve();
    await passing(stopped.fake, new Promise((resolve) => setTimeout(resolve, 50)), stepMs);
    assertEquals((await json(app.send(`/v1/responses/${id}`))).status, "in_progress");
    gates[1]!.resolve();
    const completed = await reach(setup, id, "completed");
    assertEquals(completed.output[0].content[0].text, "The second.");
    // Its own reader gets the response of the other server.
    const events = await passing(stopped.fake, reader.rest(), 500);
    assertEquals(events.at(-1).type, "response.completed");
    assertEquals(events.at(-1).response, completed);
    const numbers = events.map(({ sequence_number }) => sequence_number);
    assertEquals(numbers, [...new Set(numbers)].sort((a, b) => a - b));
    assertEquals(await json(stopped.app.send(`/v1/responses/${id}`)), completed);
    // Until then it gathers usage.
    await fake.advance(1_000);
    assertEquals(fake.pending(), 0);
  });
}

Deno.test("a paused server ends its call as soon as it notices that it has lost the run", async () => {
  await using setup = await setUp(stalled(1));
  const stopped = await setup.another();
  const { id } = await beginOn(setup, stopped);
  await expire(setup, id);
  await reach(setup, id, "completed");
  await stopped.fake.advance(5_000);
  await setup.upstream.calls[0]!.left;
  await waitUntil("the end of its run", () => stopped.fake.pending() === 0);
});

Deno.test("runs of dead servers count as abandoned even if there are several pages of them", async () => {
  const { clock, advance } = createFakeClock();
  const store = createMemoryStore({ now: clock.date });
  const claims = createClaims(store, clock, 1_000_000, silentLog);
  const runs = Array.from({ length: 1_500 }, (_, i) => ({ owner: "alice", id: `resp_${i}` }));
  for (const run of runs) {
    const record = { client: "alice", deadline: 1_000_000, takeovers: 0 };
    await store.write(claims.begin(run, record, undefined).changes);
  }
  await advance(LEASE_MS);
  const pages = [runs.slice(0, 500), runs.slice(500, 1_000), runs.slice(1_000)];
  const reads = [...pages, ...pages];
  const found = new Map<string, number>();
  for (const page of reads) {
    for (const { type } of await claims.inspect(page)) found.set(type, (found.get(type) ?? 0) + 1);
    await advance(5_000);
  }
  assertEquals([...found], [["held", 1_500], ["abandoned", 1_500]]);
});

Deno.test("only one of several servers that notice a dead one starts its run again", async () => {
  await using setup = await setUp(stalled(1));
  const { app, fake, store, upstream } = setup;
  const dead = await setup.another();
  const { id } = await beginOn(setup, dead);
  const others = await Promise.all(
    Array.from({ length: 5 }, () => setup.another({ clock: fake.clock })),
  );
  const apps = [app, ...others.map(({ app }) => app)];
  for (const app of apps) app.watchBackends();
  await fake.advance(LEASE_MS + GRACE_MS + 20_000);
  await reach(setup, id, "completed");
  assertEquals(upstream.calls.length, 2);
  assertEquals(await store.list({ collection: "running", limit: 9 }), []);
  for (const kind of ["background", "background-lease", "background-request"]) {
    assertEquals(await store.list({ collection: `${kind}/default`, limit: 9 }), []);
  }
  for (const app of apps) await passing(fake, app.drain(0));
});

Deno.test("a takeover that is slow does not delay others", async () => {
  await using setup = await setUp(stalled(2));
  const { fake, store } = setup;
  const dead = await setup.another();
  const begun = [await beginOn(setup, dead), await beginOn(setup, dead)];
  const [slow, other] = begun.map(({ id }) => id).sort();
  const gate = Promise.withResolvers<void>();
  const { app } = await setup.another({
    clock: fake.clock,
    store: {
      ...store,
      async get(keys) {
        const isSlow = keys.some(({ collection, id }) =>
          collection === "background-request/default" && id === slow
        );
        if (isSlow) await gate.promise;
        return store.get(keys);
      },
    },
  });
  app.watchBackends();
  assertEquals((await ended(setup, "default", other!)).status, "completed");
  gate.resolve();
  assertEquals((await ended(setup, "default", slow!)).status, "completed");
  await passing(fake, app.drain(0));
});

for (const skewMs of [0, 90_000, -90_000]) {
  Deno.test(`a run that is alive is not taken over by a server whose clock differs by ${skewMs} ms`, async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    await using setup = await setUp(() => ({
      content: ["The ", "answer ", "is 4."],
      gate: (frame) => frame >= 2 ? promise : undefined,
    }));
    const { app, fake, upstream } = setup;
    const date = () => fake.clock.date() + skewMs;
    const other = await setup.another({ clock: { ...fake.clock, date } });
    other.app.watchBackends();
    const { id } = await json(app.respond(BODY));
    for (let seconds = 0; seconds < 50; seconds += 10) {
      await fake.advance(10_000);
      assertEquals((await json(other.app.send(`/v1/responses/${id}`))).status, "in_progress");
    }
    resolve();
    await reach(setup, id, "completed");
    assertEquals(upstream.calls.length, 1);
    await passing(fake, other.app.drain(0));
  });
}

Deno.test("a run that was taken over can be cancelled, and stays cancelled", async () => {
  await using setup = await setUp(stalled(2));
  const { app, fake, upstream } = setup;
  const dead = await setup.another();
  const { id } = await beginOn(setup, dead);
  await expire(setup, id);
  await upstream.called(2);
  const other = await setup.another({ clock: fake.clock });
  const cancelled = await json(other.app.send(`/v1/responses/${id}/cancel`, ""));
  assertEquals(cancelled.status, "cancelled");
  await fake.advance(5_000);
  await upstream.calls[1]!.left;
  await dead.fake.advance(5_000);
  await upstream.calls[0]!.left;
  await fake.advance(60_000);
  assertEquals((await json(app.send(`/v1/responses/${id}`))).status, "cancelled");
  assertEquals([upstream.calls.length, fake.pending()], [2, 0]);
});

Deno.test("a run without a server is not started again after it was cancelled", async () => {
  await using setup = await setUp(stalled(1));
  const { app, fake, upstream } = setup;
  const dead = await setup.another();
  const { id } = await beginOn(setup, dead);
  await fake.advance(LEASE_MS);
  await json(app.send(`/v1/responses/${id}/cancel`, ""));
  await fake.advance(60_000);
  assertEquals((await json(app.send(`/v1/responses/${id}`))).status, "cancelled");
  assertEquals(upstream.calls.length, 1);
});

Deno.test("a run whose servers die again and again fails", async () => {
  await using setup = await setUp(stalled(9));
  const { fake, upstream } = setup;
  const { id } = await beginOn(setup, await setup.another());
  for (const calls of [2, 3, 3]) {
    const next = await setup.another();
    await fake.advance(LEASE_MS);
    await json(next.app.send(`/v1/responses/${id}`));
    await next.fake.advance(GRACE_MS);
    await json(next.app.send(`/v1/responses/${id}`));
    if (calls > upstream.calls.length) await upstream.called(calls);
  }
  const failed = await json(setup.app.send(`/v1/responses/${id}`));
  assertEquals([failed.status, failed.error.code], ["failed", "server_shutdown"]);
  assertEquals(upstream.calls.length, 3);
  assertEquals((await stream(setup.app, id)).at(-1).response, failed);
});

Deno.test("a run that was taken over keeps its deadline", async () => {
  await using setup = await setUp(
    stalled(9),
    `
api_bearer_token: "test-token-4711"
server: { stream_timeout_ms: 30000 }
upstreams: { u: { base_url: UPSTREAM } }
models: { plain: { upstream: u, model: x, strategy: direct } }
`,
  );
  const { app, fake, upstream } = setup;
  const { id } = await beginOn(setup, await setup.another());
  await expire(setup, id);
  await upstream.called(2);
  await fake.advance(11_000);
  assertEquals((await json(app.send(`/v1/responses/${id}`))).status, "in_progress");
  await fake.advance(2_000);
  const failed = await reach(setup, id, "failed");
  assertEquals(failed.error.code, "server_error");
  assert(failed.error.message.includes("longer than"), failed.error.message);
});

Deno.test("a run that no server takes over before its deadline fails", async () => {
  await using setup = await setUp(stalled(1));
  const { app, fake, upstream } = setup;
  const { id } = await beginOn(setup, await setup.another());
  await fake.advance(3_600_000);
  await json(app.send(`/v1/responses/${id}`));
  await fake.advance(GRACE_MS);
  const failed = await json(app.send(`/v1/responses/${id}`));
  assertEquals([failed.status, failed.error.code], ["failed", "server_error"]);
  assertEquals(upstream.calls.length, 1);
});

Deno.test("a run whose client got an error, because the store did not confirm it, is not executed", async () => {
  await using setup = await setUp(stalled(0));
  const { app, fake, store, upstream } = setup;
  let isLost = true;
  const unlucky = await setup.another({
    store: {
      ...store,
      async write(changes) {
        const written = await store.write(changes);
        const isBegin = changes.some(({ key }) => key.collection === "background/default");
        if (!isBegin || !isLost) return written;
        isLost = false;
        throw new StoreError(new Error("the connection is lost"));
      },
    },
  });
  const response = await unlucky.app.respond(BODY);
  assertEquals([response.status, (await response.json()).error.code], [503, "store_unavailable"]);
  await passing(unlucky.fake, unlucky.app.drain(0));
  app.watchBackends();
  await fake.advance(LEASE_MS + GRACE_MS + 100_000);
  for (const kind of ["background/default", "background-request/default", "response/default"]) {
    assertEquals(await store.list({ collection: kind, limit: 9 }), []);
  }
  assertEquals(upstream.calls.length, 0);
  await passing(fake, app.drain(0));
});

Deno.test("a server that shuts down leaves its runs to others", async () => {
  await using setup = await setUp(stalled(1));
  const { app, fake, store, upstream } = setup;
  const leaving = await setup.another({ clock: fake.clock });
  const reader = readEvents(await leaving.app.respond({ ...BODY, stream: true }));
  const [{ response: { id } }] = await reader.until("output_text.delta");
  await fake.advance(1_000);
  await passing(fake, leaving.app.drain(0));
  await upstream.calls[0]!.left;
  // Its stream breaks off, since the response has not ended.
  await assertRejects(() => reader.rest(), ApiError, "shutting down");
  // No client asks for it.
  app.watchBackends();
  await waitUntil("the end of the run", async () => {
    return (await store.list({ collection: "running", limit: 1 })).length === 0;
  }, () => fake.advance(1_000));
  const completed = await json(app.send(`/v1/responses/${id}`));
  assertEquals([completed.status, completed.output[0].content[0].text], ["completed", ANSWER]);
  assertEquals(upstream.calls.length, 2);
  await passing(fake, app.drain(0));
});

Deno.test("a stream on another server ends when it can't read, and can be continued", async () => {
  const gate = Promise.withResolvers<void>();
  await using setup = await setUp(() => ({
    content: ["The ", "answer ", "is 4."],
    gate: (frame) => frame >= 2 ? gate.promise : undefined,
  }));
  const { app, fake, store } = setup;
  let isCutOff = false;
  const other = await setup.another({
    clock: fake.clock,
    store: {
      ...store,
      list: (range) =>
        isCutOff
          ? Promise.reject(new StoreError(new Error("the connection is lost")))
          : store.list(range),
    },
  });
  const { id } = await json(app.respond(BODY));
  const reader = readEvents(await other.app.send(`/v1/responses/${id}?stream=true`));
  const begun = reader.until("output_text.delta");
  await waitUntil("the first events", async () => {
    const path = `/v1/responses/${id}`;
    return (await store.list({ collection: `events/default/${id}`, limit: 1 })).length > 0 &&
      (await json(other.app.send(path))).status === "in_progress";
  }, () => fake.advance(100));
  const { sequence_number } = (await begun).at(-1);
  isCutOff = true;
  gate.resolve();
  const [completed] = await Promise.all([
    reach(setup, id, "completed"),
    assertRejects(() => reader.rest(), ApiError, "cannot reach its store"),
  ]);
  isCutOff = false;
  const events = await stream(other.app, id, sequence_number);
  assertEquals(events[0].sequence_number, sequence_number + 1);
  assertEquals(events.at(-1).response, completed);
});

Deno.test("a stream ends at the time limit of its server if that is shorter than the run's", async () => {
  await using setup = await setUp(stalled(2));
  const { app, fake, store } = setup;
  const yaml = `
server: { stream_timeout_ms: 4000 }
upstreams: { u: { base_url: UPSTREAM } }
models: { plain: { upstream: u, model: x, strategy: direct } }
`;
  const other = await setup.another({ clock: fake.clock, yaml });
  const { id } = await json(app.respond(BODY));
  const reader = readEvents(await other.app.send(`/v1/responses/${id}?stream=true`));
  const begun = reader.until("output_text.delta");
  const collection = `events/default/${id}`;
  await waitUntil(
    "the first events in the store",
    async () => (await store.list({ collection, limit: 1 })).length > 0,
    () => fake.advance(100),
  );
  await begun;
  await Promise.all([
    assertRejects(() => reader.rest(), ApiError, "longer than 9 s"),
    fake.advance(9_000),
  ]);
  assertEquals((await json(other.app.send(`/v1/responses/${id}`))).status, "in_progress");
  await json(app.send(`/v1/responses/${id}/cancel`, {}));
  const whole = readEvents(await other.app.respond({ ...BODY, stream: true }));
  await Promise.all([
    whole.rest().then((events) => assertEquals(events.at(-1).type, "response.failed")),
    fake.advance(9_000),
  ]);
});

Deno.test("a server with another secret fails the run that it takes over, and names the reason", async () => {
  await using setup = await setUp(stalled(1));
  const { fake } = setup;
  const { id } = await beginOn(setup, await setup.another());
  const lines: string[] = [];
  const yaml = `
secret: another
upstreams: { u: { base_url: UPSTREAM } }
models: { plain: { upstream: u, model: x, strategy: direct } }
`;
  const { app } = await setup.another({ clock: fake.clock, lines, yaml });
  app.watchBackends();
  const response = await ended(setup, "default", id);
  assertEquals([response.status, response.error.code], ["failed", "server_shutdown"]);
  assert(lines.some((line) => line.includes("its server has another `secret`")), lines.join("\n"));
  await passing(fake, app.drain(0));
});

/** Configuration with the keys of alice and bob. */
const withKeys = async (limits: Parameters<typeof keysYaml>[0] = {}) => `
upstreams: { u: { base_url: UPSTREAM } }
models: { plain: { upstream: u, model: x, strategy: direct } }
${await keysYaml(limits)}`;

Deno.test("usage is charged once, with the usage of the server that completed the run", async () => {
  const yaml = await withKeys({ alice: "daily_tokens: 1000" });
  await using setup = await setUp(stalled(1), yaml);
  const { app, fake } = setup;
  const init = { headers: as("alice") };
  const dead = await setup.another();
  const { id } = await beginOn(setup, dead, init);
  await expire(setup, id, init);
  await reach(setup, id, "completed", init);
  // The reservation of the dead server expires.
  await fake.advance(60_000);
  const { budgets, data } = await json(app.send("/v1/usage", undefined, init));
  assertEquals(data.map((row: Event) => row.requests), [1], JSON.stringify(data));
  assertEquals(budgets.map((budget: Event) => budget.limit - budget.remaining), [15]);
});

for (const how of ["is stopped for a while", "shuts down"]) {
  Deno.test(`the request of a run whose server ${how} counts once in the usage`, async () => {
    await using setup = await setUp(stalled(1));
    const first = await setup.another();
    const { id } = await beginOn(setup, first);
    const leave = () => passing(first.fake, first.app.drain(0));
    if (how === "shuts down") await leave();
    await expire(setup, id);
    await reach(setup, id, "completed");
    // What a server has used is in the store when it has left.
    if (how !== "shuts down") await leave();
    await setup.upstream.calls[0]!.left;
    const { data } = await json(setup.app.send("/v1/usage"));
    assertEquals(data.map((row: Event) => row.requests), [1], JSON.stringify(data));
    assert(data[0].output_tokens > 0, JSON.stringify(data));
  });
}

Deno.test("the limits of the key apply to a run that is taken over", async () => {
  const yaml = await withKeys({ alice: "parallel: 1" });
  await using setup = await setUp(stalled(1), yaml);
  const { app, fake, upstream } = setup;
  const init = { headers: as("alice") };
  const { id } = await beginOn(setup, await setup.another(), init);
  await expire(setup, id, init);
  // The dead server has the only place, until its reservation expires.
  assertEquals(
    (await json(app.send(`/v1/responses/${id}`, undefined, init))).status,
    "in_progress",
  );
  assertEquals(upstream.calls.length, 1);
  await fake.advance(60_000);
  await reach(setup, id, "completed", init);
  assertEquals(upstream.calls.length, 2);
});

for (
  const [name, change, message] of [
    ["was removed", (yaml: string) => yaml.replace(/^.*name: alice.*\n/m, ""), "was removed"],
    [
      "is disabled",
      (yaml: string) => yaml.replace("{ name: alice,", "$& enabled: false,"),
      "disabled",
    ],
    [
      "may not use the model",
      (yaml: string) =>
        yaml.replace("{ name: alice,", "$& models: [other],").replace(
          "models: {",
          "models: { other: { upstream: u, model: x, strategy: direct },",
        ),
      "does not exist",
    ],
  ] as const
) {
  Deno.test(`a run whose key ${name} meanwhile fails when it is taken over`, async () => {
    const yaml = await withKeys();
    await using setup = await setUp(stalled(1), yaml);
    const { fake, upstream } = setup;
    const dead = await setup.another();
    const { id } = await beginOn(setup, dead, { headers: as("alice") });
    const next = await setup.another({ clock: fake.clock, yaml: change(yaml) });
    next.app.watchBackends();
    const response = await ended(setup, "alice", id);
    assertEquals(response.status, "failed");
    assert(response.error.message.includes(message), response.error.message);
    assertEquals(upstream.calls.length, 1);
    await passing(fake, next.app.drain(0));
  });
}

Deno.test("the request of a run is encrypted in the store, and deleted when the run ends", async () => {
  await using setup = await setUp(stalled(1));
  const { store } = setup;
  const input = "My secret question";
  const dead = await setup.another();
  const { id } = await json(dead.app.respond({
    ...BODY,
    input,
    tools: [{
      type: "mcp",
      server_label: "x",
      server_url: "https://x.test",
      authorization: "key-1",
    }],
  }));
  const key = { collection: "background-request/default", id };
  const [entry] = await store.get([key]);
  assert(entry!.value.startsWith('"o1b.'), entry!.value.slice(0, 20));
  assert(!/secret question|key-1/.test(entry!.value));
  await expire(setup, id);
  await reach(setup, id, "completed");
  assertEquals(await store.get([key]), [undefined]);
});
