import { assert, assertEquals, assertRejects } from "@std/assert";
import { ApiError } from "../../../lib/api/errors.ts";
import { readResponsesBody } from "../../../lib/api/responses/body.ts";
import { responseObject } from "../../../lib/api/responses/object.ts";
import type { Claim } from "../../../lib/server/responses/runs/claims.ts";
import { createEventLog } from "../../../lib/server/responses/runs/event_log.ts";
import { createLog } from "../../../lib/server/telemetry/log.ts";
import { createBackgroundRuns } from "../../../lib/server/responses/background.ts";
import { createConversationStore } from "../../../lib/server/responses/conversation_store.ts";
import { createLoadQuota } from "../../../lib/server/responses/load_quota.ts";
import { recall } from "../../../lib/server/responses/recall.ts";
import { createResponseStore } from "../../../lib/server/responses/response_store.ts";
import { createVault } from "../../../lib/vault.ts";
import { createMemoryStore } from "../../../lib/store/memory/store.ts";
import type { Change, Store } from "../../../lib/store/store.ts";
import { createWorkRegister } from "../../../lib/server/work.ts";
import { createTestApp, type TestApp, type TestAppOptions } from "../../support/app.ts";
import { createFakeClock, type FakeClock, passing } from "../../support/clock.ts";
import { type Event, joined, parseEvents, readEvents } from "../../support/parsers/responses.ts";
import { type Reply, startUpstream, type Upstream } from "../../support/upstream.ts";
import { waitUntil } from "../../support/wait.ts";

const json = async (response: Promise<Response>): Promise<Event> => {
  const { status } = await response;
  const body = await (await response).json();
  assertEquals(status, 200, JSON.stringify(body));
  return body;
};

const failure = async (response: Promise<Response>) => {
  const { status } = await response;
  return { status, ...(await (await response).json()).error };
};

/** An upstream whose answer pauses after its first word until the test calls `open`. */
function gated(reply: Reply = {}): { upstream: Upstream; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const content = ["The ", "answer ", "is 4."];
  const upstream = startUpstream(() => ({
    content,
    gate: (frame) => frame >= 2 ? promise : undefined,
    ...reply,
  }));
  return { upstream, open: resolve };
}

const body = { model: "plain", background: true };

interface Setup extends AsyncDisposable {
  fake: FakeClock;
  store: Store;
  upstream: Upstream;
  open: () => void;
  app: TestApp;
  /** Starts another server on the same store, and by default on the same clock. */
  another(options?: Partial<TestAppOptions>): Promise<TestApp>;
  /** Advances the time until the response has this status. */
  reach(id: string, status: string, app?: TestApp): Promise<Event>;
}

async function setUp(
  reply?: Reply,
  wrap: (store: Store) => Store = (store) => store,
): Promise<Setup> {
  const fake = createFakeClock();
  const store = wrap(createMemoryStore({ now: fake.clock.date }));
  const { upstream, open } = gated(reply);
  const another = (options: Partial<TestAppOptions> = {}) =>
    createTestApp({ upstream: upstream.url, clock: fake.clock, store, ...options });
  const app = await another();
  return {
    fake,
    store,
    upstream,
    open,
    app,
    another,
    async reach(id, status, server = app) {
      let response: Event;
      await waitUntil(`the status ${status}`, async () => {
        response = await json(server.send(`/v1/responses/${id}`));
        if (response.status !== status) assertEquals(response.status, "in_progress");
        return response.status === status;
      }, () => fake.advance(10));
      return response;
    },
    async [Symbol.asyncDispose]() {
      await upstream[Symbol.asyncDispose]();
    },
  };
}

const texts = (events: Event[]) => joined(events, "output_text");

Deno.test("a background response is polled until it is completed", async () => {
  await using setup = await setUp();
  const { app, fake, store, reach } = setup;
  const first = await json(app.respond(body));
  assertEquals([first.status, first.background, first.output], ["in_progress", true, []]);
  assertEquals(await json(app.send(`/v1/responses/${first.id}`)), first);
  setup.open();
  const last = await reach(first.id, "completed");
  assertEquals(last.output.at(-1).content[0].text, "The answer is 4.");
  assert(last.usage.output_tokens > 0);
  assertEquals((await json(app.send(`/v1/responses/${first.id}/input_items`))).data.length, 1);
  assertEquals(fake.pending(), 0);
  assertEquals(await store.get([{ collection: "background/default", id: first.id }]), [undefined]);
});

Deno.test("a background response can be continued once it has ended", async () => {
  await using setup = await setUp();
  const { app, reach, upstream } = setup;
  const { id } = await json(app.respond(body));
  const ask = () => app.respond({ model: "plain", previous_response_id: id, input: "And 3?" });
  const error = await failure(ask());
  assertEquals([error.status, error.param], [400, "previous_response_id"]);
  setup.open();
  await reach(id, "completed");
  await json(ask());
  assertEquals(upstream.calls[1]!.body.messages.map(({ content }: Event) => content), [
    "What is 2 + 2?",
    "The answer is 4.",
    "And 3?",
  ]);
});

Deno.test("cancelling a response aborts the upstream call", async () => {
  await using setup = await setUp();
  const { app, fake, upstream } = setup;
  const { id } = await json(app.respond(body));
  await upstream.called();
  const cancel = () => json(app.send(`/v1/responses/${id}/cancel`, ""));
  const cancelled = await cancel();
  assertEquals([cancelled.status, cancelled.output], ["cancelled", []]);
  await upstream.calls[0]!.left;
  assertEquals(await cancel(), cancelled);
  await passing(fake, app.drain(1_000));
  const other = await setup.another();
  assertEquals((await json(other.send(`/v1/responses/${id}`))).status, "cancelled");
  const events = parseEvents(
    await (await other.send(`/v1/responses/${id}?stream=true`)).text(),
  );
  assertEquals(events.slice(-2).map(({ type }) => type), ["error", "response.failed"]);
  assertEquals(events.at(-2).code, "response_cancelled");
  assertEquals(fake.pending(), 0);
});

Deno.test("a run on another server is cancelled within seconds", async () => {
  await using setup = await setUp();
  const { app, fake, upstream } = setup;
  const { id } = await json(app.respond(body));
  await upstream.called();
  const other = await setup.another();
  assertEquals((await json(other.send(`/v1/responses/${id}/cancel`, ""))).status, "cancelled");
  await fake.advance(5_000);
  await upstream.calls[0]!.left;
  await passing(fake, app.drain(1_000));
  assertEquals((await json(other.send(`/v1/responses/${id}`))).status, "cancelled");
  assertEquals(fake.pending(), 0);
});

Deno.test("a response that has ended, is in the foreground or unknown cannot be cancelled", async () => {
  await using setup = await setUp();
  const { app, reach } = setup;
  const { id } = await json(app.respond(body));
  setup.open();
  await reach(id, "completed");
  const foreground = await json(app.respond({ model: "plain" }));
  for (const [other, status] of [[id, 400], [foreground.id, 400], ["resp_7", 404]]) {
    assertEquals((await failure(app.send(`/v1/responses/${other}/cancel`, ""))).status, status);
  }
});

Deno.test("a stream can be resumed from any event, on any server", async () => {
  await using setup = await setUp();
  const { app, fake, reach } = setup;
  const other = await setup.another();
  const reader = readEvents(await app.respond({ ...body, stream: true }));
  const begun = await reader.until("output_text.delta");
  await reader.cancel();
  const { id } = begun[0].response;
  const last = begun.at(-1).sequence_number;
  const resume = async (from: TestApp) =>
    readEvents(await from.send(`/v1/responses/${id}?stream=true&starting_after=${last - 1}`));
  const here = await resume(app);
  const there = await resume(other);
  const again = ({ sequence_number }: Event) => sequence_number === last;
  assertEquals((await here.until(again)).at(-1), begun.at(-1));
  // Other servers read the events from the store, where they are written twice a second.
  assertEquals((await passing(fake, there.until(again))).at(-1), begun.at(-1));
  setup.open();
  const [rest, far] = await passing(fake, Promise.all([here.rest(), there.rest()]));
  assertEquals(rest.at(-1).type, "response.completed");
  assertEquals(rest.at(-1).response, await reach(id, "completed"));
  assertEquals(far, rest);
  assertEquals(texts(begun) + texts(rest.slice(1)), "The answer is 4.");
  for (const from of [app, other]) {
    const whole = parseEvents(await (await from.send(`/v1/responses/${id}?stream=true`)).text());
    assertEquals(whole.slice(last), rest);
    assertEquals(whole.slice(0, begun.length), begun);
  }
  assertEquals(fake.pending(), 0);
});

Deno.test("clients learn that a response is completed only after it is stored", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let reached = false;
  await using setup = await setUp({}, (store) => ({
    ...store,
    async write(changes) {
      if (
        changes.some((change) => "value" in change && change.value.includes('"completed_at":1'))
      ) {
        reached = true;
        await promise;
      }
      return await store.write(changes);
    },
  }));
  const { app, fake } = setup;
  const reader = readEvents(await app.respond({ ...body, stream: true }));
  const [{ response: { id } }] = await reader.until("created");
  const other = await setup.another();
  const far = readEvents(await other.send(`/v1/responses/${id}?stream=true`));
  setup.open();
  let received: Event[] = [];
  const near = reader.until("completed").then((events) => received = events);
  const distant = far.until("completed").then((events) => received = events);
  await waitUntil("the last write", () => reached, () => fake.advance(10));
  await fake.advance(2_000);
  assertEquals(received, []);
  resolve();
  await passing(fake, Promise.all([near, distant]));
  assertEquals((await json(other.send(`/v1/responses/${id}`))).status, "completed");
  await Promise.all([reader.cancel(), far.cancel()]);
});

Deno.test("a reader on another server costs little, and is notified of new events", async () => {
  await using setup = await setUp();
  const { app, fake, store } = setup;
  const reader = readEvents(await app.respond({ ...body, stream: true }));
  const [{ response: { id } }] = await reader.until("output_text.delta");
  let calls = 0;
  const count =
    <Args extends unknown[], Result>(call: (...args: Args) => Result) => (...args: Args) => {
      calls++;
      return call(...args);
    };
  const other = await setup.another({
    store: { ...store, get: count(store.get), list: count(store.list), write: count(store.write) },
  });
  const far = readEvents(await other.send(`/v1/responses/${id}?stream=true`));
  await passing(fake, far.until("output_text.delta"));
  calls = 0;
  await fake.advance(60_000);
  assert(calls <= 40, `${calls} calls in a minute without events`);
  calls = 0;
  setup.open();
  await Promise.all([reader.until("completed"), passing(fake, far.until("completed"), 1)]);
  assert(calls <= 8, `${calls} calls for the last events`);
  await Promise.all([reader.cancel(), far.cancel()]);
});

Deno.test("the responses of a server that shuts down fail", async () => {
  await using setup = await setUp();
  const { app, fake, upstream } = setup;
  const { id } = await json(app.respond(body));
  await upstream.called();
  await passing(fake, app.drain(0));
  await upstream.calls[0]!.left;
  const other = await setup.another();
  const { status, error } = await json(other.send(`/v1/responses/${id}`));
  assertEquals([status, error.code], ["failed", "server_shutdown"]);
  assertEquals(fake.pending(), 0);
});

Deno.test("a server that shuts down waits for its runs", async () => {
  await using setup = await setUp();
  const { app, fake } = setup;
  const { id } = await json(app.respond(body));
  const drained = app.drain(60_000);
  setup.open();
  await passing(fake, drained);
  const other = await setup.another();
  assertEquals((await json(other.send(`/v1/responses/${id}`))).status, "completed");
});

Deno.test("background responses over the limit are rejected until one has ended", async () => {
  await using setup = await setUp();
  const app = await setup.another({
    yaml: `
server: { max_background: 1 }
upstreams: { u: { base_url: UPSTREAM } }
models: { plain: { upstream: u, model: x, strategy: direct } }
`,
  });
  const { id } = await json(app.respond(body));
  const rejected = await app.respond(body);
  assertEquals(rejected.headers.get("retry-after"), "30");
  const error = await failure(Promise.resolve(rejected));
  assertEquals([error.status, error.code], [429, "rate_limit_exceeded"]);
  setup.open();
  await setup.reach(id, "completed", app);
  assertEquals((await json(app.respond(body))).status, "in_progress");
  await passing(setup.fake, app.drain(60_000));
});

for (const elsewhere of [false, true]) {
  Deno.test(`deleting a running response ends it and leaves no data, from another server: ${elsewhere}`, async () => {
    await using setup = await setUp();
    const { app, fake, store, upstream } = setup;
    const { id } = await json(app.respond(body));
    await upstream.called();
    await fake.advance(600);
    const server = elsewhere ? await setup.another() : app;
    await json(server.send(`/v1/responses/${id}`, undefined, { method: "DELETE" }));
    assertEquals((await failure(server.send(`/v1/responses/${id}`))).status, 404);
    await fake.advance(5_000);
    await upstream.calls[0]!.left;
    await passing(fake, app.drain(1_000));
    assertEquals(await store.list({ collection: `events/default/${id}`, limit: 9 }), []);
    assertEquals(await store.get([{ collection: "background/default", id }]), [undefined]);
    assertEquals(fake.pending(), 0);
  });
}

Deno.test("the events of a long run are read and deleted, in several pages", async () => {
  const { clock, advance } = createFakeClock();
  const store = createMemoryStore({ now: clock.date });
  const log = createEventLog(store, clock, 1_000_000);
  const run = { owner: "alice", id: "resp_1" };
  const claim = { write: async (changes: readonly Change[]) => void await store.write(changes) };
  const written = log.write(run, claim as Claim, {
    onStored() {},
    onFailure(error) {
      throw error;
    },
    isFollowed: () => false,
  });
  for (let i = 0; i < 250; i++) {
    written.push({ type: "answer", text: `${i} ` });
    await advance(500);
  }
  await store.write([(await written.end([])).change]);
  assertEquals((await store.list({ collection: "events/alice/resp_1", limit: 999 })).length, 251);
  const { events, hasEnded } = await log.read(run);
  assert(hasEnded);
  assertEquals(events.map((event) => event.type === "answer" ? parseInt(event.text) : -1), [
    ...Array(250).keys(),
  ]);
  await log.delete(run);
  assertEquals(await store.list({ collection: "events/alice/resp_1", limit: 999 }), []);
});

Deno.test("the end of an event log contains the events that arrived during a slow write", async () => {
  const { clock, advance } = createFakeClock();
  const store = createMemoryStore({ now: clock.date });
  const { promise, resolve } = Promise.withResolvers<void>();
  const claim = { write: () => promise };
  const log = createEventLog(store, clock, 1_000_000);
  const writer = log.write({ owner: "alice", id: "resp_1" }, claim as unknown as Claim, {
    onStored() {},
    onFailure() {},
    isFollowed: () => false,
  });
  writer.push({ type: "answer", text: "first" });
  writer.push({ type: "answer", text: "second" });
  await advance(1_000);
  const ending = writer.end([]);
  resolve();
  assertEquals((await ending).events, [{ type: "answer", text: "second" }]);
});

Deno.test("a failure in the background is stored and streamed", async () => {
  await using setup = await setUp({ status: 400, body: '{"error":{"message":"no"}}' });
  const { app, reach } = setup;
  const { id } = await json(app.respond(body));
  const { error } = await reach(id, "failed");
  assertEquals(error.code, "invalid_prompt");
  const response = await app.send(`/v1/responses/${id}?stream=true`);
  assertEquals(response.status, 200);
  const events = parseEvents(await response.text());
  assertEquals(events.map(({ type }) => type), [
    "response.created",
    "response.in_progress",
    "error",
    "response.failed",
  ]);
  assertEquals(events.at(-1).response.error, error);
  const streamed = await app.respond({ ...body, stream: true });
  assertEquals(streamed.status, 200);
  assertEquals(parseEvents(await streamed.text()).at(-1).type, "response.failed");
});

Deno.test("a response whose events cannot be stored fails", async () => {
  await using setup = await setUp({}, (store) => ({
    ...store,
    write: (changes) =>
      changes.some((change) => "value" in change && change.key.collection.startsWith("events/"))
        ? Promise.reject(new Error("disk full"))
        : store.write(changes),
  }));
  const { app, fake, reach } = setup;
  const reader = readEvents(await app.respond({ ...body, stream: true }));
  const [{ response: { id } }] = await reader.until("output_text.delta");
  await fake.advance(600);
  setup.open();
  const events = await passing(fake, reader.rest());
  assertEquals(events.at(-1).type, "response.failed");
  assertEquals((await reach(id, "failed")).error.code, "server_error");
  assertEquals(fake.pending(), 0);
});

Deno.test("the log entry for a response that cannot be stored contains no stored text", async () => {
  let isBroken = false;
  await using setup = await setUp({}, (store) => ({
    ...store,
    async get(keys) {
      const entries = await store.get(keys);
      return isBroken ? entries.map((entry) => entry && { ...entry, value: "planted" }) : entries;
    },
  }));
  const { fake, open, another } = setup;
  const lines: string[] = [];
  const app = await another({ lines });
  await json(app.respond(body));
  isBroken = true;
  open();
  const findLine = () => lines.find((line) => line.includes("could not be stored"));
  await waitUntil("the log entry", () => findLine() !== undefined, () => fake.advance(10));
  const line = findLine()!;
  assert(JSON.parse(line).cause.startsWith("SyntaxError\n"), line);
  assertEquals(line.includes("planted"), false, line);
});

Deno.test("a background response is appended to its conversation when it has ended", async () => {
  await using setup = await setUp();
  const { app, reach } = setup;
  const { id: conversation } = await json(app.send("/v1/conversations", {}));
  const { id } = await json(app.respond({ ...body, conversation }));
  const items = async () => (await json(app.send(`/v1/conversations/${conversation}/items`))).data;
  assertEquals(await items(), []);
  setup.open();
  await reach(id, "completed");
  assertEquals((await items()).map(({ role }: Event) => role), ["assistant", "user"]);
});

Deno.test("clients cannot access the responses, items, conversations and events of others", async () => {
  const { clock } = createFakeClock();
  const store = createMemoryStore({ now: clock.date });
  const ttlMs = 1_000_000;
  const conversations = createConversationStore({ store, ttlMs, maxLength: 1_000_000, clock });
  const responses = createResponseStore(store, conversations, ttlMs);
  const background = createBackgroundRuns({
    store,
    responses,
    ttlMs,
    maxBackground: 1,
    isShared: () => false,
    isDurable: false,
    endElsewhere: () => {},
    beginWork: createWorkRegister(clock).begin,
    clock,
    log: createLog({ level: "error", format: "json", now: clock.date, write: () => {} }),
  });
  const vault = createVault("secret", "o1-api sealed reasoning");
  const settings = { max_body_bytes: 1_000_000 };
  const read = (fields: object) => readResponsesBody({ input: "Hi", ...fields });
  const recallFor = (owner: string, fields: object) =>
    recall({ responses, conversations, vault, settings }, owner, read(fields));
  const facts = { createdAt: 1, model: "m", effort: "low" };
  const begun = responseObject(read({ background: true }), facts);
  const message = { type: "message", role: "assistant", content: [], status: "completed" };
  const id = `msg_${begun.id.slice("resp_".length)}00000000`;
  const response = { ...begun, status: "completed" as const, output: [{ ...message, id }] };
  const stream = { summaries: true, statusLines: true, sealed: false, clientTools: {} };
  await responses.save("a", { response, input: [], ancestors: [], stream });
  const conversation = await conversations.create("a", {}, [{
    type: "message",
    content: "x",
  }]);
  const [item] = await conversations.items("a", conversation.id, createLoadQuota(settings));

  assertEquals((await background.find("a", response.id))?.stored.response.id, response.id);
  assertEquals(await background.find("b", response.id), undefined);
  for (const itemId of [id, item!.id]) {
    const references = { input: [{ type: "item_reference", id: itemId }] };
    assertEquals((await recallFor("a", references)).context.item(itemId!)?.type, "message");
    assertEquals((await recallFor("b", references)).context.item(itemId!), undefined);
  }
  const rejections = [
    () => recallFor("b", { previous_response_id: response.id }),
    () => recallFor("b", { conversation: conversation.id }),
    () => conversations.get("b", conversation.id),
    () => conversations.item("b", conversation.id, item!.id!),
    () => conversations.delete("b", conversation.id),
    () => conversations.append("b", conversation.id, []),
    () => background.read("b", response.id, new AbortController().signal).next(),
  ];
  for (const rejection of rejections) {
    assertEquals((await assertRejects(rejection, ApiError)).status, 404);
  }
  assertEquals((await recallFor("a", { previous_response_id: response.id })).ancestors, [
    response.id,
  ]);
});
