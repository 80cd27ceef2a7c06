import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { type ChatRequest, decodeChatRequest, formatOf } from "../../../lib/api/chat/decode.ts";
import { errorBody } from "../../../lib/api/openai.ts";
import { ApiError } from "../../../lib/api/errors.ts";
import { FORMATS } from "../../../lib/api/formats/format.ts";
import { EFFORTS } from "../../../lib/reasoning/effort.ts";

const MESSAGES = [{ role: "user", content: "Hi" }];
const TOOL = { type: "function", function: { name: "f", parameters: { type: "object" } } };

const decode = (fields: Record<string, unknown> = {}, strategy?: string): ChatRequest =>
  decodeChatRequest({ messages: MESSAGES, ...fields }, { strategy });

const decodeError = (fields: Record<string, unknown>): ApiError =>
  assertThrows(() => decode(fields), ApiError);

/** Asserts that a body decodes, or fails with an error that is fit for clients. */
function assertDecodesOrRejects(json: unknown): void {
  try {
    const request = decodeChatRequest(json);
    assert(request.reasoning.messages.length > 0);
  } catch (error) {
    assert(error instanceof ApiError, String(error));
    assert(error.status >= 400 && error.status < 500);
    const body = errorBody(error);
    assertEquals(Object.keys(body.error), ["message", "type", "param", "code"]);
    assert(body.error.message !== "" && body.error.type === "invalid_request_error");
    assert(body.error.message.length < 1_000, body.error.message);
    JSON.stringify(body);
  }
}

/** A valid body with every known field. */
const FULL: Record<string, unknown> = {
  model: "o1",
  messages: [
    { role: "system", content: "Be brief." },
    { role: "user", content: [{ type: "text", text: "Hi" }] },
    { role: "assistant", content: null, tool_calls: [{ id: "c", type: "function" }] },
    { role: "tool", tool_call_id: "c", content: "4" },
  ],
  stream: true,
  stream_options: { include_usage: true },
  max_tokens: 10,
  max_completion_tokens: 20,
  temperature: 0.5,
  top_p: 0.5,
  seed: 7,
  n: 1,
  stop: ["END"],
  tools: [TOOL],
  tool_choice: "auto",
  parallel_tool_calls: false,
  response_format: { type: "json_object" },
  reasoning_effort: "high",
  reasoning: { effort: "low", exclude: false, enabled: true, strategy: "steps", max_steps: 3 },
  thinking: { type: "enabled", budget_tokens: 100 },
  enable_thinking: true,
  thinking_budget: 100,
  chat_template_kwargs: { enable_thinking: true, thinking: true },
  functions: [TOOL.function],
  function_call: "auto",
  modalities: ["text"],
  include_reasoning: true,
  reasoning_format: "parsed",
};

Deno.test("any JSON is decoded or rejected", () => {
  fc.assert(fc.property(fc.json(), (text) => assertDecodesOrRejects(JSON.parse(text))), {
    numRuns: 500,
  });
  fc.assert(fc.property(fc.anything(), assertDecodesOrRejects), { numRuns: 500 });
});

Deno.test("a body with any invalid field is decoded or rejected, naming the field", () => {
  const field = fc.constantFrom(...Object.keys(FULL));
  fc.assert(
    fc.property(fc.dictionary(field, fc.jsonValue(), { minKeys: 1 }), (wrong) => {
      assertDecodesOrRejects({ ...FULL, ...wrong });
    }),
    { numRuns: 1_000 },
  );
  fc.assert(
    fc.property(field, fc.anything(), (name, value) => {
      try {
        decodeChatRequest({ ...FULL, [name]: value });
      } catch (error) {
        assert(error instanceof ApiError);
        assert(error.param?.split(/[.[]/)[0] === name, `${error.param} for ${name}`);
      }
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("a message with any invalid part is decoded or rejected", () => {
  const part = fc.record({ type: fc.anything(), text: fc.anything() }, { requiredKeys: [] });
  const message = fc.record({
    role: fc.oneof(fc.constantFrom("user", "assistant", "tool"), fc.anything()),
    content: fc.oneof(fc.string(), fc.array(part), fc.anything()),
    tool_calls: fc.anything(),
    tool_call_id: fc.anything(),
  }, { requiredKeys: [] });
  fc.assert(fc.property(fc.array(message), (messages) => assertDecodesOrRejects({ messages })));
});

for (
  const [name, fields, param, code] of [
    ["no messages", { messages: undefined }, "messages", "missing_required_parameter"],
    ["null messages", { messages: null }, "messages", "invalid_type"],
    ["empty messages", { messages: [] }, "messages", "invalid_value"],
    ["an unknown role", { messages: [{ role: "x" }] }, "messages[0].role", "invalid_value"],
    ["a part without a type", { messages: [{ role: "user", content: [{}] }] }, /^messages/, /./],
    ["a fraction of a token", { max_tokens: 1.5 }, "max_tokens", "invalid_type"],
    ["zero tokens", { max_completion_tokens: 0 }, "max_completion_tokens", "invalid_value"],
    ["too high a temperature", { temperature: 2.1 }, "temperature", "invalid_value"],
    ["65 stop sequences", { stop: Array(65).fill("1") }, "stop", "invalid_value"],
    ["129 tools", { tools: Array(129).fill(TOOL) }, "tools", "invalid_value"],
    ["an unknown effort", { reasoning_effort: "huge" }, "reasoning_effort", "invalid_value"],
    ["an unknown format", { reasoning_format: "xml" }, "reasoning_format", "invalid_value"],
    ["stream as text", { stream: "true" }, "stream", "invalid_type"],
    ["129 choices", { n: 129 }, "n", "invalid_value"],
    ["zero choices", { n: 0 }, "n", "invalid_value"],
  ] as const
) {
  Deno.test(`400 for ${name}, naming the field`, () => {
    const error = decodeError(fields);
    assertEquals(error.status, 400);
    if (typeof param === "string") assertEquals(error.param, param);
    else assert(param.test(error.param!));
    if (typeof code === "string") assertEquals(error.code, code);
    assert(error.message.includes(`'${error.param}'`), error.message);
  });
}

Deno.test("null means absent in every field except messages", () => {
  const nulls = Object.fromEntries(
    Object.keys(FULL).filter((name) => name !== "messages").map((name) => [name, null]),
  );
  assertEquals(decode(nulls), decode());
  assertEquals(decode({ reasoning: { effort: null, exclude: null, max_steps: null } }), decode());
  assertEquals(decode({ stream_options: { include_usage: null } }), decode());
});

Deno.test("max_completion_tokens, which limits all calls together, takes precedence over max_tokens, which limits each", () => {
  const tokens = (fields: Record<string, unknown>) => {
    const { maxTokens, maxCallTokens } = decode(fields).reasoning;
    return [maxTokens, maxCallTokens];
  };
  assertEquals(tokens({ max_tokens: 10, max_completion_tokens: 20 }), [20, undefined]);
  assertEquals(tokens({ max_tokens: 20, max_completion_tokens: 10 }), [10, undefined]);
  assertEquals(tokens({ max_tokens: 10 }), [undefined, 10]);
  assertEquals(tokens({ max_tokens: 10, max_completion_tokens: null }), [undefined, 10]);
  assertEquals(tokens({}), [undefined, undefined]);
});

Deno.test("every effort is accepted in both of its fields", () => {
  const effort = (fields: Record<string, unknown>) => decode(fields).reasoning.effort;
  for (const value of EFFORTS) {
    assertEquals(effort({ reasoning_effort: value }), value);
    assertEquals(effort({ reasoning: { effort: value } }), value);
  }
  for (const value of [null, ""]) {
    assertEquals(effort({ reasoning_effort: value }), undefined);
    assertEquals(effort({ reasoning: { effort: value } }), undefined);
  }
  assertEquals(effort({ reasoning_effort: "low", reasoning: { effort: "high" } }), "high");
  assertEquals(effort({ reasoning_effort: "low", reasoning: { effort: null } }), "low");
  assertEquals(effort({ reasoning_effort: "high", reasoning: { enabled: false } }), "none");
  assertEquals(effort({ reasoning: { enabled: true } }), undefined);
});

for (
  const fields of [
    { reasoning: { enabled: false } },
    { thinking: { type: "disabled" } },
    { enable_thinking: false },
    { chat_template_kwargs: { enable_thinking: false } },
    { chat_template_kwargs: { thinking: false } },
  ]
) {
  Deno.test(`${JSON.stringify(fields)} turns reasoning off, whatever the effort`, () => {
    assertEquals(decode(fields).reasoning.effort, "none");
    assertEquals(decode({ reasoning_effort: "high", ...fields }).reasoning.effort, "none");
  });
}

for (
  const fields of [
    { reasoning: { max_tokens: 100 } },
    { thinking: { type: "enabled", budget_tokens: 100 } },
    { thinking_budget: 100 },
  ]
) {
  Deno.test(`${JSON.stringify(fields)} limits the thinking alone`, () => {
    const { reasoning } = decode(fields);
    assertEquals(reasoning.thinkingTokens, 100);
    assertEquals([reasoning.maxTokens, reasoning.effort], [undefined, undefined]);
  });
}

Deno.test("every way to choose a format is accepted", () => {
  const format = (fields: Record<string, unknown>) => decode(fields).format;
  assertEquals(format({}), undefined);
  assertEquals(format({ reasoning_format: "parsed" }), "both");
  assertEquals(format({ reasoning_format: "raw" }), "think");
  for (const name of FORMATS) assertEquals(format({ reasoning_format: name }), name);
  assertEquals(format({ include_reasoning: false }), "hidden");
  assertEquals(format({ include_reasoning: true }), undefined);
  assertEquals(format({ reasoning: { exclude: true } }), "hidden");
  assertEquals(format({ reasoning: { exclude: false } }), undefined);
  assertEquals(format({ reasoning: { exclude: true }, reasoning_format: "parsed" }), "hidden");
  assertEquals(format({ include_reasoning: false, reasoning_format: "raw" }), "hidden");
});

Deno.test("raw reasoning is rejected with tools or a JSON format", () => {
  for (
    const fields of [
      { tools: [TOOL] },
      { response_format: { type: "json_object" } },
      { response_format: { type: "json_schema", json_schema: { name: "a", schema: {} } } },
    ]
  ) {
    const error = decodeError({ reasoning_format: "raw", ...fields });
    assertEquals([error.status, error.param], [400, "reasoning_format"]);
    const named = decode({ reasoning_format: "markdown", ...fields });
    assertEquals(formatOf(named, "both"), "both");
    assertEquals(formatOf(decode(fields), "think"), "both");
    assertEquals(formatOf(decode(fields), "hidden"), "hidden");
    assertEquals(formatOf(decode(fields), { step: "{content}", answer: "{content}" }), "both");
  }
  for (const fields of [{ tools: [] }, { response_format: { type: "text" } }, {}]) {
    assertEquals(formatOf(decode({ reasoning_format: "raw", ...fields }), "both"), "think");
    assertEquals(formatOf(decode(fields), "markdown"), "markdown");
  }
});

Deno.test("the other fields of reasoning are options of the strategy", () => {
  const { reasoning } = decode({
    reasoning: {
      strategy: "steps",
      effort: "low",
      exclude: true,
      enabled: true,
      events: true,
      max_tokens: 100,
      summary: "auto",
      generate_summary: "auto",
      max_steps: 3,
    },
  }, "direct");
  assertEquals(reasoning.strategy, "steps");
  assertEquals(reasoning.options, { max_steps: 3 });
  assertEquals(decode({}, "direct").reasoning.strategy, "direct");
  assertEquals(decode({ reasoning: { strategy: null } }, "direct").reasoning.strategy, "direct");
});

Deno.test("fields of the final call keep their names and values; other fields are dropped", () => {
  const { reasoning, flags, model } = decodeChatRequest({ ...FULL, user: "u", logprobs: 1 });
  const { temperature, top_p, seed, stop, tools, tool_choice } = FULL;
  const { parallel_tool_calls } = FULL;
  assertEquals(reasoning.final as Record<string, unknown>, {
    temperature,
    top_p,
    seed,
    stop,
    tools,
    tool_choice,
    parallel_tool_calls,
  });
  assertEquals(reasoning.messages as unknown, FULL.messages);
  assertEquals([reasoning.stream, flags.includeUsage, model], [true, true, "o1"]);
  assertEquals(decode().reasoning.final, {});
});

Deno.test("both JSON formats request a JSON answer, and text does not", () => {
  const json = (response_format: unknown) => decode({ response_format }).reasoning.json;
  assertEquals(json({ type: "text" }), undefined);
  assertEquals(json({ type: "json_object" })?.schema, undefined);
  const schema = { type: "object", properties: { a: { type: "number" } } };
  const requested = json({ type: "json_schema", json_schema: { name: "a", strict: true, schema } });
  assertEquals([requested?.name, requested?.strict, requested?.schema], ["a", true, schema]);
});

Deno.test("fields that the server does not use go to the upstream, unless they choose another one", () => {
  const odd = { unknown: { deep: [1] }, top_k: 5, metadata: { a: "b" }, reasoning_effort: "low" };
  const routing = { models: ["x"], api_base: "https://a.example", api_key: "k", user: null };
  const { reasoning } = decode({ ...odd, ...routing, reasoning_format: "parsed" });
  assertEquals(reasoning.upstreamFields as unknown, odd);
  assertEquals(decode().reasoning.upstreamFields, undefined);
});

Deno.test("unknown fields of messages are kept", () => {
  const message = { role: "user", content: "Hi", prompt_cache_breakpoint: true };
  assertEquals(decode({ messages: [message] }).reasoning.messages as unknown, [message]);
});
