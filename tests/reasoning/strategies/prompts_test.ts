import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { EFFORTS } from "../../../lib/reasoning/effort.ts";
import { startUpstream, type Upstream } from "../../support/upstream.ts";
import { type Kind, kindOf, kindsOf, messagesOf, textOf } from "./kinds.ts";
import { allDiffer, FORMAT, type Script, scripted, THOUGHT, TOOLS } from "./script.ts";
import { strategyOf } from "./table.ts";
import { createStrategyApp, STRATEGIES, THINKING } from "./setup.ts";

/** A request that makes a strategy use its prompts, and what the model does then. */
interface Way {
  strategy: string;
  script?: Script;
  body?: Record<string, unknown>;
}

const open = { content: `<think>${THOUGHT}` };

/** Ways through each strategy that together use every prompt and every role. */
const WAYS: readonly Way[] = [
  { strategy: "think" },
  { strategy: "think", script: { replies: { think: open } }, body: { reasoning_effort: "low" } },
  { strategy: "think", body: { reasoning_effort: "high" } },
  { strategy: "think", body: { reasoning: { wait: 1 } } },
  { strategy: "draft" },
  { strategy: "draft", script: { replies: { draft: open } }, body: { reasoning_effort: "low" } },
  { strategy: "draft", body: { reasoning_effort: "high" } },
  { strategy: "draft", body: { reasoning: { wait: 1 } } },
  { strategy: "steps", body: { reasoning: { wait: 1, max_steps: 9 } } },
  {
    strategy: "steps",
    script: {
      replies: { step: ({ index }) => ({ content: `Words ${index}`, finish: "length" }) },
    },
  },
  { strategy: "relay", body: { reasoning: { wait: 1 } } },
  {
    strategy: "vote",
    script: { answer: allDiffer },
    body: { reasoning: { finalize: "synthesize" } },
  },
  { strategy: "moa", body: { reasoning: { layers: 2, proposers: 16 } } },
  {
    strategy: "verify",
    script: { answer: allDiffer, refutes: () => true },
    body: { response_format: FORMAT },
  },
  { strategy: "rsa", script: { answer: allDiffer } },
  { strategy: "rsa", body: { response_format: FORMAT } },
];

/** Runs every way of a strategy, and shows the calls of all. */
async function runAll(
  strategy: string,
  model: Record<string, unknown>,
  body: Record<string, unknown>,
  look: (upstream: Upstream, way: Way) => void,
): Promise<void> {
  for (const way of WAYS.filter((each) => each.strategy === strategy)) {
    await using upstream = startUpstream(scripted(way.script));
    const models = { m: { strategy, upstream: "scripted", model: "scripted-model", ...model } };
    // For a model that is told to route to it.
    const routing = { effort: Object.fromEntries(EFFORTS.map((effort) => [effort, strategy])) };
    const { ask } = await createStrategyApp(upstream, { config: { models, routing } });
    const { status, json } = await ask("m", { ...way.body, ...body });
    assertEquals(status, 200, JSON.stringify(json));
    look(upstream, way);
  }
}

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
  Deno.test(`${strategy} sends the client's conversation, whole and unchanged, with every call`, async () => {
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

  Deno.test(`${strategy} keeps the model's own system prompt before the client's messages`, async () => {
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
  Deno.test(`every prompt of ${strategy} can be replaced in the config`, async () => {
    const names = Object.keys(strategyOf(strategy).prompts);
    const prompts = Object.fromEntries(
      names.map((name) => [name, `${strategyOf(strategy).prompts[name]}\n[own ${name}]`]),
    );
    const seen = new Set<string>();
    await runAll(strategy, { prompts }, {}, ({ calls }) => {
      for (const call of calls) {
        for (const match of textOf(call).matchAll(/\[own (\w+)\]/g)) seen.add(match[1]!);
      }
    });
    assertEquals([...seen].sort(), names.sort());
  });

  for (const qualified of [true, false]) {
    Deno.test(`every prompt and role of ${strategy} can be replaced for auto, by ${qualified ? "its whole" : "its"} name`, async () => {
      const { prompts, roles } = strategyOf(strategy);
      const name = (own: string) => qualified ? `${strategy}.${own}` : own;
      const ownPrompts = Object.entries(prompts).map((
        [own, text],
      ) => [name(own), `${text}\n[own ${own}]`]);
      const ownRoles = roles.map((own) => [name(own), { model: `model-of-${own}` }]);
      const model = {
        strategy: "auto",
        prompts: Object.fromEntries(ownPrompts),
        roles: Object.fromEntries(ownRoles),
      };
      const seenPrompts = new Set<string>();
      const seenRoles = new Set<string>();
      await runAll(strategy, model, {}, ({ calls }) => {
        for (const call of calls) {
          for (const match of textOf(call).matchAll(/\[own (\w+)\]/g)) seenPrompts.add(match[1]!);
          seenRoles.add(call.body.model.replace("model-of-", ""));
        }
      });
      assertEquals([...seenPrompts].sort(), Object.keys(prompts).sort());
      assertEquals([...seenRoles].sort(), roles.filter((role) => role !== "proposer").sort());
    });
  }

  Deno.test(`every role of ${strategy} can have a model of its own`, async () => {
    // A numbered role is a role like the one without a number, unless it has its own model.
    const names = strategyOf(strategy).roles;
    const roles = Object.fromEntries(names.map((role) => [role, { model: `model-of-${role}` }]));
    const seen = new Map<string, Set<string>>();
    await runAll(strategy, { roles }, { reasoning_effort: "high" }, ({ calls }) => {
      for (const call of calls) {
        const model = call.body.model.replace("model-of-", "");
        seen.set(model, (seen.get(model) ?? new Set()).add(kindOf(call)));
      }
    });
    const unused = strategy === "moa" ? ["proposer"] : [];
    assertEquals([...seen.keys()].sort(), names.filter((role) => !unused.includes(role)).sort());
    for (const [role, kinds] of seen) {
      const expected = KINDS[role.replace(/_\d+$/, "")]!;
      assertEquals([...kinds].sort(), expected[strategy] ?? expected.any, role);
    }
  });
}

/** The kinds of calls that each role makes. */
const KINDS: Record<string, Record<string, string[]>> = {
  think: { think: ["think", "wait"], draft: ["draft", "wait"] },
  answer: {
    think: ["answer"],
    draft: ["answer"],
    steps: ["step_answer"],
    vote: ["synthesize"],
    verify: ["synthesize"],
    rsa: ["central", "synthesize"],
  },
  step: { any: ["step", "step_wait"] },
  reasoner: { any: ["reasoner", "wait"] },
  writer: { any: ["writer"] },
  sample: { any: ["sample"] },
  judge: { any: ["judge"] },
  proposer: { any: ["proposer", "refine"] },
  aggregator: { moa: ["aggregator"], rsa: ["aggregate"] },
  solver: { any: ["planner", "repair", "sample"] },
  verifier: { any: ["verifier"] },
};

Deno.test("a name of auto's that several strategies have means all of them, a whole name one alone", async () => {
  await using upstream = startUpstream(scripted());
  const prompts = { sample: "[all] {x}", "rsa.sample": "[rsa]" };
  const roles = { sample: { model: "all" }, "rsa.sample": { model: "of-rsa" } };
  const models = { m: { strategy: "auto", upstream: "scripted", model: "s", prompts, roles } };
  const { ask } = await createStrategyApp(upstream, { config: { models } });
  for (
    const [reasoning_effort, text, model] of [["medium", "[all] {x}", "all"], [
      "max",
      "[rsa]",
      "of-rsa",
    ]]
  ) {
    upstream.calls.length = 0;
    await ask("m", { reasoning_effort });
    const [first] = upstream.calls;
    assertEquals([messagesOf(first!)[0]!.content, first!.body.model], [text, model]);
  }
});

Deno.test("a request that chooses another strategy than its model's gets that strategy's own prompts", async () => {
  await using upstream = startUpstream(scripted());
  const prompts = { think: "[think]", mend: "[mend] {problem}" };
  const models = { m: { strategy: "think", upstream: "scripted", model: "s", prompts } };
  const { ask } = await createStrategyApp(upstream, { config: { models } });
  await ask("m");
  assertEquals(messagesOf(upstream.calls[0]!)[0]!.content, "[think]");
  upstream.calls.length = 0;
  await ask("m", { reasoning: { strategy: "draft" } });
  assertEquals(kindsOf(upstream), { draft: 1 });
});

for (const strategy of STRATEGIES) {
  Deno.test(`the prompts that all strategies share can be replaced for ${strategy}`, async () => {
    await using upstream = startUpstream(scripted({
      more: ({ body }) => body.response_format === undefined ? {} : { content: "It is 42." },
    }));
    const prompts = { mend: "[mend] {problem}", tools: "[tools] {tools}" };
    const models = { m: { strategy, upstream: "scripted", model: "s", prompts } };
    const { ask } = await createStrategyApp(upstream, { config: { models } });
    await ask("m", { response_format: FORMAT });
    assertStringIncludes(textOf(upstream.calls.at(-1)!), "[mend] ");
    if (["direct", "think", "draft", "auto"].includes(strategy)) return;
    await ask("m", { tools: TOOLS });
    assert(upstream.calls.some((call) => textOf(call).includes("[tools] - multiply: Multiplies.")));
  });
}

for (
  const [strategy, role] of [["relay", "writer"], ["moa", "aggregator"], [
    "vote",
    "answer",
  ]] as const
) {
  Deno.test(`without reasoning the model of ${strategy}'s ${role} answers`, async () => {
    await using upstream = startUpstream(scripted());
    const roles = { [role]: { model: "small" } };
    const models = { m: { strategy, upstream: "scripted", model: "s", roles } };
    const { ask } = await createStrategyApp(upstream, { config: { models } });
    await ask("m", { reasoning_effort: "none" });
    assertEquals(upstream.calls.map(({ body }) => body.model), ["small"]);
  });
}

Deno.test("proposers without models of their own share the model of the role", async () => {
  await using upstream = startUpstream(scripted());
  const roles = { proposer: { model: "all" }, proposer_2: { model: "second" } };
  const models = { m: { strategy: "moa", upstream: "scripted", model: "s", roles } };
  const { ask } = await createStrategyApp(upstream, { config: { models } });
  await ask("m");
  const sent = upstream.calls.map(({ body }) => body.model).sort();
  assertEquals(sent, ["all", "all", "all", "s", "second"]);
});

for (const strategy of THINKING) {
  Deno.test(`${strategy} tells of the tools in words while it thinks, and gives them to its last call alone`, async () => {
    await runAll(strategy, {}, { tools: TOOLS, temperature: 0.3, seed: 7 }, ({ calls }) => {
      // Without follow-ups the call that thinks may answer as well.
      const isFollowedUp = calls.some((call) => kindOf(call) === "wait");
      for (const call of calls) {
        const isVisible = call === calls.at(-1) ||
          (call === calls[0] && !isFollowedUp && /^think|^draft/.test(kindOf(call)));
        const { tools, seed, temperature } = call.body;
        assertEquals([tools, seed], isVisible ? [TOOLS, 7] : [undefined, undefined]);
        if (isVisible) assertEquals(temperature, 0.3);
        else assertStringIncludes(textOf(call), "- multiply: Multiplies.", kindOf(call));
      }
    });
  });

  Deno.test(`${strategy} asks its last call alone for the client's format`, async () => {
    await runAll(strategy, {}, { response_format: FORMAT, tools: undefined }, ({ calls }) => {
      for (const call of calls) {
        const format = call.body.response_format?.json_schema.name;
        const isStep = kindOf(call).startsWith("step");
        assertEquals(
          format,
          call === calls.at(-1) ? "answer" : isStep ? "reasoning_step" : undefined,
        );
      }
    });
  });
}

for (
  const [strategy, temperature] of [["vote", 0.7], ["moa", 0.7], ["verify", 0.7], [
    "rsa",
    1,
  ]] as const
) {
  Deno.test(`${strategy} samples at ${temperature}, or at what the config says`, async () => {
    await using upstream = startUpstream(scripted());
    const { ask } = await createStrategyApp(upstream);
    await ask(strategy, { temperature: 0.1 });
    const sampled = () =>
      upstream.calls.filter((call) => kindOf(call) !== "aggregator")
        .map(({ body }) => body.temperature);
    assertEquals(new Set(sampled()), new Set([temperature]));
    upstream.calls.length = 0;
    await ask(strategy, { reasoning: { temperature: 1.3 } });
    assertEquals(new Set(sampled()), new Set([1.3]));
  });
}

Deno.test("candidates are lettered, without their thinking, and judged once more in reverse", async () => {
  await using upstream = startUpstream(scripted({ answer: allDiffer }));
  const { ask } = await createStrategyApp(upstream);
  await ask("vote", { reasoning_effort: "low" });
  assertEquals(kindsOf(upstream), { sample: 4, judge: 2 });
  const [first, second] = upstream.calls.slice(4).map((call) => {
    const shown = String(messagesOf(call).at(-1)!.content);
    assertEquals(shown.match(/^\[[A-Z]\]$/gm), ["[A]", "[B]", "[C]", "[D]"]);
    assert(!shown.includes(THOUGHT) && !shown.includes("FINAL:"));
    return shown.match(/It is \d+/g)!;
  });
  assertEquals(first!.toSorted(), ["It is 100", "It is 101", "It is 102", "It is 103"]);
  assertEquals(second, first!.toReversed());
});

for (const [strategy, kind] of [["moa", "aggregator"], ["rsa", "aggregate"]] as const) {
  Deno.test(`${strategy} shows its candidates lettered, without their thinking`, async () => {
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

Deno.test("a verifier sees the question and a solution, and not how it was found", async () => {
  await using upstream = startUpstream(scripted({ answer: allDiffer }));
  const { ask } = await createStrategyApp(upstream);
  await ask("verify");
  const shown = upstream.calls.slice(3).map(textOf);
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
      planner: ({ index }) => ({ content: solution + index }),
      verifier: { content: "ERROR: {solution} is wrong\nVERDICT: WRONG" },
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
  assertStringIncludes(last("verifier"), `<question>\n${question}\n</question>`);
  assertStringIncludes(last("verifier"), "<solution>\nIt is {error} {question}.\n");
  assertStringIncludes(last("repair"), "<solution>\nIt is {error} {question}.\n");
  assertStringIncludes(last("repair"), "The error:\n{solution} is wrong\n");
});

Deno.test("the second solver alone is told to plan, and a repair gets the solution and its quoted error", async () => {
  await using upstream = startUpstream(scripted({
    answer: allDiffer,
    replies: {
      verifier: { content: 'ERROR: "It is 100" skips a step\nVERDICT: WRONG' },
    },
  }));
  const { ask } = await createStrategyApp(upstream, { upstream: { max_concurrency: 1 } });
  await ask("verify");
  assertEquals(upstream.calls.slice(0, 3).map(kindOf), ["sample", "planner", "sample"]);
  const repair = textOf(upstream.calls.at(-1)!);
  assertEquals(kindOf(upstream.calls.at(-1)!), "repair");
  assertStringIncludes(repair, "It is 100.");
  assertStringIncludes(repair, '"It is 100" skips a step');
  assert(!repair.includes(THOUGHT));
});

const FIRST_LAYER = new Set(["It is 100", "It is 101", "It is 102", "It is 103"]);

Deno.test("a second layer sees the first one's answers, lettered and without their thinking", async () => {
  await using upstream = startUpstream(scripted({ answer: allDiffer }));
  const { ask } = await createStrategyApp(upstream);
  await ask("moa", { reasoning: { layers: 2 } });
  const shown = upstream.calls.filter((call) => kindOf(call) === "refine").map(textOf);
  assertEquals(shown.length, 4);
  for (const text of shown) {
    assertEquals(text.match(/^\[[A-Z]\]$/gm), ["[A]", "[B]", "[C]", "[D]"]);
    assertEquals(new Set(text.match(/It is \d+/g)), FIRST_LAYER);
    assert(!text.includes(THOUGHT));
  }
  const mixed = textOf(upstream.calls.at(-1)!).match(/It is \d+/g)!;
  assert(mixed.every((each) => !FIRST_LAYER.has(each)), mixed.join());
});

Deno.test("rsa's open answer is made of three of its population, lettered and without their thinking", async () => {
  await using upstream = startUpstream(scripted({ answer: allDiffer }));
  const { ask } = await createStrategyApp(upstream);
  await ask("rsa");
  const last = upstream.calls.at(-1)!;
  assertEquals(kindOf(last), "central");
  const text = textOf(last);
  assertEquals(text.match(/^\[[A-Z]\]$/gm), ["[A]", "[B]", "[C]"]);
  assert(!text.includes(THOUGHT) && !text.includes("FINAL:"));
});

for (const strategy of ["vote", "verify", "rsa"]) {
  Deno.test(`${strategy} gives its winner, without thinking and FINAL line, to the call that may use tools`, async () => {
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
