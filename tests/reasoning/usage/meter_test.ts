import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Message } from "../../../lib/reasoning/request.ts";
import { createUsageMeter, type UsageMeter } from "../../../lib/reasoning/usage/meter.ts";
import type { Delta } from "../../../lib/upstream/wire/deltas.ts";
import type { TokenCounts } from "../../../lib/upstream/wire/usage.ts";

const MESSAGES: Message[] = [{ role: "user", content: "What is 2 + 2?" }];

interface Call {
  visible?: boolean;
  deltas?: Delta[];
  usage?: TokenCounts;
  price?: { input: number; cached_input?: number; output: number };
  messages?: Message[];
}

function count(
  meter: UsageMeter,
  { visible = false, deltas = [], usage, price, messages = MESSAGES }: Call,
): void {
  const call = meter.call(messages, visible);
  call.sent(price);
  for (const delta of deltas) call.add(delta);
  if (usage !== undefined) call.add({ usage });
  call.end();
}

function total(...calls: Call[]) {
  const meter = createUsageMeter();
  for (const call of calls) count(meter, call);
  return meter.total();
}

const counts = (prompt: number, completion: number, more: Partial<TokenCounts> = {}) => ({
  prompt,
  completion,
  cached: 0,
  ...more,
});

Deno.test("a request without a call uses nothing", () => {
  assertEquals(total(), {
    promptTokens: 0,
    cachedTokens: 0,
    completionTokens: 0,
    reasoningTokens: 0,
    upstream: {
      calls: 0,
      prompt_tokens: 0,
      cached_tokens: 0,
      completion_tokens: 0,
      estimated: false,
    },
  });
});

Deno.test("the prompt is that of the first call, generated tokens are summed, and `upstream` has all sums", () => {
  assertEquals(
    total(
      { usage: counts(100, 10) },
      { usage: counts(120, 20, { cached: 90 }) },
      { visible: true, usage: counts(150, 7, { cached: 110 }) },
    ),
    {
      promptTokens: 100,
      cachedTokens: 0,
      completionTokens: 37,
      reasoningTokens: 30,
      upstream: {
        calls: 3,
        prompt_tokens: 370,
        cached_tokens: 200,
        completion_tokens: 37,
        estimated: false,
      },
    },
  );
});

Deno.test("each parallel call counts once, and the first call is the one that was sent first", () => {
  const meter = createUsageMeter();
  const first = meter.call(MESSAGES, false);
  const second = meter.call(MESSAGES, false);
  first.sent();
  second.sent();
  first.sent();
  second.add({ usage: counts(7, 2) });
  second.end();
  first.add({ usage: counts(5, 1) });
  first.end();
  first.end();
  const { promptTokens, completionTokens, upstream } = meter.total();
  assertEquals([promptTokens, completionTokens, upstream.calls], [5, 3, 2]);
  assertEquals(meter.generated(), 3);
});

Deno.test("the last of several counts of a call is used", () => {
  const meter = createUsageMeter();
  const call = meter.call(MESSAGES, true);
  call.sent();
  for (const completion of [1, 2, 9]) call.add({ usage: counts(5, completion) });
  call.end();
  assertEquals(meter.total().completionTokens, 9);
});

const REASONING: [name: string, call: Call, tokens: number][] = [
  ["none if all of it is answer", {
    deltas: [{ content: "four" }],
    usage: counts(9, 10),
  }, 0],
  ["the upstream's own count", {
    deltas: [{ reasoning: "hm" }, { content: "four" }],
    usage: counts(9, 10, { reasoning: 7 }),
  }, 7],
  ["the upstream's own count, if its reasoning is not shown", {
    deltas: [{ content: "four" }],
    usage: counts(9, 10, { reasoning: 7 }),
  }, 7],
  ["by the lengths of the texts if the upstream does not count it", {
    deltas: [{ reasoning: "hm, hm, hm, " }, { content: "four" }],
    usage: counts(9, 8),
  }, 6],
  ["by the lengths of the texts if the upstream counts 0 beside thinking", {
    deltas: [{ reasoning: "hm, hm, hm, " }, { content: "four" }],
    usage: counts(9, 8, { reasoning: 0 }),
  }, 6],
  ["all of it if there is no answer", {
    deltas: [{ reasoning: "hm" }],
    usage: counts(9, 8),
  }, 8],
  ["no more than was generated", {
    deltas: [{ content: "four" }],
    usage: counts(9, 8, { reasoning: 12 }),
  }, 8],
  ["tool calls and refusals are answers", {
    deltas: [
      { reasoning: "abcd" },
      { toolCalls: [{ index: 0, id: "c", name: "abcd", arguments: "abcd" }] },
      { refusal: "abcd" },
    ],
    usage: counts(9, 8),
  }, 2],
];

for (const [name, call, tokens] of REASONING) {
  Deno.test(`reasoning tokens of a visible call: ${name}`, () => {
    assertEquals(total({ ...call, visible: true }).reasoningTokens, tokens);
    const { completionTokens, reasoningTokens } = total(call);
    assertEquals(
      reasoningTokens,
      completionTokens,
      "all tokens of a hidden call are reasoning",
    );
  });
}

Deno.test("without counts from the upstream, usage is estimated and marked as such", () => {
  const usage = total({
    visible: true,
    deltas: [{ reasoning: "a".repeat(40) }, { content: "b".repeat(40) }, { content: "二加二" }],
    messages: [{ role: "user", content: "c".repeat(400) }],
  });
  assertEquals(usage.completionTokens, 23);
  assertEquals(usage.reasoningTokens, 10);
  assert(usage.promptTokens >= 100 && usage.promptTokens <= 110);
  assertEquals(usage.upstream.estimated, true);
  assertEquals(total({ usage: counts(1, 1) }, {}).upstream.estimated, true);
});

Deno.test("a call that was never sent is not counted", () => {
  const meter = createUsageMeter();
  meter.call(MESSAGES, false).end();
  assertEquals(meter.total(), total());
  count(meter, { usage: counts(7, 2) });
  assertEquals(meter.total(), total({ usage: counts(7, 2) }));
});

Deno.test("a call that failed without output adds a call and no tokens", () => {
  const meter = createUsageMeter();
  const failed = meter.call(MESSAGES, false);
  failed.sent();
  const none = { prompt_tokens: 0, completion_tokens: 0, estimated: false };
  assertEquals(failed.end(true), none);
  count(meter, { usage: counts(7, 2, { cached: 3 }) });
  const { promptTokens, cachedTokens, upstream } = meter.total();
  assertEquals([promptTokens, cachedTokens], [7, 3], "the first call with counts");
  assertEquals(upstream, {
    calls: 2,
    prompt_tokens: 7,
    cached_tokens: 3,
    completion_tokens: 2,
    estimated: false,
  });
});

Deno.test("a call that failed after its first words is counted, as reported or estimated", () => {
  for (const usage of [undefined, { prompt: 9, cached: 0, completion: 1 }]) {
    const meter = createUsageMeter();
    const failed = meter.call(MESSAGES, false);
    failed.sent();
    failed.add({ content: "four", ...(usage === undefined ? {} : { usage }) });
    failed.end(true);
    const { upstream } = meter.total();
    assertEquals([upstream.completion_tokens, upstream.estimated], [1, usage === undefined]);
    assert(upstream.prompt_tokens > 0);
  }
});

Deno.test("an estimated prompt ignores the size of a picture's data", () => {
  const { promptTokens } = total({
    messages: [{
      role: "user",
      content: [
        { type: "text", text: "What is this?" },
        { type: "image_url", image_url: { url: `data:image/png;base64,${"A".repeat(1_000_000)}` } },
      ],
    }],
  });
  assert(promptTokens > 0 && promptTokens < 5_000, String(promptTokens));
});

Deno.test("an estimated prompt includes tools and schemas in addition to the messages", () => {
  const promptWith = (definitions: unknown[]) => {
    const meter = createUsageMeter();
    const call = meter.call(MESSAGES, false, definitions);
    call.sent();
    call.add({ content: "4" });
    call.end();
    return meter.total().promptTokens;
  };
  // 8 characters of JSON around the description.
  const tool = { d: "x".repeat(392) };
  assertEquals(promptWith([tool, tool]) - promptWith([]), 200);
});

Deno.test("costs are summed if prices are known, and left out otherwise", () => {
  const price = { input: 1, cached_input: 0.5, output: 4 };
  assertEquals(
    total(
      { usage: counts(1_000_000, 500_000, { cached: 400_000 }), price },
      { usage: counts(1_000_000, 0), price: { input: 1, output: 4 } },
      { usage: counts(1_000_000, 0) },
    ).upstream.cost,
    0.6 + 0.2 + 2 + 1,
  );
  assertEquals(
    total({ usage: counts(10, 0, { cached: 10 }), price: { input: 1, output: 1 } }).upstream.cost,
    0.00001,
  );
  assert(!("cost" in total({ usage: counts(1, 1) }).upstream));
});

Deno.test("the counts of any calls are consistent", () => {
  const call = fc.record({
    visible: fc.boolean(),
    deltas: fc.array(
      fc.record(
        { reasoning: fc.string({ minLength: 1 }), content: fc.string({ minLength: 1 }) },
        { requiredKeys: [] },
      ),
    ),
    usage: fc.option(
      fc.record({
        prompt: fc.nat(10_000),
        cached: fc.constant(0),
        completion: fc.nat(10_000),
        reasoning: fc.nat(20_000),
      }),
      { nil: undefined },
    ),
  });
  fc.assert(fc.property(fc.array(call), (calls) => {
    const usage = total(...calls.map(({ usage, ...rest }) => usage ? { ...rest, usage } : rest));
    assert(usage.reasoningTokens >= 0 && usage.reasoningTokens <= usage.completionTokens);
    assertEquals(usage.completionTokens, usage.upstream.completion_tokens);
    assertEquals(usage.upstream.calls, calls.length);
    assert(usage.promptTokens <= usage.upstream.prompt_tokens);
    for (
      const count of [usage.promptTokens, usage.completionTokens, usage.reasoningTokens]
    ) assert(Number.isInteger(count));
  }));
});
