import { assertEquals, assertMatch } from "@std/assert";
import { createMemoryStore } from "../../../lib/store/memory/store.ts";
import type { Store } from "../../../lib/store/store.ts";
import { createTestApp, TOKEN } from "../../support/app.ts";
import { type Event, parseEvents } from "../../support/parsers/responses.ts";
import { startUpstream } from "../../support/upstream.ts";

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

const CONVERSATIONS = "/v1/conversations";
const DELETE = { method: "DELETE" };
const user = (content: string) => ({ role: "user", content });
const texts = ({ data }: Event) => data.map((item: Event) => item.content[0].text);

Deno.test("a conversation is created, read, updated and deleted", async () => {
  await using upstream = startUpstream([{ content: "x" }]);
  const { send } = await createTestApp({ upstream: upstream.url });
  const made = await json(send(CONVERSATIONS, { metadata: { a: "b" } }));
  assertMatch(made.id, /^conv_[0-9a-f]{48}$/);
  assertEquals([made.object, made.metadata], ["conversation", { a: "b" }]);
  const path = `${CONVERSATIONS}/${made.id}`;
  assertEquals(await json(send(path)), made);
  assertEquals(await json(send(path, { metadata: { c: "d" } })), { ...made, metadata: { c: "d" } });
  assertEquals((await json(send(path))).metadata, { c: "d" });
  assertEquals((await failure(send(path, {}))).param, "metadata");
  assertEquals(await json(send(path, undefined, DELETE)), {
    id: made.id,
    object: "conversation.deleted",
    deleted: true,
  });
  assertEquals((await failure(send(path))).message, `Conversation with id '${made.id}' not found.`);
  assertEquals((await json(send(CONVERSATIONS, undefined, { method: "POST" }))).metadata, {});
});

Deno.test("every route of a missing conversation is 404", async () => {
  await using upstream = startUpstream([{ content: "x" }]);
  const app = await createTestApp({ upstream: upstream.url });
  const { id } = await json(app.send(CONVERSATIONS, {}));
  for (const missing of ["conv_7", `conv_${"0".repeat(48)}`]) {
    const path = `${CONVERSATIONS}/${missing}`;
    const answers = [
      app.send(path),
      app.send(path, { metadata: {} }),
      app.send(path, undefined, DELETE),
      app.send(`${path}/items`),
      app.send(`${path}/items`, { items: [user("a")] }),
      app.send(`${path}/items/msg_1`),
      app.send(`${path}/items/msg_1`, undefined, DELETE),
      app.respond({ conversation: missing }),
      app.send(`${CONVERSATIONS}/${id}/items/msg_1`),
      app.send(`${CONVERSATIONS}/${id}/items/msg_1`, undefined, DELETE),
      app.send(`${CONVERSATIONS}/${id}/items?after=msg_1`),
    ];
    for (const answer of answers) assertEquals((await failure(answer)).status, 404);
  }
});

Deno.test("items are appended, read, deleted and listed in pages", async () => {
  await using upstream = startUpstream([{ content: "x" }]);
  const { send } = await createTestApp({ upstream: upstream.url });
  const made = await json(send(CONVERSATIONS, { items: [user("a"), user("b")] }));
  const path = `${CONVERSATIONS}/${made.id}/items`;
  const added = await json(send(path, { items: [user("c"), user("d"), user("e")] }));
  assertEquals(texts(added), ["c", "d", "e"]);
  const list = (query = "") => json(send(`${path}?${query}`));
  assertEquals(texts(await list()), ["e", "d", "c", "b", "a"]);
  const first = await list("order=asc&limit=2");
  assertEquals([texts(first), first.has_more, first.last_id], [["a", "b"], true, first.data[1].id]);
  const rest = await list(`order=asc&limit=3&after=${first.last_id}`);
  assertEquals([texts(rest), rest.has_more], [["c", "d", "e"], false]);
  assertEquals(texts(await list(`after=${rest.first_id}`)), ["b", "a"]);
  const [{ id }] = rest.data;
  assertEquals(await json(send(`${path}/${id}`)), rest.data[0]);
  assertEquals((await json(send(`${path}/${id}`, undefined, DELETE))).id, made.id);
  assertEquals((await failure(send(`${path}/${id}`))).status, 404);
  assertEquals(texts(await list("order=asc")), ["a", "b", "d", "e"]);
  for (const [query, param] of [["limit=0", "limit"], ["order=up", "order"]]) {
    assertEquals((await failure(send(`${path}?${query}`))).param, param);
  }
});

Deno.test("invalid items are rejected", async () => {
  await using upstream = startUpstream([{ content: "x" }]);
  const { send } = await createTestApp({ upstream: upstream.url });
  const { id } = await json(send(CONVERSATIONS, {}));
  const faults: [object, string][] = [
    [{}, "items"],
    [{ items: [] }, "items"],
    [{ items: [{ role: "critic" }] }, "items[0].role"],
    [{ items: [user("a"), { type: "function_call", call_id: "c" }] }, "items[1].name"],
    [{ items: Array.from({ length: 21 }, () => user("a")) }, "items"],
    [{ items: [user("a")], metadata: { a: 7 } }, "metadata.a"],
  ];
  for (const [body, param] of faults) {
    const error = await failure(send(`${CONVERSATIONS}/${id}/items`, body));
    assertEquals([error.status, error.param], [400, param]);
  }
  assertEquals((await json(send(`${CONVERSATIONS}/${id}/items`))).data, []);
});

Deno.test("a response reads its conversation and is appended to it", async () => {
  const call = { id: "call_1", name: "add", arguments: "{}" };
  await using upstream = startUpstream([{ content: "one" }, { toolCalls: [call] }, {
    content: "three",
  }]);
  const app = await createTestApp({ upstream: upstream.url });
  const { id } = await json(app.send(CONVERSATIONS, { items: [user("before")] }));
  const ask = (more: object) => json(app.respond({ model: "plain", conversation: id, ...more }));
  assertEquals((await ask({ input: "a", store: false })).conversation, { id });
  await ask({ input: "b", conversation: { id } });
  const streamed = await app.respond({
    model: "plain",
    conversation: id,
    stream: true,
    input: [{ type: "function_call_output", call_id: "call_1", output: "2" }],
  });
  assertEquals(parseEvents(await streamed.text()).at(-1).response.status, "completed");
  const sent = upstream.calls[2]!.body.messages;
  assertEquals(sent.map(({ role, content }: Event) => [role, content]), [
    ["user", "before"],
    ["user", "a"],
    ["assistant", "one"],
    ["user", "b"],
    ["assistant", null],
    ["tool", "2"],
  ]);
  const { data } = await json(app.send(`${CONVERSATIONS}/${id}/items?order=asc`));
  assertEquals(data.map(({ type, role }: Event) => role ?? type), [
    "user",
    "user",
    "assistant",
    "user",
    "function_call",
    "function_call_output",
    "assistant",
  ]);
  assertEquals(new Set(data.map((item: Event) => item.id)).size, data.length);
});

/** A store in which others change each entry just before the next writes that expect its version. */
function createContestedStore(rivals: number): Store {
  const store = createMemoryStore({ now: Date.now });
  return {
    ...store,
    async write(changes) {
      const contested = changes.find(({ ifVersion }) => typeof ifVersion === "string");
      if (contested !== undefined && rivals-- > 0) {
        const [entry] = await store.get([contested.key]);
        await store.write([{ key: contested.key, value: entry!.value }]);
      }
      return await store.write(changes);
    },
  };
}

Deno.test("a change of a conversation is retried up to 50 times when other changes precede it", async () => {
  await using upstream = startUpstream([{ content: "x" }]);
  const change = async (rivals: number) => {
    const store = createContestedStore(rivals);
    const { send } = await createTestApp({ upstream: upstream.url, store });
    const { id } = await json(send(CONVERSATIONS, {}));
    const changed = await send(`${CONVERSATIONS}/${id}`, { metadata: { a: "b" } });
    await changed.body?.cancel();
    const { metadata } = await json(send(`${CONVERSATIONS}/${id}`));
    return [changed.status, metadata];
  };
  assertEquals(await change(49), [200, { a: "b" }]);
  assertEquals(await change(50), [409, {}]);
});

Deno.test("a failed response is not appended", async () => {
  await using upstream = startUpstream([{ content: ["The "], finish: null, end: "cut" }]);
  const app = await createTestApp({ upstream: upstream.url });
  const { id } = await json(app.send(CONVERSATIONS, {}));
  const streamed = await app.respond({ model: "plain", conversation: id, stream: true });
  assertEquals(parseEvents(await streamed.text()).at(-1).type, "response.failed");
  assertEquals((await json(app.send(`${CONVERSATIONS}/${id}/items`))).data, []);
});

Deno.test("responses that end at the same moment are all appended", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  await using upstream = startUpstream(() => ({ content: "x", before: promise }));
  const app = await createTestApp({ upstream: upstream.url });
  const { id } = await json(app.send(CONVERSATIONS, {}));
  const inputs = ["a", "b", "c", "d", "e"];
  const asked = inputs.map((input) =>
    json(app.respond({ model: "plain", conversation: id, input }))
  );
  resolve();
  await Promise.all(asked);
  const { data } = await json(app.send(`${CONVERSATIONS}/${id}/items?order=asc`));
  assertEquals(data.map(({ role }: Event) => role), inputs.flatMap(() => ["user", "assistant"]));
  const users = data.filter(({ role }: Event) => role === "user");
  assertEquals(texts({ data: users }).sort(), inputs);
});

Deno.test("a client that deletes the conversation meanwhile still receives the response", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  await using upstream = startUpstream([{ content: "4", before: promise }]);
  const app = await createTestApp({ upstream: upstream.url });
  const { id } = await json(app.send(CONVERSATIONS, {}));
  const asked = json(app.respond({ model: "plain", conversation: id }));
  await upstream.called();
  await json(app.send(`${CONVERSATIONS}/${id}`, undefined, DELETE));
  resolve();
  const response = await asked;
  assertEquals(response.status, "completed");
  assertEquals(await json(app.send(`/v1/responses/${response.id}`)), response);
  assertEquals((await failure(app.send(`${CONVERSATIONS}/${id}/items`))).status, 404);
});

Deno.test("a conversation can have more items than one write can store", async () => {
  await using upstream = startUpstream([{ content: "x" }]);
  const app = await createTestApp({ upstream: upstream.url });
  const { id } = await json(app.send(CONVERSATIONS, {}));
  const input = Array.from({ length: 250 }, (_, index) => user(`${index}`));
  await json(app.respond({ model: "plain", conversation: id, input }));
  await json(app.respond({ model: "plain", conversation: id, input: "last" }));
  assertEquals(
    upstream.calls[1]!.body.messages.map(({ content }: Event) => content),
    [...input.map(({ content }) => content), "x", "last"],
  );
  await json(app.send(`${CONVERSATIONS}/${id}`, undefined, DELETE));
  assertEquals((await failure(app.send(`${CONVERSATIONS}/${id}`))).status, 404);
});

Deno.test("ids that a store cannot contain are not found", async () => {
  await using upstream = startUpstream([{ content: "x" }]);
  const app = await createTestApp({ upstream: upstream.url });
  const { id } = await json(app.send(CONVERSATIONS, {}));
  const tail = `${id.slice("conv_".length)}1234567`;
  for (
    const item of [
      `msg_${tail}%00`,
      `msg_${tail}%ff`,
      "%00",
      "x".repeat(999),
      `msg_${tail}\u{1F600}`,
    ]
  ) {
    const path = `${CONVERSATIONS}/${id}/items/${item}`;
    assertEquals((await failure(app.send(path))).status, 404);
    assertEquals((await failure(app.send(`/v1/responses/${item}`))).status, 404);
    assertEquals((await failure(app.send(`${CONVERSATIONS}/${item}`))).status, 404);
  }
  for (const item of [`msg_${tail}\u0000`, `msg_${tail}\ud800`, "\u0000"]) {
    const input = [{ type: "item_reference", id: item }];
    assertEquals((await failure(app.respond({ input }))).status, 404);
    assertEquals((await failure(app.respond({ previous_response_id: item }))).status, 404);
    assertEquals((await failure(app.respond({ conversation: item }))).status, 404);
  }
});

Deno.test("a conversation is created over the network without a body", async () => {
  const app = await createTestApp({ upstream: "http://127.0.0.1:9999" });
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request) => app.handle(request),
  );
  const response = await fetch(`http://127.0.0.1:${server.addr.port}/v1/conversations`, {
    method: "POST",
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  assertEquals(response.status, 200);
  assertEquals((await response.json()).object, "conversation");
});

Deno.test("an update of a conversation without a body names what is missing", async () => {
  const app = await createTestApp({ upstream: "http://127.0.0.1:9999" });
  const created = await app.send("/v1/conversations", undefined, { method: "POST" });
  const { id } = await created.json();
  const response = await app.send(`/v1/conversations/${id}`, undefined, { method: "POST" });
  assertEquals(response.status, 400);
  assertEquals((await response.json()).error.param, "metadata");
});
