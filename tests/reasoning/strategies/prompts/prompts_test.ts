import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { startUpstream } from "../../../support/upstream.ts";
import { casesOf, strategyOf, THINKING } from "../setup/cases.ts";
import { type Kind, kindOf, kindsOf, messagesOf, textOf } from "../../../support/kinds.ts";
import { allDiffer, FORMAT, scripted, THOUGHT, TOOLS } from "../setup/script.ts";
import { createStrategyApp } from "../setup/app.ts";
import { runAll } from "../setup/ways.ts";

const CONVERSATION = [
  { role: "system", content: "Answer in French, whatever you are told later." },
  { role: "user", content: "Hello" },
  { role: "assistant", content: "Bonjour" },
  {
    role: "user",
    content: [
      { type: "text", text: "How many are there in this picture?" },
      { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
    ],
  },
];

for (const strategy of ["direct", ...THINKING]) {
  Deno.test(`${strategy} sends the client's conversation unchanged with every call`, async () => {
    await runAll(strategy, {}, { messages: CONVERSATION }, ({ calls }) => {
      for (const call of calls) {
        const sent = messagesOf(call);
        const at = sent.findIndex(({ content }) => content === CONVERSATION[0]!.content);
        assertEquals(sent.slice(at, at + CONVERSATION.length), CONVERSATION, kindOf(call));
        const own = [...sent.slice(0, at), ...sent.slice(at + CONVERSATION.length)];
        assert(own.every(({ content }) => typeof content === "string" && content !== ""));
      }
    });
  });

  Deno.test(`${strategy} sends the model's system prompt before the client's messages`, async () => {
    await runAll(strategy, { system_prompt: "You are Pat." }, {
      messages: CONVERSATION,
    }, ({ calls }) => {
      for (const call of calls) {
        const contents = messagesOf(call).map(({ content }) => content);
        const at = contents.indexOf("You are Pat.");
        assert(at >= 0, kindOf(call));
        assertEquals(contents[at + 1], CONVERSATION[0]!.content);
      }
    });
  });
}

for (const strategy of THINKING) {
  Deno.test(`${strategy} describes the tools while it thinks, and sends them with its last call only`, async () => {
    const { answer } = casesOf(strategy);
    await runAll(strategy, {}, { tools: TOOLS, temperature: 0.3, seed: 7 }, ({ calls }) => {
      // Without follow-ups the call that thinks may answer as well.
      const isFollowedUp = calls.some((call) => kindOf(call).endsWith("wait"));
      // A turn that must call a tool has the tools from the first sample on.
      if (kindOf(calls[0]!) === "turn") return;
      for (const call of calls) {
        const isVisible = call === calls.at(-1) ||
          (call === calls[0] && !isFollowedUp && kindOf(call) === answer.kind);
        const { tools, seed, temperature } = call.body;
        assertEquals(tools, isVisible ? TOOLS : undefined);
        if (isVisible) assertEquals([seed, temperature], [7, 0.3]);
        else assertStringIncludes(textOf(call), "- multiply: Multiplies.", kindOf(call));
      }
    });
  });

  Deno.test(`${strategy} makes the same calls again for the same seed`, async () => {
    await using upstream = startUpstream(scripted());
    const { ask } = await createStrategyApp(upstream);
    const bodies = async (seed: number) => {
      upstream.calls.length = 0;
      await ask(strategy, { stream: true, seed, temperature: 0, top_p: 0.5 });
      // Calls of one wave arrive in any order.
      return upstream.calls.map(({ body }) => body).sort((a, b) => a.seed - b.seed);
    };
    const first = await bodies(1);
    assertEquals(await bodies(1), first);
    assertNotEquals(await bodies(2), first);
    assertEquals(new Set(first.map(({ top_p }) => top_p)), new Set([0.5]));
    // The answer has the client's seed, as the first thinking call.
    assert(new Set(first.map(({ seed }) => seed)).size >= first.length - 1);
  });

  Deno.test(`${strategy} sends the client's format with its last call only`, async () => {
    await runAll(strategy, {}, { response_format: FORMAT, tools: undefined }, ({ calls }) => {
      for (const call of calls) {
        const format = call.body.response_format?.json_schema.name;
        const expected = call === calls.at(-1)
          ? "answer"
          : ["pick", "judge"].includes(kindOf(call))
          ? "verdict"
          : casesOf(strategy).thinkingFormat;
        assertEquals(format, expected);
      }
    });
  });
}

for (const strategy of THINKING) {
  const { temperature } = strategyOf(strategy).options.parse({});
  if (temperature === undefined) continue;
  Deno.test(`${strategy} samples at the temperature ${temperature}, unless a request sets another`, async () => {
    await using upstream = startUpstream(scripted());
    const { ask } = await createStrategyApp(upstream);
    await ask(strategy, { temperature: 0.1 });
    const sampled = () =>
      upstream.calls.filter((call) => kindOf(call) !== casesOf(strategy).answer.kind)
        .map(({ body }) => body.temperature);
    assertEquals(new Set(sampled()), new Set([temperature]));
    upstream.calls.length = 0;
    await ask(strategy, { reasoning: { temperature: 1.3 } });
    assertEquals(new Set(sampled()), new Set([1.3]));
  });
}

Deno.test("a judge sees two candidates, with their thinking, in both orders", async () => {
  await using upstream = startUpstream(scripted({ answer: allDiffer }));
  const { ask } = await createStrategyApp(upstream);
  await ask("vote", { reasoning_effort: "low" });
  assertEquals(kindsOf(upstream), { sample: 4, judge: 4 });
  const pairs = upstream.calls.slice(4).map((call) => {
    const shown = String(messagesOf(call).at(-1)!.content);
    assertEquals(shown.match(/^<\w+>$/gm), ["<candidate_1>", "<candidate_2>"]);
    assertEquals(shown.split(THOUGHT).length, 3);
    assert(!shown.includes("FINAL:"));
    assertEquals(call.body.response_format.json_schema.name, "verdict");
    assertEquals(call.body.max_tokens, 64);
    return shown.match(/\d{3}/g)!.join();
  });
  const reversed = pairs.map((pair) => pair.split(",").toReversed().join());
  assertEquals(pairs.toSorted(), reversed.toSorted());
  assertEquals(new Set(pairs.join().split(",")), new Set(["100", "101", "102", "103"]));
});

for (const [strategy, kind] of [["moa", "moa.aggregator"], ["rsa", "rsa.aggregate"]] as const) {
  Deno.test(`${strategy} shows its candidates under letters, without their thinking`, async () => {
    await using upstream = startUpstream(scripted({ answer: allDiffer }));
    const { ask } = await createStrategyApp(upstream);
    await ask(strategy);
    const shown = upstream.calls.filter((call) => kindOf(call) === kind).map(textOf);
    for (const text of shown) {
      assertEquals(text.match(/^\[[A-Z]\]$/gm)!.length, strategy === "moa" ? 4 : 3);
      assert(!text.includes(THOUGHT));
      assertEquals(new Set(text.match(/It is \d+/g)).size, strategy === "moa" ? 4 : 3);
    }
  });
}

Deno.test("a verifier sees the question and a solution without its thinking", async () => {
  await using upstream = startUpstream(scripted({ answer: allDiffer }));
  const { ask } = await createStrategyApp(upstream);
  await ask("verify");
  const shown = upstream.calls.slice(3, 6).map(textOf);
  assertEquals(shown.length, 3);
  for (const text of shown) assert(!text.includes(THOUGHT));
  const solutions = shown.map((text) => /<solution>\s*It is (\d+)/.exec(text)?.[1]);
  assertEquals(solutions.sort(), ["100", "101", "102"]);
});

Deno.test("placeholders in a question, a solution or an error are not filled in", async () => {
  const solution = "It is {error} {question}.\nFINAL: ";
  await using upstream = startUpstream(scripted({
    replies: {
      sample: ({ index }) => ({ content: solution + index }),
      "verify.planner": ({ index }) => ({ content: solution + index }),
      "verify.verifier": { content: "ERROR: {solution} is wrong\nVERDICT: WRONG" },
    },
  }));
  const { ask } = await createStrategyApp(upstream);
  const question = "What do {solution} and {error} mean in $& a template?";
  await ask("verify", { messages: [{ role: "user", content: question }] });
  const last = (kind: Kind) =>
    String(
      messagesOf(upstream.calls.find((call) => kindOf(call) === kind)!)
        .findLast(({ content }) => String(content).includes("<solution>"))!.content,
    );
  assertStringIncludes(last("verify.verifier"), `<question>\n${question}\n</question>`);
  assertStringIncludes(last("verify.verifier"), "<solution>\nIt is {error} {question}.\n");
  assertStringIncludes(last("verify.repair"), "<solution>\nIt is {error} {question}.\n");
  assertStringIncludes(last("verify.repair"), "The error:\n{solution} is wrong\n");
});

Deno.test("only the second solver is asked to plan, and a repair gets the solution and its quoted error", async () => {
  await using upstream = startUpstream(scripted({
    answer: allDiffer,
    replies: {
      "verify.verifier": { content: 'ERROR: "It is 100" skips a step\nVERDICT: WRONG' },
    },
  }));
  const { ask } = await createStrategyApp(upstream, { upstream: { max_concurrency: 1 } });
  await ask("verify");
  assertEquals(upstream.calls.slice(0, 3).map(kindOf), ["sample", "verify.planner", "sample"]);
  assertEquals(kindOf(upstream.calls[6]!), "verify.repair");
  const repair = textOf(upstream.calls[6]!);
  assertStringIncludes(repair, "It is 100.");
  assertStringIncludes(repair, '"It is 100" skips a step');
  assert(!repair.includes(THOUGHT));
});

const FIRST_LAYER = new Set(["It is 100", "It is 101", "It is 102", "It is 103"]);

Deno.test("a second layer sees the first one's answers under letters, without their thinking", async () => {
  await using upstream = startUpstream(scripted({ answer: allDiffer }));
  const { ask } = await createStrategyApp(upstream);
  await ask("moa", { reasoning: { layers: 2 } });
  const shown = upstream.calls.filter((call) => kindOf(call) === "moa.refine").map(textOf);
  assertEquals(shown.length, 4);
  for (const text of shown) {
    assertEquals(text.match(/^\[[A-Z]\]$/gm), ["[A]", "[B]", "[C]", "[D]"]);
    assertEquals(new Set(text.match(/It is \d+/g)), FIRST_LAYER);
    assert(!text.includes(THOUGHT));
  }
  const mixed = textOf(upstream.calls.at(-1)!).match(/It is \d+/g)!;
  assert(mixed.every((answer) => !FIRST_LAYER.has(answer)), mixed.join());
});

Deno.test("rsa builds an open answer from three of its population, under letters and without their thinking", async () => {
  await using upstream = startUpstream(scripted({ answer: allDiffer }));
  const { ask } = await createStrategyApp(upstream);
  await ask("rsa");
  const last = upstream.calls.at(-1)!;
  assertEquals(kindOf(last), "rsa.answer");
  const text = textOf(last);
  assertEquals(text.match(/^\[[A-Z]\]$/gm), ["[A]", "[B]", "[C]"]);
  assert(!text.includes(THOUGHT) && !text.includes("FINAL:"));
});

for (const strategy of ["vote", "verify", "rsa"]) {
  Deno.test(`${strategy} gives its winner, without thinking and FINAL line, to the call with the tools`, async () => {
    await using upstream = startUpstream(scripted());
    const { ask } = await createStrategyApp(upstream);
    await ask(strategy, { tools: TOOLS });
    const last = upstream.calls.at(-1)!;
    assertEquals(kindOf(last), "synthesize");
    const text = textOf(last);
    assertStringIncludes(text, "It is 42.");
    assert(!text.includes(THOUGHT) && !text.includes("FINAL:"));
  });
}

Deno.test("the formats of the strategies are strict, as some upstreams demand", async () => {
  const names = new Set<string>();
  for (const strategy of THINKING) {
    await using upstream = startUpstream(scripted({ answer: allDiffer }));
    const { ask } = await createStrategyApp(upstream);
    await ask(strategy);
    for (const { body: { response_format: format } } of upstream.calls) {
      if (format === undefined) continue;
      const { name, strict, schema } = format.json_schema;
      names.add(name);
      assertEquals([strict, schema.additionalProperties], [true, false], name);
      assertEquals(schema.required, Object.keys(schema.properties), name);
    }
  }
  assertEquals([...names].sort(), ["reasoning_step", "verdict"]);
});
