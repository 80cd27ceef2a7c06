import { assertEquals } from "@std/assert";
import { type Clock, systemClock } from "../../../lib/clock.ts";
import { upstreamOptions } from "../../../lib/config/schema/upstream.ts";
import type { Fetch } from "../../../lib/upstream/attempt.ts";
import { createUpstreamClient } from "../../../lib/upstream/client.ts";
import type { Target } from "../../../lib/upstream/target.ts";
import { createFakeClock, passing } from "../../support/clock.ts";
import { type Call, type Reply, startUpstream } from "../../support/upstream.ts";
import { waitUntil } from "../../support/wait.ts";

const isList = ({ path }: Call) => path.startsWith("/v1/models");
const list = (...models: unknown[]): Reply => ({ body: JSON.stringify({ data: models }) });
const ANSWER: Reply = { content: "42" };

/** Starts an upstream with this list of models, which answers all other calls. */
const startListing = (reply: Reply) =>
  startUpstream((call) => isList(call) ? reply : ANSWER, { listsModels: true });

interface ClientOptions {
  clock?: Clock;
  readsModelLists?: boolean;
  api_key?: string;
}

/** A client of the upstream. `lists` has an element for each list: whether its reading is over. */
function createClient(
  base_url: string,
  { clock = systemClock, readsModelLists = true, api_key }: ClientOptions = {},
) {
  const upstream = upstreamOptions.parse({ base_url, api_key });
  const lists: { isOver: boolean }[] = [];
  const counting: Fetch = (url, init) => {
    if (url.includes("/models")) {
      const reading = { isOver: false };
      lists.push(reading);
      // Whatever came, its signal is aborted at the end.
      init.signal?.addEventListener("abort", () => void (reading.isOver = true));
    }
    return fetch(url, init);
  };
  const client = createUpstreamClient({
    clock,
    random: Math.random,
    fetch: counting,
    readsModelLists,
  });
  const targetOf = (model: string): Target => ({ name: "u", upstream, model });
  return {
    lists,
    contextOf: (model: string, owner = "a") =>
      client.capabilitiesFor(owner).get(targetOf(model)).contextTokens,
    async ask(model: string, owner = "a"): Promise<string> {
      const text: string[] = [];
      const deltas = client.call(
        [targetOf(model)],
        { messages: [{ role: "user", content: "6 * 7?" }], stream: true, fields: {} },
        {
          conversation: { owner, messages: [] },
          capabilities: client.capabilitiesFor(owner),
          signal: new AbortController().signal,
          retries: { left: 0 },
          deadline: Infinity,
        },
      );
      for await (const { content = "" } of deltas) text.push(content);
      return text.join("");
    },
  };
}

/** Waits until all lists that were requested are read. */
const allRead = ({ lists }: ReturnType<typeof createClient>, count = 1) =>
  waitUntil(
    `the end of ${count} lists`,
    () => lists.length === count && lists.every(({ isOver }) => isOver),
  );

for (
  const [name, models, tokens] of [
    ["llama.cpp", [{ id: "m", meta: { n_ctx: 4096, n_ctx_train: 32768 } }], 4096],
    ["vLLM", [{ id: "x", max_model_len: 1 }, { id: "m", max_model_len: 8192 }], 8192],
    ["OpenRouter and Together", [{ id: "m", context_length: 131072 }, { id: "x" }], 131072],
    ["Groq", [{ id: "m", context_window: 16384 }], 16384],
    ["Mistral", [{ id: "m", max_context_length: 32768 }], 32768],
    ["a server of one model under another name", [{ id: "/m.gguf", meta: { n_ctx: 512 } }], 512],
    ["a server of several other models", [{ id: "x", context_length: 1 }, { id: "y" }], undefined],
    ["a list without sizes", [{ id: "m" }], undefined],
    ["sizes that are none", [{ id: "m", context_length: -1, max_model_len: "8192" }], undefined],
  ] as const
) {
  Deno.test(`the context of a model is read from the list of ${name}`, async () => {
    await using upstream = startListing(list(...models));
    const client = createClient(upstream.url, { api_key: "k" });
    assertEquals(await client.ask("m"), "42");
    await allRead(client);
    // Whoever asked, since nobody but the upstream can change its list.
    assertEquals([client.contextOf("m"), client.contextOf("m", "b")], [tokens, tokens]);
    assertEquals(upstream.calls.find(isList)?.headers.get("authorization"), "Bearer k");
  });
}

Deno.test("the list is read once an hour for each model", async () => {
  let tokens = 1_000;
  await using upstream = startUpstream(
    (call) => isList(call) ? list({ id: "m", context_length: tokens }, { id: "other" }) : ANSWER,
    { listsModels: true },
  );
  const time = createFakeClock();
  const client = createClient(upstream.url, { clock: time.clock });
  await client.ask("m");
  await allRead(client);
  await client.ask("other");
  await allRead(client, 2);
  await time.advance(3_599_000);
  tokens = 2_000;
  await client.ask("m");
  assertEquals([client.contextOf("m"), client.lists.length], [1_000, 2]);
  await time.advance(1_000);
  await client.ask("m");
  await allRead(client, 3);
  assertEquals(client.contextOf("m"), 2_000);
});

Deno.test("a list that never arrives delays no answer and is given up", async () => {
  await using upstream = startUpstream(
    (call) => isList(call) ? { before: call.left, body: "{}" } : ANSWER,
    { listsModels: true },
  );
  const time = createFakeClock();
  const client = createClient(upstream.url, { clock: time.clock });
  assertEquals(await client.ask("m"), "42");
  await upstream.called(2);
  assertEquals(client.lists, [{ isOver: false }]);
  await passing(time, upstream.calls.find(isList)!.left);
  assertEquals(await client.ask("m"), "42");
  assertEquals([client.contextOf("m"), client.lists], [undefined, [{ isOver: true }]]);
});

for (
  const [name, reply] of [
    ["missing", { status: 404, body: "{}" }],
    ["not JSON", { body: "<html>" }],
    ["too large", { body: `{"data":[{"id":"m","context_length":9}]}${" ".repeat(8_400_000)}` }],
  ] as const
) {
  Deno.test(`a list that is ${name} changes nothing`, async () => {
    await using upstream = startListing(reply);
    const client = createClient(upstream.url);
    assertEquals(await client.ask("m"), "42");
    await allRead(client);
    assertEquals(await client.ask("m"), "42");
    assertEquals([client.contextOf("m"), client.lists.length], [undefined, 1]);
  });
}

Deno.test("a size in an error takes precedence over that of the list", async () => {
  const message = "This model's maximum context length is 700 tokens. You have 900 tokens.";
  const error = { code: "context_length_exceeded", message };
  let isTooLong = false;
  await using upstream = startUpstream((call) => {
    if (isList(call)) return list({ id: "m", context_length: 1_000 });
    return isTooLong ? { status: 400, body: JSON.stringify({ error }) } : ANSWER;
  }, { listsModels: true });
  const client = createClient(upstream.url);
  await client.ask("m");
  await allRead(client);
  isTooLong = true;
  await client.ask("m").catch(() => {});
  assertEquals([client.contextOf("m"), client.contextOf("m", "b")], [700, 1_000]);
});

Deno.test("no list is requested from the demo, from a failing upstream, or without the option", async () => {
  const demo = createClient("demo:");
  await demo.ask("demo");
  assertEquals(demo.lists, []);

  await using failing = startUpstream([{ status: 401, body: "{}" }]);
  const refused = createClient(failing.url);
  await refused.ask("m").catch(() => {});
  assertEquals(refused.lists, []);

  await using upstream = startListing(list({ id: "m", context_length: 1 }));
  const client = createClient(upstream.url, { readsModelLists: false });
  await client.ask("m");
  assertEquals([client.lists, client.contextOf("m")], [[], undefined]);
});
