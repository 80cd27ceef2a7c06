/** Samples of one wave that are requested in one call, with `n`. */
import { assert, assertEquals } from "@std/assert";
import { systemClock } from "../../../lib/clock.ts";
import { upstreamOptions } from "../../../lib/config/schema/upstream.ts";
import { createUpstreamClient } from "../../../lib/upstream/client.ts";
import { type Call, type Reply, startUpstream, type Upstream } from "../../support/upstream.ts";
import { kindOf } from "../../support/kinds.ts";
import { waitFor } from "../../support/wait.ts";
import { TOOLS } from "../../reasoning/strategies/setup/script.ts";
import {
  createStrategyApp,
  type StrategyAppOptions,
} from "../../reasoning/strategies/setup/app.ts";

type Delta = Record<string, unknown>;

const chunk = (index: number, delta: Delta, finish: string | null = null) => ({
  object: "chat.completion.chunk",
  choices: [{ index, delta, finish_reason: finish }],
});
const usage = (prompt: number, completion: number) => ({
  choices: [],
  usage: { prompt_tokens: prompt, completion_tokens: completion },
});

/** One frame for each piece of each text in turn, then an end for each, then the usage. */
function framesOf(texts: readonly (readonly string[])[], tokens = 5 * texts.length): object[] {
  const longest = Math.max(...texts.map(({ length }) => length));
  return [
    ...Array.from(
      { length: longest },
      (_, i) =>
        texts.flatMap((pieces, index) =>
          pieces[i] === undefined ? [] : [chunk(index, { content: pieces[i] })]
        ),
    ).flat(),
    ...texts.map((_, index) => chunk(index, {}, "stop")),
    usage(10, tokens),
  ];
}

const sample = (answer: number) => ["I think.\n", `FINAL: ${answer}`];

/** Answers calls for several samples as `answers` says, and single ones with 42. */
const jointly =
  (answers: readonly number[], more: Partial<Reply> = {}) => ({ body }: Call): Reply =>
    body.n === undefined
      ? { content: sample(42) }
      : { frames: framesOf(answers.slice(0, body.n).map(sample)), ...more };

async function start(
  script: (call: Call) => Reply,
  { upstream: entry = {}, ...options }: StrategyAppOptions = {},
) {
  const upstream = startUpstream(script, { samples: true });
  const { ask } = await createStrategyApp(upstream, {
    ...options,
    upstream: { price: { input: 1, output: 1 }, ...entry },
  });
  return {
    upstream,
    ask,
    sizes: () => upstream.calls.map(({ body }) => body.n ?? 1),
    [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose](),
  };
}

/** Takes longer than a call that does not wait for anything. */
async function pause({ url }: Upstream): Promise<void> {
  for (let i = 0; i < 5; i++) await (await fetch(`${url}/models`)).body?.cancel();
}

for (const stream of [false, true]) {
  Deno.test(`a wave is one call, whose prompt counts once (${stream ? "stream" : "JSON"})`, async () => {
    await using app = await start(jointly([42, 42, 42, 42]));
    const { content, json } = await app.ask("vote", {
      stream,
      stream_options: stream ? { include_usage: true } : undefined,
    });
    assertEquals([content, app.sizes()], ["I think.", [4]]);
    assert(app.upstream.calls[0]!.body.stream, "the samples are not compared as they arrive");
    const { calls, prompt_tokens, completion_tokens, cost, estimated } = json.usage.upstream;
    assertEquals(
      [calls, prompt_tokens, completion_tokens, cost, estimated],
      [1, 10, 20, 30e-6, false],
    );
  });
}

Deno.test("a later wave is one call too, and the votes of both count", async () => {
  await using app = await start(({ body, index }) =>
    jointly(index === 0 ? [1, 2, 3, 42] : [42, 42, 42, 42])({ body } as Call)
  );
  const { content } = await app.ask("vote");
  assertEquals([content, app.sizes()], ["I think.", [4, 2]]);
});

Deno.test("a call that is no longer needed is aborted, and its texts are estimated", async () => {
  const never = Promise.withResolvers<void>();
  const frames = framesOf([...[7, 7, 7].map(sample), ["I ", "go ", "on and ", "on "]]);
  const ends = [0, 1, 2].map((index) => chunk(index, {}, "stop"));
  const open = [...frames.slice(0, 9), ...ends];
  await using app = await start(
    () => ({ frames: [...open, {}], gate: (i) => i === open.length ? never.promise : undefined }),
  );
  const { content, json } = await app.ask("vote", { reasoning: { max_samples: 4 } });
  await app.upstream.calls[0]!.left;
  assertEquals([content, app.sizes()], ["I think.", [4]]);
  const { calls, prompt_tokens, completion_tokens, estimated } = json.usage.upstream;
  assertEquals([calls, estimated], [1, true]);
  assert(completion_tokens >= 3 * 4 && completion_tokens < 30, `${completion_tokens}`);
  assert(prompt_tokens < 100, "the prompt counts once");
});

Deno.test("a call waits for the usage that follows its samples", async () => {
  const answer = jointly([42, 42, 42, 42], {
    gate: (i) => i === 12 ? pause(app.upstream) : undefined,
  });
  await using app = await start(answer);
  const { json } = await app.ask("moa");
  const { prompt_tokens, completion_tokens, estimated } = json.usage.upstream;
  assertEquals([prompt_tokens, completion_tokens, estimated], [20, 25, false]);
});

Deno.test("the usage of each sample, as llama.cpp reports it, is summed", async () => {
  const texts = [42, 42, 42, 42].map(sample);
  const frames = framesOf(texts).slice(0, -5);
  const ends = texts.flatMap((_, index) => [chunk(index, {}, "stop"), usage(10, 6 + index)]);
  await using app = await start(({ body }) =>
    body.n === undefined ? { content: "42" } : { frames: [...frames, ...ends] }
  );
  const { json } = await app.ask("moa");
  const { calls, prompt_tokens, completion_tokens, estimated } = json.usage.upstream;
  // The writer's call has 10 and 5 tokens.
  assertEquals(
    [calls, prompt_tokens, completion_tokens, estimated],
    [2, 20, 6 + 7 + 8 + 9 + 5, false],
  );
});

/** The rest of the wave is sent as single calls, and later waves do not ask again. */
const UNSUPPORTED: [title: string, script: (call: Call) => Reply, first: number[]][] = [
  ["ignores", () => ({ content: sample(42) }), [4, 1, 1, 1]],
  [
    "ignores, with a complete JSON answer,",
    ({ body }) => body.n ? { body: JSON.stringify(jsonOf(sample(42))) } : { content: sample(42) },
    [4, 1, 1, 1],
  ],
  [
    "rejects",
    ({ body }) =>
      body.n
        ? { status: 400, body: '{"error":{"message":"Only one completion choice is allowed"}}' }
        : { content: sample(42) },
    [4, 1, 1, 1, 1],
  ],
  [
    "allows only one of",
    ({ body }) =>
      body.n
        ? { status: 400, body: `{"error":{"message":"'n' : number must be at most 1"}}` }
        : { content: sample(42) },
    [4, 1, 1, 1, 1],
  ],
];

const jsonOf = (pieces: readonly string[]) => ({
  object: "chat.completion",
  choices: [{
    index: 0,
    message: { role: "assistant", content: pieces.join("") },
    finish_reason: "stop",
  }],
  usage: { prompt_tokens: 10, completion_tokens: 5 },
});

for (const [title, script, first] of UNSUPPORTED) {
  Deno.test(`an upstream that ${title} n gets a call for each sample from then on`, async () => {
    await using app = await start(script);
    const { content, json } = await app.ask("vote");
    assertEquals([content, app.sizes()], ["I think.", first]);
    assertEquals(json.usage.upstream.calls, 4);
    await app.ask("vote");
    assertEquals(app.sizes().slice(first.length), [1, 1, 1, 1]);
  });
}

for (
  const message of [
    "n > 1 is not supported with streaming.",
    "Multiple completions can't be combined with response_format or system messages.",
    "Invalid value for 'n': only one completion choice is allowed with stream=true",
    "Bad request",
  ]
) {
  Deno.test(`a rejection of n says nothing about other parts of the call: ${message}`, async () => {
    await using app = await start(({ body }) =>
      body.n
        ? { status: 400, body: JSON.stringify({ error: { message } }) }
        : { content: sample(42) }
    );
    await app.ask("vote", { stream: true });
    assertEquals(app.sizes(), [4, 1, 1, 1, 1]);
    for (const { body: { stream, messages } } of app.upstream.calls) {
      assertEquals([stream, messages[0].role], [true, "system"]);
    }
  });
}

Deno.test("a wave beyond the upstream's maximum is one call of that size and single calls for the rest", async () => {
  const message = "Field 'n': Value must be between 1 <= value <= 3, but got 4";
  await using app = await start(({ body }) =>
    body.n > 3
      ? { status: 400, body: JSON.stringify({ error: { message } }) }
      : jointly([42, 42, 42])({ body } as Call)
  );
  await app.ask("vote");
  assertEquals(app.sizes(), [4, 3, 1]);
  await app.ask("vote");
  assertEquals(app.sizes().slice(3), [3, 1]);
});

const SINGLE: [why: string, options: StrategyAppOptions, body: Record<string, unknown>][] = [
  ["the operator has turned it off", { upstream: { use_n: false } }, {}],
  ["a seed may make them equal", {}, { seed: 7 }],
];

for (const [why, options, body] of SINGLE) {
  Deno.test(`each sample is a call if ${why}`, async () => {
    await using app = await start(jointly([42, 42, 42, 42]), options);
    await app.ask("vote", body);
    assertEquals(app.sizes(), [1, 1, 1, 1]);
  });
}

Deno.test("single calls that fail are not repeated, unlike a joint call", async () => {
  await using app = await start(
    () => ({ status: 503, body: "{}" }),
    { upstream: { use_n: false } },
  );
  const { status } = await app.ask("vote");
  assertEquals([status, app.sizes()], [503, [1, 1, 1, 1]]);
});

Deno.test("a call for several samples waits for a slot for each", async () => {
  const released = Promise.withResolvers<void>();
  await using app = await start(
    (call) =>
      call.body.n === undefined
        ? { content: "4", before: released.promise }
        : jointly([42, 42, 42, 42])(call),
    { upstream: { max_concurrency: 4 } },
  );
  const plain = app.ask("direct");
  await app.upstream.called();
  const vote = app.ask("vote");
  await pause(app.upstream);
  assertEquals(app.sizes(), [1]);
  released.resolve();
  assertEquals([(await plain).content, (await vote).content], ["4", "I think."]);
  assertEquals(app.sizes(), [1, 4]);
});

Deno.test("a call that fails midway is repeated as single calls while retries are left", async () => {
  const broken = framesOf([42, 42, 42, 42].map(sample)).slice(0, 5);
  await using app = await start(({ body }) =>
    body.n === undefined ? { content: sample(42) } : { frames: broken, end: "cut" }
  );
  const { status, content } = await app.ask("vote");
  assertEquals([status, content], [200, "I think."]);
  assertEquals(app.sizes().slice(0, 3), [4, 1, 1]);
});

Deno.test("thinking is separated from the answer in each sample", async () => {
  const texts = [1, 2, 3, 4].map((
    number,
  ) => ["<thi", `nk>Case ${number}.</th`, "ink>", "FINAL: 42"]);
  await using app = await start(() => ({ frames: framesOf(texts) }));
  const { content, reasoning } = await app.ask("vote", { stream: true });
  assertEquals(content, "42");
  assert(reasoning.includes("Case 1.") && !reasoning.includes("think>"), reasoning);
});

Deno.test("turns with tool calls are one call, and the calls of its samples do not mix", async () => {
  const call = (a: number) => ({
    tool_calls: [{
      index: 0,
      id: `c${a}`,
      type: "function",
      function: { name: "multiply", arguments: JSON.stringify({ a, b: 7 }) },
    }],
  });
  const numbers = [5, 6, 6, 6];
  await using app = await start(() => ({
    frames: [
      ...numbers.map((a, index) => chunk(index, call(a))),
      ...numbers.map((_, index) => chunk(index, {}, "tool_calls")),
      usage(10, 20),
    ],
  }));
  const { json, finish } = await app.ask("vote", { tools: TOOLS, tool_choice: "required" });
  assertEquals([finish, app.sizes()], ["tool_calls", [4]]);
  const [first, ...others] = json.choices[0].message.tool_calls;
  assertEquals([first.function.arguments, others], ['{"a":6,"b":7}', []]);
});

Deno.test("the first wave of moa and rsa is one call, and each proposer gets its share of the usage", async () => {
  await using app = await start((call) =>
    call.body.n === undefined ? { content: sample(42) } : jointly(Array(16).fill(42))(call)
  );
  const { json } = await app.ask("moa");
  assertEquals(app.sizes(), [4, 1]);
  assertEquals(kindOf(app.upstream.calls[1]!), "moa.aggregator");
  const { contributions } = json.usage.upstream;
  const sums = contributions.reduce(
    (sum: number[], { prompt_tokens, completion_tokens }: Record<string, number>) => [
      sum[0]! + prompt_tokens!,
      sum[1]! + completion_tokens!,
    ],
    [0, 0],
  );
  assertEquals(contributions.length, 4);
  assert(Math.abs(sums[0] - 10) <= 2 && Math.abs(sums[1] - 20) <= 2, `${sums}`);
  await app.ask("rsa");
  assertEquals(app.sizes()[2], 8);
});

Deno.test("the reservation of a wave depends on the cost of its samples, not of the call before", async () => {
  const answers = [[1, 2, 3, 42], [42, 42]];
  await using app = await start(({ index }) => ({
    frames: framesOf(answers[index]!.map(sample), 2_000),
  }), { config: { limits: { daily_tokens: 6_000 } } });
  await app.ask("vote");
  assertEquals(app.sizes(), [4, 2]);
});

for (
  const [when, before] of [
    ["after the samples of a joint call are taken", 2],
    ["after the others have left", 1],
  ] as const
) {
  Deno.test(`a call that starts ${when} is made alone`, async () => {
    await using upstream = startUpstream(
      (call) => call.body.n ? jointly([1, 2])(call) : { content: "Alone." },
      { samples: true },
    );
    const client = createUpstreamClient({ clock: systemClock, random: () => 0.5, fetch });
    const options = upstreamOptions.parse({ base_url: upstream.url });
    const wave = { size: 2 };
    const ask = async () => {
      const deltas = client.call(
        [{ name: "u", model: "m", upstream: options }],
        { messages: [{ role: "user", content: "6 * 7?" }], stream: true, fields: {}, wave },
        {
          conversation: { owner: "alice", messages: [] },
          capabilities: client.capabilitiesFor("alice"),
          signal: new AbortController().signal,
          retries: { left: 0 },
          deadline: Infinity,
        },
      );
      const parts = Array.fromAsync(deltas, ({ content = "" }) => content);
      return (await waitFor("an answer", parts)).join("");
    };
    const first = await Promise.all(Array.from({ length: before }, ask));
    assertEquals(first, [1, 2].slice(0, before).map((answer) => sample(answer).join("")));
    assertEquals(await ask(), "Alone.");
    assertEquals(upstream.calls.map(({ body }) => body.n), [2, undefined]);
  });
}
