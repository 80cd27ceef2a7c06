import { assert, assertEquals } from "@std/assert";
import { kindOf, textOf } from "../../../support/kinds.ts";
import { type Call, type Reply, startUpstream } from "../../../support/upstream.ts";
import { waitUntil } from "../../../support/wait.ts";
import { THINKING } from "../setup/cases.ts";
import { scripted, toSteps } from "../setup/script.ts";
import { createStrategyApp } from "../setup/app.ts";

/** Rejects a call that exceeds the context of a model, as llama.cpp does. */
function limited(characters: number, reply: (call: Call) => Reply) {
  return (call: Call): Reply => {
    const tokens = Math.ceil(textOf(call).length / 4);
    const window = Math.ceil(characters / 4);
    if (tokens <= window) return reply(call);
    const message =
      `the request exceeds the available context size. try increasing the context size ` +
      `(n_prompt_tokens: ${tokens}, n_ctx: ${window})`;
    const error = { code: 400, message, type: "exceed_context_size_error" };
    return { status: 400, body: JSON.stringify({ error }) };
  };
}

const QUESTION = `${"A long text. ".repeat(80)}What is 6 * 7?`;
const body = { messages: [{ role: "user", content: QUESTION }] };

for (const strategy of THINKING) {
  for (const stream of [true, false]) {
    Deno.test(`${strategy} answers if only the conversation fits into the context (stream: ${stream})`, async () => {
      await using upstream = startUpstream(
        limited(QUESTION.length, scripted({ replies: { plain: { content: "42" } } })),
      );
      const { ask } = await createStrategyApp(upstream);
      const { content, finish } = await ask(strategy, { ...body, stream });
      assertEquals([content, finish], ["42", "stop"]);
      assertEquals(kindOf(upstream.calls.at(-1)!), "plain");
    });
  }

  Deno.test(`${strategy} answers if the context has room for what it adds, and little more`, async () => {
    for (const room of [100, 300, 600, 900, 1_200, 1_500, 2_000]) {
      await using upstream = startUpstream(limited(QUESTION.length + room, scripted()));
      const { ask } = await createStrategyApp(upstream);
      assertEquals((await ask(strategy, body)).status, 200, String(room));
    }
  });

  Deno.test(`${strategy} reports a conversation that is too long`, async () => {
    await using upstream = startUpstream(limited(QUESTION.length - 8, scripted()));
    const { ask } = await createStrategyApp(upstream);
    const { status, json } = await ask(strategy, body);
    assertEquals([status, json.error.code], [400, "context_length_exceeded"]);
  });
}

const MODEL = { context_length: 1_000 };

Deno.test("steps leave a quarter of a configured context for the answer", async () => {
  const text = (index: number) => `${index} ${"words that differ ".repeat(40)}${index * 7}`;
  await using upstream = startUpstream(
    scripted({ replies: toSteps(({ index }) => ({ content: text(index) })) }),
  );
  const { ask } = await createStrategyApp(upstream, { model: MODEL });
  await ask("steps", { reasoning: { max_steps: 20 } });
  const sizes = upstream.calls.map((call) => textOf(call).length / 4);
  assert(sizes.length > 2 && sizes.length < 8, sizes.join());
  assertEquals(kindOf(upstream.calls.at(-1)!), "steps.answer");
  for (const size of sizes) assert(size <= 750, sizes.join());
});

for (
  const [strategy, reasoning, last] of [
    ["moa", {}, "moa.aggregator"],
    ["rsa", { population: 4, rounds: 1 }, "rsa.answer"],
    ["vote", { max_samples: 4 }, "judge"],
  ] as const
) {
  Deno.test(`${strategy} shows long candidates shortened to what the context has room for`, async () => {
    const content = (call: Call) => `${call.index} ${"Waves come and go. ".repeat(150)}`;
    const samples = ["moa.proposer", "sample", "rsa.aggregate"];
    const replies = Object.fromEntries(
      samples.map((kind) => [kind, (call: Call) => ({ content: content(call) })]),
    );
    await using upstream = startUpstream(limited(4_000, scripted({ replies })));
    const { ask } = await createStrategyApp(upstream, { model: MODEL, upstream: { use_n: false } });
    const question = { messages: [{ role: "user", content: "Describe the sea." }] };
    assertEquals((await ask(strategy, { ...question, reasoning })).status, 200);
    assertEquals(kindOf(upstream.calls.at(-1)!), last);
    for (const call of upstream.calls) assert(textOf(call).length <= 3_200, kindOf(call));
    assert(textOf(upstream.calls.at(-1)!).length > 2_000, "the room is used");
  });
}

Deno.test("rsa skips a round for which the context has no room", async () => {
  await using upstream = startUpstream(scripted({ answer: ({ index }) => index }));
  const { ask } = await createStrategyApp(upstream, { model: { context_length: 400 } });
  const messages = [{ role: "user", content: QUESTION }];
  assertEquals((await ask("rsa", { messages, reasoning: { population: 4 } })).status, 200);
  assertEquals(upstream.calls.map(kindOf).filter((kind) => kind === "rsa.aggregate"), []);
});

for (const strategy of ["moa", "rsa", "vote", "verify"]) {
  Deno.test(`${strategy} sends no prompt that is known not to fit into the context`, async () => {
    const content = (call: Call) =>
      `${"Waves come and go. ".repeat(100)}${call.index}\nFINAL: ${100 + call.index}`;
    const samples = ["sample", "verify.planner", "moa.proposer", "moa.refine", "rsa.aggregate"];
    const replies = Object.fromEntries(
      samples.map((kind) => [kind, (call: Call) => ({ content: content(call) })]),
    );
    // The first calls fit into each.
    for (const tokens of [400, 500, 600, 800, 1_000]) {
      const reply = limited(4 * tokens, scripted({ refutes: () => true, replies }));
      const rejected: string[] = [];
      await using upstream = startUpstream((call) => {
        const sent = reply(call);
        if (sent.status === 400) rejected.push(kindOf(call));
        return sent;
      });
      const { ask } = await createStrategyApp(upstream, {
        model: { context_length: tokens },
        upstream: { use_n: false },
      });
      const { status } = await ask(strategy, { ...body, reasoning_effort: "xhigh" });
      assertEquals([status, rejected], [200, []], String(tokens));
    }
  });
}

Deno.test("notes that leave no room for an answer are dropped before it is asked for", async () => {
  await using upstream = startUpstream(
    scripted({ replies: { "relay.reasoner": { content: "Hm. ".repeat(1_000) } } }),
  );
  const { ask } = await createStrategyApp(upstream, { model: MODEL });
  assertEquals((await ask("relay")).status, 200);
  assertEquals(upstream.calls.map(kindOf), ["relay.reasoner", "plain"]);
});

Deno.test("a context size from an upstream's error applies to later requests", async () => {
  const reply = scripted({ replies: { "relay.reasoner": { content: "Hm. ".repeat(1_000) } } });
  await using upstream = startUpstream((call) => {
    if (textOf(call).length <= 4_000) return reply(call);
    const message =
      "This model's maximum context length is 1000 tokens. However, your messages have 1200 tokens.";
    return {
      status: 400,
      body: JSON.stringify({ error: { code: "context_length_exceeded", message } }),
    };
  });
  const { ask } = await createStrategyApp(upstream);
  for (const kinds of [["relay.reasoner", "relay.writer", "plain"], ["relay.reasoner", "plain"]]) {
    upstream.calls.length = 0;
    assertEquals((await ask("relay")).status, 200);
    assertEquals(upstream.calls.map(kindOf), kinds);
  }
  const [reasoner] = upstream.calls;
  assert(reasoner!.body.max_tokens < 1_000, "it has room for less than its default");
});

Deno.test("a context size from the upstream's list of models applies to later requests", async () => {
  const reply = scripted({ replies: { "relay.reasoner": { content: "Hm. ".repeat(1_000) } } });
  const listed = JSON.stringify({ data: [{ id: "any", meta: { n_ctx: 1_000 } }] });
  await using upstream = startUpstream(
    (call) => call.path === "/v1/models" ? { body: listed } : reply(call),
    { listsModels: true },
  );
  const { ask } = await createStrategyApp(upstream, { readsModelLists: true });
  await ask("direct");
  await waitUntil("notes to be dropped", async () => {
    upstream.calls.length = 0;
    assertEquals((await ask("relay")).status, 200);
    const kinds = upstream.calls.filter(({ body }) => body !== undefined).map(kindOf);
    return kinds.join() === "relay.reasoner,plain";
  });
});
