import { assert, assertEquals } from "@std/assert";
import { type Call, type Reply, startUpstream } from "../../support/upstream.ts";
import { kindsOf, textOf } from "../../support/kinds.ts";
import { endless, scripted, THOUGHT } from "../strategies/setup/script.ts";
import { createStrategyApp } from "../strategies/setup/app.ts";

const TOOLS = ["read", "search"].map((name) => ({
  type: "function",
  function: { name, description: "Finds.", parameters: { type: "object" } },
}));

/** A conversation in which a tool has answered. */
const LOOP = [
  { role: "user", content: "Why does the build fail?" },
  {
    role: "assistant",
    content: null,
    tool_calls: [{ id: "c0", type: "function", function: { name: "search", arguments: "{}" } }],
  },
  { role: "tool", tool_call_id: "c0", content: "build.log" },
];

/** A turn: a text, or the calls `name json`. */
function turn(index: number, ...calls: string[]): Reply {
  if (!/^(read|search|write) /.test(calls[0]!)) return { content: calls[0]! };
  return {
    content: `<think>${THOUGHT} ${index}</think>`,
    ...(calls.includes("(cut)") ? { finish: "length" } : {}),
    toolCalls: calls.filter((call) => call !== "(cut)").map((call, i) => {
      const at = call.indexOf(" ");
      return { id: `call_${index}_${i}`, name: call.slice(0, at), arguments: call.slice(at + 1) };
    }),
  };
}

const A = 'read {"path":"a","lines":[1,2]}';
const A_OTHERWISE = 'read { "lines": [1, 2], "path": "a" }';
const B = 'read {"path":"b"}';
const CASES: readonly {
  name: string;
  strategy: string;
  turns: readonly (readonly string[])[];
  /** The calls that are sent, or the text. */
  sent: readonly string[] | string;
  judged?: number;
  body?: Record<string, unknown>;
}[] = [
  { name: "the majority", strategy: "vote", turns: [[B], [A], [A_OTHERWISE], [A]], sent: [A] },
  { name: "the majority", strategy: "moa", turns: [[A], [B], [A], [A]], sent: [A] },
  { name: "the majority", strategy: "verify", turns: [[B], [A], [A]], sent: [A] },
  {
    name: "calls in any order",
    strategy: "verify",
    turns: [[B], [A, 'search {"q":1}'], ['search {"q":1}', A]],
    sent: [A, 'search {"q":1}'],
  },
  {
    name: "the judge's choice",
    strategy: "vote",
    turns: [[A], [B], [A], [B]],
    sent: [B],
    judged: 2,
  },
  {
    name: "the judge's choice of three",
    strategy: "verify",
    turns: [[A], [B], ["It is the linker."]],
    sent: [B],
    judged: 4,
  },
  {
    name: "an answer",
    strategy: "vote",
    turns: [[A], ["It is the linker."], ["It is the linker."], ["It is the linker, I think."]],
    sent: "It is the linker.",
  },
  {
    name: "a call that can be made",
    strategy: "verify",
    turns: [['read {"path":'], ['write {"path":"a"}'], [A]],
    sent: [A],
  },
  {
    name: "whole",
    strategy: "verify",
    turns: [[B, "(cut)"], [B, "(cut)"], [A]],
    sent: [A],
  },
  {
    name: "a call where one is required",
    strategy: "verify",
    turns: [["It is the linker."], ["It is the linker."], [A]],
    sent: [A],
    body: { messages: LOOP.slice(0, 1), tool_choice: "required" },
  },
  {
    name: "only the first of calls that may not be parallel",
    strategy: "verify",
    turns: [[A, B], [A], [B, A]],
    sent: [A],
    body: { parallel_tool_calls: false },
  },
];

/** Returns a judge that prefers the candidate with this text. */
function judgeFor(text: string) {
  return (call: Call): Reply => {
    const candidates = textOf(call).split(/^<(candidate_[12])>$/m);
    const at = candidates.findIndex((part) => part.includes(text));
    return { content: JSON.stringify({ better: candidates[at - 1] }) };
  };
}

for (const { name, strategy, turns, sent, judged = 0, body } of CASES) {
  for (const stream of [true, false]) {
    Deno.test(`a turn of ${strategy} in a tool loop is ${name} (${stream ? "stream" : "JSON"})`, async () => {
      await using upstream = startUpstream(scripted({
        replies: {
          turn: (call) => turn(call.index, ...turns[call.index]!),
          pick: judgeFor(B.slice(5)),
        },
      }));
      const { ask } = await createStrategyApp(upstream);
      const { content, json, chunks, finish } = await ask(strategy, {
        messages: LOOP,
        tools: TOOLS,
        stream,
        ...body,
      });
      const deltas = stream
        ? chunks.flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? [])
        : json.choices[0].message.tool_calls ?? [];
      const calls = deltas.map(({ function: { name, arguments: json } }: typeof deltas[number]) =>
        `${name} ${json}`
      );
      if (typeof sent === "string") assertEquals([content, finish], [sent, "stop"]);
      else assertEquals([calls, content, finish], [[...sent], "", "tool_calls"]);
      for (const { id } of deltas) assert(/^call_\d_\d$/.test(id), id);
      assertEquals(kindsOf(upstream), {
        turn: turns.length,
        ...(judged === 0 ? {} : { pick: judged }),
      });
      for (const call of upstream.calls.slice(0, turns.length)) {
        assertEquals(call.body.tools, TOOLS);
        // A turn may write a whole file.
        assertEquals(call.body.max_tokens, undefined);
      }
      // The judge reads a text as it is.
      for (const call of upstream.calls) assert(!/linker[^<]*Calls:/.test(textOf(call)));
    });
  }
}

Deno.test("a turn is sent as soon as more than half agree", async () => {
  await using upstream = startUpstream((call) =>
    call.index === 3 ? endless(call) : turn(call.index, A)
  );
  const { ask } = await createStrategyApp(upstream, {
    upstream: { timeouts: { idle_ms: 570_000 } },
  });
  const { finish } = await ask("vote", { messages: LOOP, tools: TOOLS, stream: true });
  assertEquals(finish, "tool_calls");
  await upstream.calls[3]!.left;
});

Deno.test("one plain call writes the turn if no sample can be sent", async () => {
  await using upstream = startUpstream(scripted({
    replies: { turn: ({ index }) => turn(index, 'read {"path":'), plain: turn(9, A) },
  }));
  const { ask } = await createStrategyApp(upstream);
  const { json } = await ask("verify", { messages: LOOP, tools: TOOLS });
  assertEquals(json.choices[0].message.tool_calls[0].id, "call_9_0");
  assertEquals(kindsOf(upstream), { turn: 3, plain: 1 });
});

Deno.test("the samples of a turn differ in their seeds and count as reasoning", async () => {
  await using upstream = startUpstream(scripted({
    replies: {
      turn: ({ index }) => ({
        ...turn(index, index === 0 ? B : A),
        usage: {
          prompt_tokens: 10,
          completion_tokens: 100,
          total_tokens: 110,
        },
      }),
    },
  }));
  const { ask } = await createStrategyApp(upstream);
  const { json } = await ask("verify", { messages: LOOP, tools: TOOLS, seed: 7 });
  assertEquals(upstream.calls.map(({ body }) => [body.seed, body.temperature]), [
    [7, 0.7],
    [8, 0.7],
    [9, 0.7],
  ]);
  const { completion_tokens, completion_tokens_details } = json.usage;
  assertEquals(completion_tokens, 300);
  const visible = completion_tokens - completion_tokens_details.reasoning_tokens;
  assert(visible > 5 && visible < 20, String(visible));
});

Deno.test("a turn in JSON follows the client's format", async () => {
  const schema = { type: "object", properties: { n: { type: "number" } }, required: ["n"] };
  await using upstream = startUpstream(({ index }) => ({
    content: index === 2 ? '```json\n{"n": 1}\n```' : "none",
  }));
  const { ask } = await createStrategyApp(upstream);
  const { content } = await ask("verify", {
    messages: LOOP,
    tools: TOOLS,
    response_format: { type: "json_schema", json_schema: { name: "n", schema } },
  });
  assertEquals([content, upstream.calls.length], ['{"n": 1}', 3]);
});

Deno.test("the first error is the answer if every sample of a turn fails", async () => {
  await using upstream = startUpstream([{ status: 503, body: "{}" }]);
  const { ask } = await createStrategyApp(upstream);
  const { status } = await ask("vote", { messages: LOOP, tools: TOOLS });
  assertEquals([status, kindsOf(upstream)], [503, { turn: 4 }]);
});

Deno.test("a question is not part of a tool loop before a tool was called", async () => {
  await using upstream = startUpstream(scripted());
  const { ask } = await createStrategyApp(upstream);
  const answered = [...LOOP, { role: "assistant", content: "It is the linker." }, LOOP[0]!];
  for (const body of [{}, { messages: answered }, { messages: LOOP, tool_choice: "none" }]) {
    upstream.calls.length = 0;
    await ask("vote", { tools: TOOLS, ...body });
    assertEquals(kindsOf(upstream), { sample: 4, synthesize: 1 });
  }
});

Deno.test("the text before the calls of a turn is sent with them", async () => {
  await using upstream = startUpstream(scripted({
    replies: { turn: (call) => ({ ...turn(call.index, A), content: "I read it." }) },
  }));
  const { ask } = await createStrategyApp(upstream);
  for (const stream of [true, false]) {
    const { content, finish } = await ask("verify", { messages: LOOP, tools: TOOLS, stream });
    assertEquals([content, finish], ["I read it.", "tool_calls"]);
  }
});
