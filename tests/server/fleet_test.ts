import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { setImmediate } from "node:timers/promises";
import type { Store } from "../../lib/store/store.ts";
import { createTestApp, type TestApp } from "../support/app.ts";
import { createFakeClock, type FakeClock, passing } from "../support/clock.ts";
import { type Event, joined, parseEvents, readEvents } from "../support/parsers/responses.ts";
import { type Backend, BACKENDS } from "../support/stores/backends.ts";
import { skippedFor } from "../support/skip.ts";
import { type Call, type Reply, startUpstream, type Upstream } from "../support/upstream.ts";
import { waitUntil } from "../support/wait.ts";

const json = async (response: Response | Promise<Response>): Promise<Event> => {
  const { status } = await response;
  const body = await (await response).json();
  assertEquals(status, 200, JSON.stringify(body));
  return body;
};

const BODY = { model: "plain", background: true };
const CONVERSATIONS = "/v1/conversations";
const user = (content: string) => ({ role: "user", content });
const sent = (upstream: Upstream, call: number) =>
  upstream.calls[call]!.body.messages.map((message: Event) => message.content);

interface Fleet extends AsyncDisposable {
  fake: FakeClock;
  upstream: Upstream;
  /** Lets the upstream finish its answers. */
  open(): void;
  a: TestApp;
  b: TestApp;
  store: Store;
  /** Starts another server with the same data. */
  another(clock?: FakeClock): Promise<TestApp>;
}

/** Counts the operations of stores that have not ended. */
function createActivity() {
  let active = 0;
  return {
    track: (store: Store): Store =>
      new Proxy(store, {
        get(target, name, receiver) {
          const member = Reflect.get(target, name, receiver);
          if (typeof member !== "function") return member;
          return (...args: unknown[]) => {
            const result = member.apply(target, args);
            if (!(result instanceof Promise)) return result;
            active++;
            return result.finally(() => active--);
          };
        },
      }),
    /** Resolves when no operation has run for two turns of the event loop. */
    async settle() {
      for (let turns = 0; turns < 2;) {
        await setImmediate();
        turns = active === 0 ? turns + 1 : 0;
      }
    },
  };
}

/**
 * Creates servers that share data; each has its own connection to the store. The time stands still
 * while a store works, so that no lease expires before it can be renewed.
 */
function fleetOn(
  start: (now: () => number) => Promise<Backend>,
) {
  return async (reply: Reply | ((call: Call) => Reply) = {}): Promise<Fleet> => {
    const activity = createActivity();
    const fake = createFakeClock(activity.settle);
    const backend = await start(fake.clock.date);
    const { promise: opened, resolve: open } = Promise.withResolvers<void>();
    const upstream = startUpstream((call) => ({
      content: ["The ", "answer ", "is 4."],
      gate: (frame) => frame >= 2 ? opened : undefined,
      ...(typeof reply === "function" ? reply(call) : reply),
    }));
    const another = async (own = fake) =>
      await createTestApp({
        upstream: upstream.url,
        clock: own.clock,
        store: activity.track(await backend.open()),
        limiter: await backend.openLimiter(),
      });
    return {
      fake,
      upstream,
      open,
      a: await another(),
      b: await another(),
      store: await backend.open(),
      another,
      async [Symbol.asyncDispose]() {
        open();
        await upstream[Symbol.asyncDispose]();
        await backend[Symbol.asyncDispose]();
      },
    };
  };
}

const REJECTED: Reply = {
  status: 400,
  body: JSON.stringify({
    error: { message: "The `reasoning_content` in the thinking mode must be passed back." },
  }),
};

/** A model that requires its reasoning back with the result of a tool. */
function thinkingModel({ body }: Call): Reply {
  const turn = body.messages[1];
  if (turn === undefined) {
    const toolCalls = [{ id: "call_1", name: "add", arguments: "{}" }];
    return { reasoning: "I must add.", toolCalls, content: null, gate: () => {} };
  }
  if (turn.reasoning_content !== undefined) return { content: "2", gate: () => {} };
  return REJECTED;
}

async function reach(fake: FakeClock, app: TestApp, id: string, status: string): Promise<Event> {
  let response: Event;
  await waitUntil(`the status ${status}`, async () => {
    response = await json(app.send(`/v1/responses/${id}`));
    if (response.status !== status) assertEquals(response.status, "in_progress");
    return response.status === status;
  }, () => fake.advance(10));
  return response;
}

for (const { kind, skipReason, prepare, start } of BACKENDS) {
  // Servers can't share the memory of one process.
  if (kind !== "redis" && kind !== "sqlite" && kind !== "postgres") continue;
  prepare?.();
  const setUp = fleetOn(start);
  const test = (name: string, fn: () => Promise<void>) =>
    Deno.test({ ...skippedFor(skipReason, `a fleet over ${kind}: ${name}`), fn });

  test("a response continues one from another server", async () => {
    await using fleet = await setUp({ gate: () => {} });
    const { a, b, upstream } = fleet;
    const first = await json(a.respond({ model: "plain" }));
    const second = await json(
      b.respond({ model: "plain", previous_response_id: first.id, input: "And 3?" }),
    );
    await json(a.respond({ model: "plain", previous_response_id: second.id, input: "And 5?" }));
    const answer = "The answer is 4.";
    assertEquals(sent(upstream, 2), ["What is 2 + 2?", answer, "And 3?", answer, "And 5?"]);
    assertEquals(await json(b.send(`/v1/responses/${first.id}`)), first);
    await json(b.send(`/v1/responses/${first.id}`, undefined, { method: "DELETE" }));
    const lost = await a.respond({ model: "plain", previous_response_id: second.id });
    assertEquals(lost.status, 404);
    await lost.body?.cancel();
  });

  test("another server resolves item references and opens sealed reasoning", async () => {
    await using fleet = await setUp(thinkingModel);
    const { a, b, upstream } = fleet;
    const first = await json(
      a.respond({ model: "plain", store: false, include: ["reasoning.encrypted_content"] }),
    );
    const output = { type: "function_call_output", call_id: "call_1", output: "2" };
    const [sealed] = first.output;
    assertEquals(sealed.type, "reasoning");
    await json(b.respond({ model: "plain", input: [user("a"), ...first.output, output] }));
    const kept = await json(a.respond({ model: "plain" }));
    const references = kept.output.map(({ id }: Event) => ({ type: "item_reference", id }));
    await json(b.respond({ model: "plain", input: [user("a"), ...references, output] }));
    const turns = upstream.calls.map((call) => call.body.messages[1])
      .filter((turn) => turn?.reasoning_content !== undefined);
    assertEquals(turns.map((turn) => turn.reasoning_content), ["I must add.", "I must add."]);
    const broken = { ...sealed, encrypted_content: `${sealed.encrypted_content.slice(0, -4)}AAAA` };
    const input = [user("a"), broken, ...first.output.slice(1), output];
    const refused = await b.respond({ model: "plain", input });
    await refused.body?.cancel();
    assertEquals(refused.status, 400);
  });

  test("a tool loop of a chat continues on another server at each turn", async () => {
    await using fleet = await setUp(({ body: { messages } }) => {
      const calls = messages.filter(({ role }: Event) => role === "assistant");
      if (calls.some((message: Event) => message.reasoning_content === undefined)) return REJECTED;
      const number = calls.length;
      if (number === 3) return { content: "6", gate: () => {} };
      const id = `call_${number}`;
      const toolCalls = [{ id, name: "add", arguments: "{}" }];
      return { reasoning: `Thought ${number}.`, toolCalls, content: null, gate: () => {} };
    });
    const messages: Event[] = [user("Add.")];
    const apps = [fleet.a, fleet.b];
    for (let turn = 0; turn < 3; turn++) {
      const { choices: [{ message }] } = await json(
        apps[turn % 2]!.chat({ model: "plain", messages }),
      );
      const { role, content, tool_calls } = message;
      messages.push({ role, content, tool_calls });
      messages.push({ role: "tool", tool_call_id: tool_calls[0].id, content: `${turn}` });
    }
    const { choices: [{ message }] } = await json(fleet.b.chat({ model: "plain", messages }));
    assertEquals(message.content, "6");
    const last = fleet.upstream.calls.at(-1)!.body.messages;
    assertEquals(last.flatMap((sent: Event) => sent.reasoning_content ?? []), [
      ...["Thought 0.", "Thought 1.", "Thought 2."],
    ]);
  });

  test("requests with one idempotency key run on one server at a time", async () => {
    const { promise: before, resolve: open } = Promise.withResolvers<void>();
    await using fleet = await setUp({ before });
    const { a, b, upstream } = fleet;
    const ask = (app: TestApp, key: string) =>
      app.chat({ model: "plain" }, { headers: { "idempotency-key": key } });
    const [here, joined] = [ask(a, "k"), ask(a, "k")];
    await upstream.called();
    const refused = await ask(b, "k");
    assertEquals(refused.status, 409);
    assertEquals(refused.headers.get("retry-after"), "1");
    assertEquals((await refused.json()).error.code, "idempotency_key_in_use");
    open();
    await json(ask(b, "another"));
    const [first, second] = await Promise.all([json(here), json(joined)]);
    assertEquals(first.id, second.id);
    assertEquals(upstream.calls.length, 2);
    assertEquals((await json(ask(b, "k"))).id === first.id, false);
    assertEquals((await json(ask(a, "k"))).id === first.id, false);
    assertEquals(upstream.calls.length, 4);
  });

  test("servers continue a conversation in turn and concurrently", async () => {
    await using fleet = await setUp({ gate: () => {} });
    const { a, b, fake, upstream } = fleet;
    const { id } = await json(a.send(CONVERSATIONS, { items: [user("0")] }));
    const ask = (app: TestApp, input: string) =>
      json(app.respond({ model: "plain", conversation: id, input }));
    await ask(a, "1");
    await ask(b, "2");
    await ask(a, "3");
    const answer = "The answer is 4.";
    assertEquals(sent(upstream, 2), ["0", "1", answer, "2", answer, "3"]);
    const inputs = Array.from({ length: 10 }, (_, index) => `together ${index}`);
    await passing(fake, Promise.all(inputs.map((input, index) => ask([a, b][index % 2]!, input))));
    const { data } = await json(b.send(`${CONVERSATIONS}/${id}/items?order=asc&limit=100`));
    assertEquals(data.length, 7 + 20);
    assertEquals(new Set(data.map((item: Event) => item.id)).size, 27);
    const texts = data.map((item: Event) => item.content[0].text);
    for (const input of inputs) {
      // Each question appears once, followed by its answer.
      assertEquals(texts.filter((text: string) => text === input).length, 1);
      assertEquals(texts[texts.indexOf(input) + 1], answer);
    }
    assertEquals(
      await json(a.send(`${CONVERSATIONS}/${id}/items?order=asc&limit=100`)).then((
        page,
      ) => page.data),
      data,
    );
  });

  test("a conversation of 250 items is continued, read and deleted completely", async () => {
    await using fleet = await setUp({ gate: () => {} });
    const { a, b, upstream, store } = fleet;
    const { id } = await json(a.send(CONVERSATIONS, {}));
    const input = Array.from({ length: 250 }, (_, index) => user(`${index}`));
    await json(a.respond({ model: "plain", conversation: id, input }));
    await json(b.respond({ model: "plain", conversation: id, input: "last" }));
    assertEquals(sent(upstream, 1).length, 252);
    assertEquals(sent(upstream, 1).slice(0, 250), input.map(({ content }) => content));
    const items = { collection: `conversation-items/default/${id}`, limit: 999 };
    assertEquals((await store.list(items)).length, 253);
    await json(b.send(`${CONVERSATIONS}/${id}`, undefined, { method: "DELETE" }));
    assertEquals(await store.list(items), []);
    const gone = await a.send(`${CONVERSATIONS}/${id}`);
    assertEquals(gone.status, 404);
    await gone.body?.cancel();
  });

  test("a response of one server is polled and streamed from another", async () => {
    await using fleet = await setUp();
    const { a, b, fake, upstream, open } = fleet;
    const begun = await json(a.respond(BODY));
    await upstream.called();
    assertEquals(await json(b.send(`/v1/responses/${begun.id}`)), begun);
    const path = `/v1/responses/${begun.id}?stream=true`;
    const reader = readEvents(await b.send(path));
    const first = await passing(fake, reader.until("output_text.delta"));
    await reader.cancel();
    const last = first.at(-1).sequence_number;
    const resumed = readEvents(await b.send(`${path}&starting_after=${last}`));
    open();
    const rest = await passing(fake, resumed.rest());
    assertEquals(rest[0].sequence_number, last + 1);
    assertEquals(joined([...first, ...rest], "output_text"), "The answer is 4.");
    const whole = await reach(fake, b, begun.id, "completed");
    assertEquals(rest.at(-1).response, whole);
    assertEquals(await json(a.send(`/v1/responses/${begun.id}`)), whole);
    const [here, there] = await Promise.all(
      [a, b].map(async (app) => parseEvents(await (await app.send(path)).text())),
    );
    assertEquals(here, there);
    await passing(fake, a.drain(1_000));
    assertEquals(fake.pending(), 0);
  });

  test("a response of one server is cancelled from another within a lease renewal", async () => {
    await using fleet = await setUp();
    const { a, b, fake, upstream } = fleet;
    const { id } = await json(a.respond(BODY));
    await upstream.called();
    let left = false;
    const leaving = upstream.calls[0]!.left.then(() => left = true);
    await fake.advance(4_000);
    assertEquals(left, false);
    const cancelled = await json(b.send(`/v1/responses/${id}/cancel`, ""));
    assertEquals(cancelled.status, "cancelled");
    await fake.advance(5_000);
    await leaving;
    await passing(fake, a.drain(1_000));
    for (const app of [b, await fleet.another()]) {
      assertEquals((await json(app.send(`/v1/responses/${id}`))).status, "cancelled");
    }
    assertEquals(fake.pending(), 0);
  });

  test("a response of one server is deleted from another and leaves no data", async () => {
    await using fleet = await setUp();
    const { a, b, fake, upstream, store } = fleet;
    const { id } = await json(a.respond(BODY));
    await upstream.called();
    await fake.advance(600);
    await json(b.send(`/v1/responses/${id}`, undefined, { method: "DELETE" }));
    await fake.advance(5_000);
    await upstream.calls[0]!.left;
    await passing(fake, a.drain(1_000));
    assertEquals(await store.list({ collection: `events/default/${id}`, limit: 9 }), []);
    assertEquals(await store.get([{ collection: "background/default", id }]), [undefined]);
  });

  test("the response of a dead server is taken over when its lease has expired", async () => {
    await using fleet = await setUp();
    const { b, fake, upstream, open } = fleet;
    // The clock of the dead server stands still, and it is not drained.
    const still = createFakeClock();
    const dead = await fleet.another(still);
    const { id } = await json(dead.respond(BODY));
    await upstream.called();
    const status = async () => (await json(b.send(`/v1/responses/${id}`))).status;
    assertEquals(await status(), "in_progress");
    await fake.advance(12_000);
    assertEquals(await status(), "in_progress");
    await fake.advance(5_999);
    assertEquals(await status(), "in_progress");
    assertEquals(upstream.calls.length, 1);
    await fake.advance(1);
    assertEquals(await status(), "in_progress");
    await upstream.called(2);
    open();
    const completed = await reach(fake, b, id, "completed");
    assertEquals(completed.output.at(-1).content[0].text, "The answer is 4.");
    // If it was only slow, the response that was stored stays.
    await passing(still, dead.drain(1_000));
    assertEquals(await json(b.send(`/v1/responses/${id}`)), completed);
  });

  test("a renewed lease lasts as long as its run", async () => {
    await using fleet = await setUp();
    const { a, b, fake, upstream, open } = fleet;
    const { id } = await json(a.respond(BODY));
    await upstream.called();
    for (let seconds = 0; seconds < 40; seconds++) {
      await fake.advance(1_000);
      // The read gives the renewal time to reach the store.
      assertEquals((await json(b.send(`/v1/responses/${id}`))).status, "in_progress");
    }
    open();
    const done = await reach(fake, b, id, "completed");
    assertNotEquals(done.completed_at, done.created_at);
    assert(done.usage.output_tokens > 0);
    await passing(fake, a.drain(1_000));
  });
}
