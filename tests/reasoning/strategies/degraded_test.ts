import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { startUpstream, step } from "../../support/upstream.ts";
import { kindOf, kindsOf, textOf } from "./kinds.ts";
import { allDiffer, scripted, TOOLS } from "./script.ts";
import { createStrategyApp, STRATEGIES } from "./setup.ts";

const DEAD = { status: 503, body: "{}" };
const RETRIED = { max_attempts: 2, base_ms: 1, max_ms: 5 };
const BUSY = { status: 429, body: "{}" };

for (
  const [strategy, size] of [["vote", 4], ["moa", 4], ["rsa", 8], ["verify", 2], [
    "auto",
    4,
  ]] as const
) {
  for (let dead = 1; dead < size; dead++) {
    Deno.test(`${strategy} goes on with ${dead} of ${size} samples dead`, async () => {
      for (const stream of [true, false]) {
        const reply = scripted();
        await using upstream = startUpstream((call) => call.index < dead ? DEAD : reply(call));
        const { ask } = await createStrategyApp(upstream);
        const { status, content, finish } = await ask(strategy, { stream });
        assertEquals([status, content, finish], [200, "It is 42.", "stop"]);
      }
    });
  }

  Deno.test(`${strategy} fails with the first error where all samples are dead`, async () => {
    await using upstream = startUpstream((call) => call.index === 0 ? DEAD : BUSY);
    // One at a time, so that the first is the first.
    const { ask } = await createStrategyApp(upstream, { upstream: { max_concurrency: 1 } });
    const { status, json } = await ask(strategy);
    assertEquals([status, json.error.code], [503, "upstream_overloaded"]);
    assertEquals(upstream.calls.length, size);
  });
}

for (const strategy of STRATEGIES) {
  for (const stream of [true, false]) {
    Deno.test(`${strategy} fails with the upstream's status where every call fails (${stream ? "stream" : "JSON"})`, async () => {
      await using upstream = startUpstream([BUSY]);
      const { ask } = await createStrategyApp(upstream);
      const { status, json } = await ask(strategy, { stream });
      assertEquals([status, json.error.code], [429, "rate_limit_exceeded"]);
    });
  }
}

Deno.test("relay's writer goes on alone where the reasoner fails, and the status says so", async () => {
  await using upstream = startUpstream(scripted({ replies: { reasoner: DEAD } }));
  const { ask } = await createStrategyApp(upstream, { config: { stream_status_feedback: true } });
  for (const stream of [true, false]) {
    upstream.calls.length = 0;
    const { content, reasoning } = await ask("relay", { stream });
    assertEquals(content, "It is 42.");
    assertEquals(reasoning.trim(), "No notes came from the reasoner; the writer goes on alone.");
    assertEquals(kindsOf(upstream), { reasoner: 1, plain: 1 });
  }
});

Deno.test("relay's writer gets what notes there are where the reasoner breaks off", async () => {
  await using upstream = startUpstream(scripted({
    replies: { reasoner: { content: ["<think>Half a ", "thought"], end: "cut", finish: null } },
  }));
  const { ask } = await createStrategyApp(upstream);
  const { content, reasoning } = await ask("relay", { stream: true });
  assertEquals([content, reasoning.trim()], ["It is 42.", "Half a thought"]);
  assertEquals(kindsOf(upstream), { reasoner: 1, writer: 1 });
  assert(textOf(upstream.calls[1]!).includes("<notes>\nHalf a thought\n</notes>"));
});

Deno.test("a second wave that dies leaves the vote to the first", async () => {
  const answers = [42, 42, 42, 41];
  const reply = scripted({ answer: ({ index }) => answers[index]! });
  await using upstream = startUpstream((call) => call.index < 4 ? reply(call) : DEAD);
  const { ask } = await createStrategyApp(upstream);
  const { status, content } = await ask("vote");
  assertEquals([status, content, upstream.calls.length], [200, "It is 42.", 8]);
});

Deno.test("a judge that dies, or says nothing, leaves the choice to what most answers are like", async () => {
  const texts = ["a red fox", "the big red fox runs", "the big red fox ran", "blue"];
  for (const judge of [DEAD, { content: "Well." }, { content: "None of them" }]) {
    await using upstream = startUpstream(scripted({
      replies: { sample: ({ index }) => ({ content: texts[index]! }), judge },
    }));
    const { ask } = await createStrategyApp(upstream);
    const { content } = await ask("vote", { reasoning_effort: "low" });
    assertEquals(content, "the big red fox runs");
    assertEquals(kindsOf(upstream), { sample: 4, judge: 2 });
  }
});

Deno.test("a judge that means the same candidate in both orders is followed", async () => {
  const texts = ["a red fox", "the big red fox runs", "the big red fox ran", "blue"];
  await using upstream = startUpstream(scripted({
    replies: {
      sample: ({ index }) => ({ content: texts[index]! }),
      judge: (call) => ({ content: `**${/\[([A-D])\]\nblue/.exec(textOf(call))![1]}**` }),
    },
  }));
  const { ask } = await createStrategyApp(upstream);
  assertEquals((await ask("vote", { reasoning_effort: "low" })).content, "blue");
});

Deno.test("verifiers that die refute nothing", async () => {
  await using upstream = startUpstream(scripted({
    answer: allDiffer,
    replies: { verifier: DEAD },
  }));
  const { ask } = await createStrategyApp(upstream);
  const { status, content } = await ask("verify");
  assertEquals([status, content], [200, "It is 100."]);
  assertEquals(kindsOf(upstream), { sample: 2, planner: 1, verifier: 3 });
});

Deno.test("a repair that dies leaves the vote to solvers and verifiers", async () => {
  const answers = [41, 43, 44, 43, 43, 43];
  await using upstream = startUpstream(scripted({
    answer: ({ index }) => answers[index]!,
    refutes: () => true,
    replies: { repair: DEAD },
  }));
  const { ask } = await createStrategyApp(upstream, { upstream: { max_concurrency: 1 } });
  const { status, content } = await ask("verify");
  assertEquals([status, content], [200, "It is 43."]);
});

Deno.test("an answer that every verifier gives wins over refuted ones, whoever else gave it", async () => {
  const answers = [41, 43, 44, 42, 42, 42, 42];
  for (const repaired of [42, 41]) {
    await using upstream = startUpstream(scripted({
      answer: (call) => kindOf(call) === "repair" ? repaired : answers[call.index]!,
      refutes: () => true,
    }));
    const { ask } = await createStrategyApp(upstream, { upstream: { max_concurrency: 1 } });
    const { content } = await ask("verify");
    assertEquals(content, repaired === 42 ? "It is 42." : "42");
  }
});

Deno.test("an objection without a quotation refutes nothing", async () => {
  for (const error of ["ERROR: NONE", "ERROR:", "I have doubts."]) {
    await using upstream = startUpstream(scripted({
      answer: allDiffer,
      replies: { verifier: { content: `${error}\nVERDICT: WRONG` } },
    }));
    const { ask } = await createStrategyApp(upstream);
    assertEquals((await ask("verify")).content, "It is 100.", error);
    assertEquals(kindsOf(upstream).repair, undefined);
  }
});

Deno.test("a round of aggregations that dies leaves the population as it was", async () => {
  await using upstream = startUpstream(scripted({ replies: { aggregate: DEAD } }));
  const { ask } = await createStrategyApp(upstream);
  const { status, content } = await ask("rsa", { reasoning_effort: "high" });
  assertEquals([status, content], [200, "It is 42."]);
  assertEquals(kindsOf(upstream), { sample: 8, aggregate: 8 });
});

Deno.test("a second layer that dies leaves the first to the aggregator", async () => {
  await using upstream = startUpstream(scripted({ replies: { refine: DEAD } }));
  const { ask } = await createStrategyApp(upstream);
  const { status, content } = await ask("moa", { reasoning: { layers: 2 } });
  assertEquals([status, content], [200, "It is 42."]);
  assertEquals(textOf(upstream.calls.at(-1)!).match(/^\[[A-Z]\]$/gm)!.length, 4);
});

Deno.test("aggregations that die leave a round to the others", async () => {
  for (const dead of [1, 4, 7]) {
    const reply = scripted();
    await using upstream = startUpstream((call) =>
      call.index >= 8 && call.index < 8 + dead ? DEAD : reply(call)
    );
    const { ask } = await createStrategyApp(upstream);
    const { status, content } = await ask("rsa");
    assertEquals([status, content], [200, "It is 42."]);
    assertEquals(kindsOf(upstream), { sample: 8, aggregate: 8 });
  }
});

Deno.test("a planner that dies leaves the other solver, and one more to confirm it", async () => {
  await using upstream = startUpstream(scripted({ replies: { planner: DEAD } }));
  const { ask } = await createStrategyApp(upstream);
  const { status, content } = await ask("verify");
  assertEquals([status, content], [200, "It is 42."]);
  assertEquals(kindsOf(upstream), { sample: 2, planner: 1 });
});

Deno.test("the step after one that broke off goes on from what there was", async () => {
  let isFirst = true;
  await using upstream = startUpstream(scripted({
    replies: {
      step(call) {
        if (call.index === 1 && isFirst) {
          isFirst = false;
          return { content: ['{"title":"Half","content":"Six sev'], end: "cut", finish: null };
        }
        return { content: step(`Step ${call.index}`, `Words ${call.index}`, "final_answer") };
      },
    },
  }));
  const { ask } = await createStrategyApp(upstream, { upstream: { retry: RETRIED } });
  const { content, reasoning, finish } = await ask("steps", { stream: true });
  assertEquals([content, finish], ["It is 42.", "stop"]);
  assertStringIncludes(reasoning, "Six sev");
  assertEquals(kindsOf(upstream), { step: 3, step_answer: 1 });
  assertStringIncludes(textOf(upstream.calls[2]!), "Six sev [cut off]");
});

for (const strategy of ["direct", "think", "draft"]) {
  Deno.test(`${strategy} that breaks off in its answer ends with an error, never as if it were whole`, async () => {
    await using upstream = startUpstream([{
      content: ["<think>Hm.</think>", "It is "],
      end: "cut",
      finish: null,
    }]);
    const { ask } = await createStrategyApp(upstream);
    const streamed = await ask(strategy, { stream: true });
    assertEquals([streamed.content, streamed.finish], ["It is ", "error"]);
    assert(streamed.json.error.message);
  });
}

for (
  const [strategy, kind, body] of [
    ["relay", "writer", {}],
    ["steps", "step_answer", {}],
    ["vote", "synthesize", { tools: TOOLS, tool_choice: "required" }],
    ["verify", "synthesize", { tools: TOOLS, tool_choice: "required" }],
    ["rsa", "synthesize", { response_format: { type: "json_object" } }],
  ] as const
) {
  Deno.test(`${strategy} whose last call dies, and can't be done without, fails with its error`, async () => {
    await using upstream = startUpstream(scripted({ replies: { [kind]: DEAD } }));
    const { ask } = await createStrategyApp(upstream);
    const { status, json } = await ask(strategy, body);
    assertEquals([status, json.error.code], [503, "upstream_overloaded"]);
    assertEquals(kindOf(upstream.calls.at(-1)!), kind);
  });
}

for (
  const [strategy, kind, body] of [
    ["moa", "aggregator", {}],
    ["vote", "synthesize", { tools: TOOLS }],
    ["verify", "synthesize", { tools: TOOLS }],
    ["rsa", "synthesize", { tools: TOOLS }],
  ] as const
) {
  for (const stream of [true, false]) {
    Deno.test(`${strategy} whose last call dies gives the best answer until then (stream: ${stream})`, async () => {
      await using upstream = startUpstream(scripted({ replies: { [kind]: DEAD } }));
      const { ask } = await createStrategyApp(upstream);
      const { status, content, finish } = await ask(strategy, { ...body, stream });
      assertEquals([status, finish], [200, "stop"]);
      assertStringIncludes(content, "42");
      assertEquals(kindOf(upstream.calls.at(-1)!), kind);
    });
  }
}
