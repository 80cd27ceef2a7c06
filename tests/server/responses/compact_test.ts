import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { ResponseObject } from "../../../lib/api/responses/object.ts";
import { withoutOldest } from "../../../lib/reasoning/output/truncate.ts";
import { createTestApp, type TestApp } from "../../support/app.ts";
import { textOf } from "../../support/kinds.ts";
import { readEvents } from "../../support/parsers/responses.ts";
import { startUpstream } from "../../support/upstream.ts";

const INPUT = [
  { role: "developer", content: "Be brief." },
  { role: "user", content: "My name is Ada." },
  { type: "function_call", call_id: "c1", name: "greet", arguments: "{}" },
  { type: "function_call_output", call_id: "c1", output: "Hello, Ada" },
];

Deno.test("a compacted conversation continues from its summary", async () => {
  await using upstream = startUpstream([{ content: "The user is called Ada." }, {
    content: "Ada.",
  }]);
  const app = await createTestApp({ upstream: upstream.url });
  const response = await app.send("/v1/responses/compact", { model: "o1", input: INPUT });
  const compacted = await response.json();
  assertEquals([response.status, compacted.object], [200, "response.compaction"]);
  assertEquals(compacted.usage.output_tokens, 5);
  const [instructions, compaction] = compacted.output;
  assertEquals(compacted.output.length, 2);
  assertEquals([instructions.role, compaction.type], ["developer", "compaction"]);
  assert(compaction.id.startsWith("cmp_"));
  assert(!JSON.stringify(compacted).includes("Ada"));
  const [asked] = upstream.calls;
  assertEquals(upstream.calls.length, 1);
  for (const text of ["Be brief.", "My name is Ada.", "Hello, Ada", "Summarise"]) {
    assertStringIncludes(textOf(asked!), text);
  }

  const question = { role: "user", content: "What is my name?" };
  const first = await (await app.respond({ input: [...compacted.output, question] })).json();
  await (await app.respond({ previous_response_id: first.id, input: "Sure?" })).body?.cancel();
  for (const call of upstream.calls.slice(1)) {
    const { messages } = call.body;
    const at = messages.findIndex(({ content }: { content: string }) => content === "Be brief.");
    assertStringIncludes(messages[at + 1].content, "The user is called Ada.");
    assertEquals(messages[at + 2], question);
  }
});

Deno.test("a compaction that this server has not sealed for the client is left out", async () => {
  await using upstream = startUpstream([{ reasoning: "Secret", content: "Ada." }]);
  const app = await createTestApp({ upstream: upstream.url });
  const { output } = await (await app.respond({
    model: "plain",
    input: "Hi",
    include: ["reasoning.encrypted_content"],
  })).json();
  const { encrypted_content } = output[0];
  assertEquals(typeof encrypted_content, "string");
  for (const blob of [encrypted_content, "gAAAA", undefined]) {
    const response = await app.respond({
      model: "plain",
      input: [{ type: "compaction", encrypted_content: blob }, { role: "user", content: "Hi" }],
    });
    assertEquals(response.status, 200);
    await response.body?.cancel();
    assertEquals(upstream.calls.at(-1)!.body.messages, [{ role: "user", content: "Hi" }]);
  }
});

const OVERFLOW = {
  status: 400,
  body: JSON.stringify({
    error: { message: "maximum context length", code: "context_length_exceeded" },
  }),
};

for (const model of ["plain", "o1"]) {
  Deno.test(`truncation auto drops the oldest turns until the conversation fits (${model})`, async () => {
    await using upstream = startUpstream(({ body }) =>
      body.messages.length > 6 ? OVERFLOW : { content: "42" }
    );
    const app = await createTestApp({ upstream: upstream.url });
    const turns = Array.from({ length: 8 }, (_, i) => [
      { role: "user", content: `Question ${i}` },
      { role: "assistant", content: `Answer ${i}` },
    ]).flat();
    const ask = (truncation: string) =>
      app.respond({
        model,
        truncation,
        instructions: "Be brief.",
        input: [...turns, { role: "user", content: "And now?" }],
      });
    const whole = await ask("disabled");
    assertEquals((await whole.json()).error?.code, "context_length_exceeded");
    const response = await ask("auto");
    const { status, output } = await response.json();
    assertEquals([response.status, status], [200, "completed"]);
    assertStringIncludes(JSON.stringify(output), "42");
    const sent = textOf(upstream.calls.at(-1)!);
    assertStringIncludes(sent, "Be brief.");
    assertStringIncludes(sent, "And now?");
    assert(!sent.includes("Question 0"));
  });
}

Deno.test("the part of a conversation that is kept begins with a message of the user", () => {
  const system = { role: "system", content: "s" } as const;
  const user = { role: "user", content: "u".repeat(40) } as const;
  const call = { role: "assistant", content: null, tool_calls: [{ id: "1" }] } as const;
  const result = { role: "tool", tool_call_id: "1", content: "r".repeat(400) } as const;
  const cases = [
    [[system, user, { ...call }, result, user], [system, user]],
    [[user, user, user, user], [user, user]],
    [[system, user, { ...call }, result], undefined],
    [[system], undefined],
    [[], undefined],
  ] as const;
  for (const [messages, kept] of cases) {
    assertEquals(withoutOldest([...messages] as never), kept as never);
  }
});

const LONG = "The number is 42. ".repeat(400);
const OLDER = [
  { role: "developer", content: "Be brief." },
  { role: "user", content: LONG },
  { role: "assistant", content: "Noted." },
];
const SUMMARY = "The user has told the number forty-two.";
const COMPACTING = { context_management: [{ type: "compaction", compact_threshold: 1_000 }] };

function startSummarizer() {
  return startUpstream((call) =>
    textOf(call).includes("Summarise this") ? { content: SUMMARY } : { content: "It is 42." }
  );
}

/** Asks a model with `input`, and returns the response, streamed or not. */
async function compacted(app: TestApp, body: Record<string, unknown>): Promise<ResponseObject> {
  const response = await app.respond(body);
  if (!body.stream) return await response.json();
  const events = await readEvents(response).rest();
  assertEquals(events.at(-1).type, "response.completed");
  const added = events.filter(({ type }) => type === "response.output_item.added");
  const { output } = events.at(-1).response;
  // deno-lint-ignore no-explicit-any -- the response is validated elsewhere
  assertEquals(added.map(({ item }) => item.type), output.map(({ type }: any) => type));
  return events.at(-1).response;
}

for (const stream of [false, true]) {
  for (const model of ["plain", "o1"]) {
    Deno.test(`a conversation above the threshold is compacted before the answer (${model}, stream: ${stream})`, async () => {
      await using upstream = startSummarizer();
      const app = await createTestApp({ upstream: upstream.url });
      const question = { role: "user", content: "Which number?" };
      const input = [...OLDER, question];
      const { id, output, usage } = await compacted(app, {
        ...COMPACTING,
        model,
        stream,
        input,
        max_output_tokens: 4_000,
      });
      assertEquals([output[0]!.type, output.at(-1)!.type], ["compaction", "message"]);
      assert(!JSON.stringify(output[0]).includes("number"));
      const [summary, ...answering] = upstream.calls;
      assertStringIncludes(textOf(summary!), LONG);
      assertEquals(answering.length > 0, true);
      for (const call of answering) {
        assertStringIncludes(textOf(call), SUMMARY);
        assertStringIncludes(textOf(call), "Be brief.");
        assertStringIncludes(textOf(call), "Which number?");
        assert(!textOf(call).includes(LONG));
      }
      // deno-lint-ignore no-explicit-any -- the response is validated elsewhere
      const { upstream: sums, output_tokens } = usage as any;
      assertEquals(sums.calls, upstream.calls.length);
      assertEquals(output_tokens, 5 * upstream.calls.length);

      const next = { role: "user", content: "And now?" };
      const continued = [
        { previous_response_id: id, input: [next] },
        { input: [...input, ...output, next] },
        { input: [...output, next] },
      ];
      for (const body of continued) {
        const before = upstream.calls.length;
        const { output } = await compacted(app, { ...COMPACTING, model: "plain", stream, ...body });
        assertEquals(output.map(({ type }) => type), ["message"]);
        const [call, ...others] = upstream.calls.slice(before);
        assertEquals(others, []);
        assertStringIncludes(textOf(call!), SUMMARY);
        assertStringIncludes(textOf(call!), "It is 42.");
        assertStringIncludes(textOf(call!), "And now?");
        assert(!textOf(call!).includes(LONG));
      }

      const stored = await readEvents(await app.send(`/v1/responses/${id}?stream=true`)).rest();
      assertEquals(stored.at(-1).response.output[0].type, "compaction");
      const sealed = stored.at(-1).response.output[0];
      const before = upstream.calls.length;
      await (await app.respond({ model: "plain", input: [sealed, next] })).body?.cancel();
      assertStringIncludes(textOf(upstream.calls[before]!), SUMMARY);
    });
  }
}

const CALLS = [
  { type: "function_call", call_id: "c1", name: "read", arguments: "{}" },
  { type: "function_call_output", call_id: "c1", output: LONG },
  { type: "function_call", call_id: "c2", name: "write", arguments: "{}" },
  { type: "function_call_output", call_id: "c2", output: "Written" },
];

for (const stream of [false, true]) {
  Deno.test(`a conversation that ends with a trigger is compacted and not answered (stream: ${stream})`, async () => {
    await using upstream = startSummarizer();
    const app = await createTestApp({ upstream: upstream.url });
    const input = [...INPUT, { type: "compaction_trigger" }];
    const { output, status } = await compacted(app, { stream, input });
    assertEquals([status, output.map(({ type }) => type)], ["completed", ["compaction"]]);
    assertEquals(upstream.calls.length, 1);
    assertStringIncludes(textOf(upstream.calls[0]!), "My name is Ada.");
    const question = { role: "user", content: "What is my name?" };
    await (await app.respond({ model: "plain", input: [...output, question] })).body?.cancel();
    const { messages } = upstream.calls.at(-1)!.body;
    assertStringIncludes(messages[0].content, SUMMARY);
    assertEquals(messages[1], question);
  });
}

Deno.test("a trigger whose summary fails is an error", async () => {
  await using upstream = startUpstream([{ content: " " }]);
  const app = await createTestApp({ upstream: upstream.url });
  const response = await app.respond({ input: [...INPUT, { type: "compaction_trigger" }] });
  assertEquals(response.status, 502);
  assertStringIncludes((await response.json()).error.message, "The model wrote no summary.");
});

Deno.test("compaction in a loop of calls keeps the question and the last call with its result", async () => {
  await using upstream = startSummarizer();
  const app = await createTestApp({ upstream: upstream.url });
  const input = [{ role: "user", content: "Do it." }, ...CALLS];
  const { output } = await compacted(app, { ...COMPACTING, model: "plain", input });
  assertEquals(output[0]!.type, "compaction");
  const { messages } = upstream.calls.at(-1)!.body;
  // deno-lint-ignore no-explicit-any -- what was sent upstream
  assertEquals(messages.map(({ role }: any) => role), ["user", "user", "assistant", "tool"]);
  assertStringIncludes(messages[0].content, SUMMARY);
  assertEquals(messages[1].content, "Do it.");
  assertEquals(messages[2].tool_calls[0].id, "c2");
});

Deno.test("a conversation is not compacted below the threshold, without older turns, or to nothing", async () => {
  await using upstream = startUpstream(({ body }) => ({
    content: JSON.stringify(body.messages).includes("Summarise this") ? " " : "It is 42.",
  }));
  const app = await createTestApp({ upstream: upstream.url });
  const high = { context_management: [{ type: "compaction", compact_threshold: 5_000 }] };
  const none = { context_management: [{ type: "compaction" }] };
  const question = { role: "user", content: "Which number?" };
  const cases = [
    [{ ...high, input: [...OLDER, question] }, 1],
    [{ ...none, input: [...OLDER, question] }, 1],
    [{ ...COMPACTING, input: LONG }, 1],
    [{ ...COMPACTING, input: [...OLDER, question] }, 2],
  ] as const;
  for (const [body, calls] of cases) {
    const before = upstream.calls.length;
    const { output } = await compacted(app, { model: "plain", ...body });
    assertEquals(output.map(({ type }) => type), ["message"]);
    assertEquals(upstream.calls.length - before, calls);
  }
  for (const entry of [{ type: "other" }, { type: "compaction", compact_threshold: 10 }]) {
    const refused = await app.respond({ model: "plain", context_management: [entry] });
    assertEquals(refused.status, 400);
    assertStringIncludes((await refused.json()).error.param, "context_management[0]");
  }
});
