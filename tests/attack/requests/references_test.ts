import { assert, assertEquals } from "@std/assert";
import { createMemoryStore } from "../../../lib/store/memory/store.ts";
import type { Store } from "../../../lib/store/store.ts";
import { createTestApp, type TestApp } from "../../support/app.ts";
import { startUpstream } from "../../support/upstream.ts";

/** A store that counts how often each response is read. */
function countingStore(): { store: Store; reads: Map<string, number> } {
  const memory = createMemoryStore({ now: Date.now });
  const reads = new Map<string, number>();
  const store: Store = {
    ...memory,
    get(keys) {
      for (const { id } of keys) reads.set(id, (reads.get(id) ?? 0) + 1);
      return memory.get(keys);
    },
  };
  return { store, reads };
}

interface Answer {
  status: number;
  // deno-lint-ignore no-explicit-any -- tests read any field
  json: any;
}

async function answer(pending: Promise<Response>): Promise<Answer> {
  const response = await pending;
  return { status: response.status, json: await response.json() };
}

const reference = ({ id }: { id: string }) => ({ type: "item_reference", id });

const message = (text: string) => ({ role: "user", content: text });

async function inputOf(app: TestApp, id: string): Promise<{ id: string }[]> {
  const data: { id: string }[] = [];
  for (let after = "";; after = `&after=${data.at(-1)!.id}`) {
    const path = `/v1/responses/${id}/input_items?limit=100&order=asc${after}`;
    const page = await (await app.send(path)).json();
    data.push(...page.data);
    if (!page.has_more) return data;
  }
}

for (const path of ["/v1/responses/input_tokens", "/v1/responses"]) {
  Deno.test(`1,200 references to items of one response of 10 MB load it once: ${path}`, async () => {
    await using upstream = startUpstream([{ content: "4" }]);
    const { store, reads } = countingStore();
    const app = await createTestApp({ upstream: upstream.url, store });
    const text = "x".repeat(10_000_000 / 1_200);
    const input = Array.from({ length: 1_200 }, () => message(text));
    const { id } = await (await app.respond({ model: "plain", input })).json();
    const references = (await inputOf(app, id)).map(reference);
    assertEquals(references.length, 1_200);
    reads.clear();
    const { status } = await answer(app.send(path, { model: "plain", input: references }));
    assertEquals(status, 200);
    assertEquals(reads.get(id), 1);
  });
}

Deno.test("an item that is referred to several times is sent once", async () => {
  await using upstream = startUpstream([{ content: "4" }]);
  const app = await createTestApp({ upstream: upstream.url });
  const { id } = await (await app.respond({ model: "plain", input: "Hi" })).json();
  const [item] = await inputOf(app, id);
  const input = Array(1_000).fill(reference(item!));
  assertEquals((await answer(app.respond({ model: "plain", input }))).status, 200);
  assertEquals(upstream.calls[1]!.body.messages.length, 1);
});

Deno.test("thinking that is referred to many times is loaded once, and sent within the limit", async () => {
  const returned = ({ reasoning_content: text }: { reasoning_content?: string }) =>
    text?.length === 100_000;
  await using upstream = startUpstream(({ index, body: { messages } }) => {
    if (messages.some(returned)) return { content: "4" };
    const error = { message: "The `reasoning_content` must be passed back." };
    return index > 0 ? { status: 400, body: JSON.stringify({ error }) } : {
      reasoning: "t".repeat(100_000),
      toolCalls: [{ id: "call_1", name: "f", arguments: "{}" }],
    };
  });
  const { store, reads } = countingStore();
  const app = await createTestApp({
    upstream: upstream.url,
    store,
    yaml: `
server: { max_body_bytes: 1000000 }
upstreams: { u: { base_url: UPSTREAM } }
models: { plain: { upstream: u, model: x, strategy: direct } }
`,
  });
  const body = { model: "plain", tools: [{ type: "function", name: "f" }] };
  const { id, output } = await (await app.respond(body)).json();
  const thinking = output.find(({ type }: { type: string }) => type === "reasoning");
  const input = (count: number) =>
    Array.from({ length: count }, (_, i) => [
      { type: "reasoning", id: thinking.id, summary: [] },
      { type: "function_call", call_id: `c${i}`, name: "f", arguments: "{}" },
      { type: "function_call_output", call_id: `c${i}`, output: "4" },
    ]).flat();
  reads.clear();
  const short = await answer(app.respond({ ...body, input: input(10) }));
  assertEquals([short.status, reads.get(id)], [200, 1]);
  assertEquals(upstream.calls.at(-1)!.body.messages.filter(returned).length, 10);
  const long = await answer(app.respond({ ...body, input: input(1_000) }));
  assertEquals([long.status, long.json.error.code], [400, "context_length_exceeded"]);
  assertEquals(reads.get(id), 2);
});

const countTokens = (app: TestApp, input: object[]) =>
  answer(app.send("/v1/responses/input_tokens", { model: "plain", input }));

/** Ways to make a short request refer to ever more, each until it is rejected. */
const GROWING: Readonly<
  Record<string, (app: TestApp, text: string) => AsyncGenerator<Answer>>
> = {
  async *"a chain of responses"(app, text) {
    for (let previous = {};;) {
      const result = await answer(app.respond({ model: "plain", input: text, ...previous }));
      yield result;
      previous = { previous_response_id: result.json.id };
    }
  },
  async *"items of many responses"(app, text) {
    for (const references: object[] = [];;) {
      const { id } = await (await app.respond({ model: "plain", input: text })).json();
      references.push(...(await inputOf(app, id)).map(reference));
      yield await countTokens(app, references);
    }
  },
  async *"items of many conversations"(app, text) {
    for (const references: object[] = [];;) {
      const created = app.send("/v1/conversations", { items: [message(text)] });
      const { id } = await (await created).json();
      const { data } = await (await app.send(`/v1/conversations/${id}/items`)).json();
      references.push(reference(data[0]));
      yield await countTokens(app, references);
    }
  },
  async *"a conversation of many responses"(app, text) {
    const { id } = await (await app.send("/v1/conversations", {})).json();
    for (;;) yield await answer(app.respond({ model: "plain", input: text, conversation: id }));
  },
  async *"a conversation of many items"(app, text) {
    const { id } = await (await app.send("/v1/conversations", {})).json();
    const items = [message(text)];
    for (;;) yield await answer(app.send(`/v1/conversations/${id}/items`, { items }));
  },
};

for (const [name, grow] of Object.entries(GROWING)) {
  Deno.test(`a request cannot refer to more than twice what it may send: ${name}`, async () => {
    await using upstream = startUpstream([{ content: "4" }]);
    const app = await createTestApp({
      upstream: upstream.url,
      yaml: `
server: { max_body_bytes: 1000000 }
upstreams: { u: { base_url: UPSTREAM } }
models: { plain: { upstream: u, model: x, strategy: direct } }
`,
    });
    let accepted = 0;
    for await (const { status, json } of grow(app, "x".repeat(300_000))) {
      if (status !== 200) {
        assertEquals([status, json.error.code], [400, "context_length_exceeded"]);
        break;
      }
      assert(++accepted <= 10, `${accepted} requests were accepted`);
    }
    assert(accepted >= 4, `only ${accepted} requests were accepted`);
  });
}
