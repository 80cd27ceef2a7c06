import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createRandom } from "../../../../lib/random.ts";
import { type Call, type Reply, startUpstream, step } from "../../../support/upstream.ts";
import { allCases, casesOf, STRATEGIES, strategyOf, THINKING } from "../setup/cases.ts";
import { kindOf, kindsOf, textOf } from "../../../support/kinds.ts";
import { allDiffer, FORMAT, scripted, toSteps } from "../setup/script.ts";
import { createStrategyApp } from "../setup/app.ts";

const DEAD = { status: 503, body: "{}" };
const RETRIED = { max_attempts: 2, base_ms: 1, max_ms: 5 };
const JUDGE_FIRST = { content: '{"better": "candidate_1"}' };
const BUSY = { status: 429, body: "{}" };

for (const strategy of STRATEGIES.filter((name) => casesOf(name).samples)) {
  const size = casesOf(strategy).samples!;
  for (let dead = 1; dead < size; dead++) {
    Deno.test(`${strategy} continues if ${dead} of ${size} samples fail`, async () => {
      for (const stream of [true, false]) {
        const reply = scripted();
        await using upstream = startUpstream((call) => call.index < dead ? DEAD : reply(call));
        const { ask } = await createStrategyApp(upstream);
        const { status, content, finish } = await ask(strategy, { stream });
        assertEquals([status, content, finish], [200, "It is 42.", "stop"]);
      }
    });
  }

  Deno.test(`${strategy} fails with the first error if all samples fail`, async () => {
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
    Deno.test(`${strategy} fails with the upstream's status if every call fails (${stream ? "stream" : "JSON"})`, async () => {
      await using upstream = startUpstream([BUSY]);
      const { ask } = await createStrategyApp(upstream);
      const { status, json } = await ask(strategy, { stream });
      assertEquals([status, json.error.code], [429, "rate_limit_exceeded"]);
    });
  }
}

Deno.test("relay's writer answers alone if the reasoner fails, and a status line says so", async () => {
  await using upstream = startUpstream(scripted({ replies: { "relay.reasoner": DEAD } }));
  const { ask } = await createStrategyApp(upstream, { config: { stream_status_feedback: true } });
  for (const stream of [true, false]) {
    upstream.calls.length = 0;
    const { content, reasoning } = await ask("relay", { stream });
    assertEquals(content, "It is 42.");
    assertEquals(reasoning.trim(), "The reasoner gave no notes. The writer answers alone.");
    assertEquals(kindsOf(upstream), { "relay.reasoner": 1, plain: 1 });
  }
});

/** An app whose roles have another model, except the one that answers plainly. */
async function createMixedApp(strategy: string, model: (call: Call) => Reply) {
  const { roles, plainRole = "answer" } = strategyOf(strategy);
  const others = roles.filter((role) => role !== plainRole);
  const upstream = startUpstream(model);
  const entry = {
    strategy,
    upstream: "scripted",
    model: "main",
    roles: Object.fromEntries(others.map((role) => [role, { model: "other" }])),
  };
  const { ask } = await createStrategyApp(upstream, {
    config: { models: { [strategy]: entry }, stream_status_feedback: true },
  });
  return { upstream, ask, [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose]() };
}

const isOther = ({ body }: Call) => body.model === "other";

for (const strategy of THINKING) {
  Deno.test(`${strategy} answers plainly if the other model of its roles fails, and a status line says so`, async () => {
    const reply = scripted();
    await using mixed = await createMixedApp(
      strategy,
      (call) => isOther(call) ? DEAD : reply(call),
    );
    for (const stream of [true, false]) {
      mixed.upstream.calls.length = 0;
      const { content, reasoning, finish } = await mixed.ask(strategy, { stream });
      assertEquals([content, finish], ["It is 42.", "stop"]);
      assertMatch(reasoning, /failed|gave no notes/);
      const { length } = mixed.upstream.calls.filter(isOther);
      assertEquals(mixed.upstream.calls.slice(length).map(kindOf), ["plain"]);
    }
  });

  Deno.test(`${strategy} fails with the status of the model that answers if both models fail`, async () => {
    await using mixed = await createMixedApp(strategy, (call) => isOther(call) ? DEAD : BUSY);
    for (const stream of [true, false]) {
      const { status, json } = await mixed.ask(strategy, { stream });
      assertEquals([status, json.error.code], [429, "rate_limit_exceeded"]);
    }
  });
}

Deno.test("if the model of the steps fails after some, the answer is written from them", async () => {
  const reply = scripted({
    replies: { "steps.step": { content: step("First", "Seven sixes.") }, "steps.next": DEAD },
  });
  await using mixed = await createMixedApp("steps", reply);
  for (const stream of [true, false]) {
    mixed.upstream.calls.length = 0;
    const { content, reasoning, finish } = await mixed.ask("steps", { stream });
    assertEquals([content, finish], ["It is 42.", "stop"]);
    assertStringIncludes(reasoning, "A step failed. The answer is written without more steps.");
    assertEquals(mixed.upstream.calls.map(kindOf), ["steps.step", "steps.next", "steps.answer"]);
    assertStringIncludes(textOf(mixed.upstream.calls[2]!), "Seven sixes.");
  }
});

Deno.test("relay's writer gets the notes of a reasoner whose call fails midway", async () => {
  await using upstream = startUpstream(scripted({
    replies: {
      "relay.reasoner": { content: ["<think>Half a ", "thought"], end: "cut", finish: null },
    },
  }));
  const { ask } = await createStrategyApp(upstream);
  const { content, reasoning } = await ask("relay", { stream: true });
  assertEquals([content, reasoning.trim()], ["It is 42.", "Half a thought"]);
  assertEquals(kindsOf(upstream), { "relay.reasoner": 1, "relay.writer": 1 });
  assert(textOf(upstream.calls[1]!).includes("<notes>\nHalf a thought\n</notes>"));
});

Deno.test("if the second wave fails, the first one votes alone", async () => {
  const answers = [42, 41, 42, 42];
  const reply = scripted({ answer: ({ index }) => answers[index]! });
  await using upstream = startUpstream((call) => call.index < 4 ? reply(call) : DEAD);
  const { ask } = await createStrategyApp(upstream);
  const { status, content } = await ask("vote");
  assertEquals([status, content, upstream.calls.length], [200, "It is 42.", 5]);
});

Deno.test("equal texts without a readable answer need neither more samples nor a judge", async () => {
  await using upstream = startUpstream([{ content: "An orange is round." }]);
  const { ask } = await createStrategyApp(upstream);
  assertEquals((await ask("vote")).content, "An orange is round.");
  assertEquals(upstream.calls.length, 4);
});

Deno.test("if the judge fails or chooses nothing, the answer most similar to the others wins", async () => {
  const texts = ["a red fox", "the big red fox runs", "the big red fox ran", "blue"];
  for (
    const judge of [
      DEAD,
      { content: "Well." },
      { content: "candidate_1 is better than candidate_2" },
      { content: '{"better":"candidate_', finish: "length" },
    ]
  ) {
    await using upstream = startUpstream(scripted({
      replies: { sample: ({ index }) => ({ content: texts[index]! }), judge: judge },
    }));
    const { ask } = await createStrategyApp(upstream);
    const { content } = await ask("vote", { reasoning_effort: "low" });
    assertEquals(content, "the big red fox runs");
    assertEquals(kindsOf(upstream), { sample: 4, judge: 4 });
  }
});

Deno.test("a judge that chooses the same candidate in both orders decides", async () => {
  const texts = ["a red fox", "the big red fox runs", "the big red fox ran", "blue"];
  await using upstream = startUpstream(scripted({
    replies: {
      sample: ({ index }) => ({ content: texts[index]! }),
      judge: (call) => {
        const name = /<(candidate_[12])>\nblue/.exec(textOf(call))?.[1];
        return { content: name === undefined ? "{}" : `**${name}**` };
      },
    },
  }));
  const { ask } = await createStrategyApp(upstream);
  assertEquals((await ask("vote", { reasoning_effort: "low" })).content, "blue");
});

Deno.test("if the judge chooses different candidates in the two orders, neither wins", async () => {
  const texts = ["a red fox", "the big red fox runs", "the big red fox ran", "blue"];
  for (const seed of [1, 2, 3, 4]) {
    // The judge prefers whatever comes first.
    await using upstream = startUpstream(scripted({
      replies: { sample: ({ index }) => ({ content: texts[index]! }), judge: JUDGE_FIRST },
    }));
    const { ask } = await createStrategyApp(upstream, { random: createRandom(seed) });
    const { content } = await ask("vote", { reasoning_effort: "low" });
    assertEquals(content, "the big red fox runs");
  }
});

Deno.test("verifiers that fail refute nothing", async () => {
  await using upstream = startUpstream(scripted({
    answer: allDiffer,
    replies: { "verify.verifier": DEAD },
  }));
  const { ask } = await createStrategyApp(upstream);
  const { status, content } = await ask("verify");
  assertEquals([status, content], [200, "It is 100."]);
  assertEquals(kindsOf(upstream), {
    sample: 2,
    "verify.planner": 1,
    "verify.verifier": 3,
    judge: 4,
  });
});

Deno.test("if the repair fails, solvers and verifiers vote alone", async () => {
  const answers = [41, 43, 44, 43, 43, 43];
  await using upstream = startUpstream(scripted({
    answer: ({ index }) => answers[index]!,
    refutes: () => true,
    replies: { "verify.repair": DEAD },
  }));
  const { ask } = await createStrategyApp(upstream, { upstream: { max_concurrency: 1 } });
  const { status, content } = await ask("verify");
  assertEquals([status, content], [200, "It is 43."]);
});

Deno.test("an answer that every verifier gives wins over refuted ones", async () => {
  const answers = [41, 43, 44, 42, 42, 42, 42];
  for (const repaired of [42, 41]) {
    await using upstream = startUpstream(scripted({
      answer: (call) => kindOf(call) === "verify.repair" ? repaired : answers[call.index]!,
      refutes: () => true,
    }));
    const { ask } = await createStrategyApp(upstream, { upstream: { max_concurrency: 1 } });
    const { content } = await ask("verify");
    assertEquals(content, repaired === 42 ? "It is 42." : "42");
  }
});

Deno.test("a refuted answer with most votes wins over one that is not refuted", async () => {
  const solved = [41, 43, 44, 41, 45];
  await using upstream = startUpstream(scripted({
    answer: ({ index }) => solved[index] ?? 41,
    refutes: (call) => textOf(call).includes("It is 41."),
  }));
  const { ask } = await createStrategyApp(upstream, { upstream: { max_concurrency: 1 } });
  const { content } = await ask("verify", { reasoning: { max_solvers: 5 } });
  assertEquals(content, "It is 41.");
  assertEquals(kindsOf(upstream), { sample: 4, "verify.planner": 1, "verify.verifier": 4 });
});

Deno.test("an objection without a quotation refutes nothing", async () => {
  for (const error of ["ERROR: NONE", "ERROR:", "I have doubts."]) {
    await using upstream = startUpstream(scripted({
      answer: allDiffer,
      replies: { "verify.verifier": { content: `${error}\nVERDICT: WRONG` } },
    }));
    const { ask } = await createStrategyApp(upstream);
    assertEquals((await ask("verify")).content, "It is 100.", error);
    assertEquals(kindsOf(upstream)["verify.repair"], undefined);
  }
});

Deno.test("a round in which every aggregation fails leaves the population as it was", async () => {
  await using upstream = startUpstream(scripted({ replies: { "rsa.aggregate": DEAD } }));
  const { ask } = await createStrategyApp(upstream);
  const { status, content } = await ask("rsa", { reasoning_effort: "high" });
  assertEquals([status, content], [200, "It is 42."]);
  assertEquals(kindsOf(upstream), { sample: 8, "rsa.aggregate": 8 });
});

Deno.test("rsa ends early only if two consecutive rounds agree", async () => {
  // Rounds of four: all agree, none agree, all agree, all agree.
  const answer = ({ index }: Call) => index >= 4 && index < 8 ? 100 + index : 42;
  await using upstream = startUpstream(scripted({ answer }));
  const { ask } = await createStrategyApp(upstream, { upstream: { max_concurrency: 1 } });
  const { content } = await ask("rsa", { reasoning: { population: 4, rounds: 9 } });
  assertEquals(content, "It is 42.");
  assertEquals(kindsOf(upstream), { sample: 4, "rsa.aggregate": 12 });
});

Deno.test("if the second layer fails, the aggregator gets the first", async () => {
  await using upstream = startUpstream(scripted({ replies: { "moa.refine": DEAD } }));
  const { ask } = await createStrategyApp(upstream);
  const { status, content } = await ask("moa", { reasoning: { layers: 2 } });
  assertEquals([status, content], [200, "It is 42."]);
  assertEquals(textOf(upstream.calls.at(-1)!).match(/^\[[A-Z]\]$/gm)!.length, 4);
});

Deno.test("if some aggregations fail, the round consists of the others", async () => {
  for (const dead of [1, 4, 7]) {
    const reply = scripted();
    await using upstream = startUpstream((call) =>
      call.index >= 8 && call.index < 8 + dead ? DEAD : reply(call)
    );
    const { ask } = await createStrategyApp(upstream);
    const { status, content } = await ask("rsa");
    assertEquals([status, content], [200, "It is 42."]);
    assertEquals(kindsOf(upstream), { sample: 8, "rsa.aggregate": 8 });
  }
});

Deno.test("if the planner fails, another solver confirms the first", async () => {
  await using upstream = startUpstream(scripted({ replies: { "verify.planner": DEAD } }));
  const { ask } = await createStrategyApp(upstream);
  const { status, content } = await ask("verify");
  assertEquals([status, content], [200, "It is 42."]);
  assertEquals(kindsOf(upstream), { sample: 2, "verify.planner": 1 });
});

Deno.test("a step that fails midway is continued by the next", async () => {
  let isFirst = true;
  await using upstream = startUpstream(scripted({
    replies: toSteps((call) => {
      if (call.index === 1 && isFirst) {
        isFirst = false;
        return { content: ['{"title":"Half","content":"Six sev'], end: "cut", finish: null };
      }
      return { content: step(`Step ${call.index}`, `Words ${call.index}`, "final_answer") };
    }),
  }));
  const { ask } = await createStrategyApp(upstream, { upstream: { retry: RETRIED } });
  const { content, reasoning, finish } = await ask("steps", { stream: true });
  assertEquals([content, finish], ["It is 42.", "stop"]);
  assertStringIncludes(reasoning, "Six sev");
  assertEquals(kindsOf(upstream), {
    "steps.step": 1,
    "steps.next": 1,
    "steps.resume": 1,
    "steps.answer": 1,
  });
  assertStringIncludes(textOf(upstream.calls[2]!), '"Six sev…"');
});

for (const strategy of ["direct", "think", "draft"]) {
  Deno.test(`${strategy} ends with an error if its answer fails midway`, async () => {
    await using upstream = startUpstream([{
      content: ["<think>Hm.</think>", "It is "],
      end: "cut",
      finish: null,
    }]);
    const { ask } = await createStrategyApp(upstream);
    const streamed = await ask(strategy, { stream: true });
    assertEquals([streamed.content, streamed.finish], ["It is ", "error"]);
    assert(streamed.json.error.message);
    assertEquals(streamed.json.error.code, "upstream_error");
  });
}

for (
  const { strategy, row: { body, hasFallback } } of allCases((cases) => cases.failingAnswers)
) {
  const { kind } = casesOf(strategy).answer;
  for (const stream of [true, false]) {
    Deno.test(`${strategy} whose last call fails ${hasFallback ? "shows the best answer so far" : "fails with its error"} (${JSON.stringify(body)}, stream: ${stream})`, async () => {
      await using upstream = startUpstream(scripted({ replies: { [kind]: DEAD } }));
      const { ask } = await createStrategyApp(upstream);
      const { status, content, finish, json } = await ask(strategy, { ...body, stream });
      if (hasFallback) {
        assertEquals([status, finish], [200, "stop"]);
        assertStringIncludes(content, "42");
      } else {
        assertEquals(json.error.code, "upstream_overloaded");
        if (!stream) assertEquals(status, 503);
      }
      assertEquals(kindOf(upstream.calls.at(-1)!), kind);
    });
  }
}

for (const stream of [true, false]) {
  Deno.test(`the first sample in the client's format replaces a last call that fails (stream: ${stream})`, async () => {
    const texts = ["It is 42.", '{"n":42}', 'So:\n```json\n{"n":"42"}\n```\nFINAL: 42'];
    for (
      const [samples, json] of [[texts, '{"n":"42"}'], [texts.slice(0, 2), undefined]] as const
    ) {
      let sample = 0;
      await using upstream = startUpstream(scripted({
        replies: {
          "moa.proposer": () => ({ content: samples[sample++ % samples.length]! }),
          "moa.aggregator": DEAD,
        },
      }));
      // One at a time, so that each proposer gets its text.
      const { ask } = await createStrategyApp(upstream, { upstream: { max_concurrency: 1 } });
      const answer = await ask("moa", { stream, response_format: FORMAT });
      if (json !== undefined) assertEquals([answer.content, answer.finish], [json, "stop"]);
      else assertEquals(answer.json.error.code, "upstream_overloaded");
    }
  });
}
