/**
 * Bodies of requests: valid ones that use every field, of which a few fields are changed.
 *
 * @module
 */
import type { Chance } from "./chance.ts";
import { mutated, text, value } from "./values.ts";

const STRATEGIES = [
  "direct",
  "think",
  "draft",
  "steps",
  "vote",
  "moa",
  "rsa",
  "verify",
  "relay",
  "auto",
] as const;

const EFFORTS = ["none", "minimal", "low", "medium", "high", "xhigh", "max"] as const;

const MODELS = ["m", "m", "hidden", "hidden", "json", "json", "no-such-model"] as const;

const maybe = (chance: Chance, fields: object) => chance.happens(0.3) ? fields : {};

function options(chance: Chance): object {
  const strategy = chance.pick(STRATEGIES);
  const count = 1 + chance.below(4);
  return {
    strategy,
    ...maybe(chance, { effort: chance.pick(EFFORTS) }),
    ...maybe(chance, { re2: true }),
    ...maybe(chance, { wait: count }),
    ...(strategy === "vote" ? maybe(chance, { wave: count, max_samples: 2 * count }) : {}),
    ...(strategy === "rsa" ? maybe(chance, { population: count, rounds: count }) : {}),
    ...(strategy === "moa" ? maybe(chance, { proposers: count, layers: 2 }) : {}),
    ...(strategy === "steps" ? maybe(chance, { min_steps: 1, max_steps: count }) : {}),
  };
}

function schema(chance: Chance): object {
  return {
    type: "object",
    properties: {
      answer: { type: "number", minimum: 0 },
      why: { type: "string", maxLength: 100, pattern: chance.pick(["^a+$", "(a|a)*b", "^\\d{4}"]) },
      tree: { $ref: "#/$defs/tree" },
    },
    required: ["answer"],
    additionalProperties: false,
    $defs: { tree: { anyOf: [{ type: "null" }, { items: { enum: [1, "a", null] } }] } },
  };
}

const PARAMETERS = { type: "object", properties: { a: { type: "number" } } };

const chatTool = {
  type: "function",
  function: { name: "add", description: "Adds.", parameters: PARAMETERS },
};

const flatTool = {
  type: "function",
  name: "add",
  description: "Adds.",
  parameters: PARAMETERS,
  strict: true,
};

const IMAGE = "data:image/png;base64,AAAA";

function chat(chance: Chance): object {
  return {
    model: chance.pick(MODELS),
    messages: [
      { role: "system", content: text(chance) },
      {
        role: "user",
        content: [
          { type: "text", text: text(chance) },
          { type: "image_url", image_url: { url: IMAGE } },
          { type: "file", file: { file_data: "data:text/plain;base64,AAAA", filename: "a" } },
          { type: "input_audio", input_audio: { data: "AAAA", format: "wav" } },
        ],
      },
      {
        role: "assistant",
        content: null,
        reasoning_content: text(chance),
        tool_calls: [{ id: "c1", type: "function", function: { name: "add", arguments: "{}" } }],
      },
      { role: "tool", tool_call_id: "c1", content: text(chance) },
      { role: "user", content: text(chance) },
    ],
    reasoning: options(chance),
    stream: chance.happens(0.5),
    ...maybe(chance, { stream_options: { include_usage: true } }),
    ...maybe(chance, { max_completion_tokens: chance.size(10_000) }),
    ...maybe(chance, { temperature: 1, top_p: 1, seed: 1 }),
    ...maybe(chance, { stop: ["a", "b"] }),
    ...maybe(chance, { n: 1 }),
    ...maybe(chance, { tools: [chatTool], tool_choice: "auto", parallel_tool_calls: true }),
    ...maybe(chance, { functions: [chatTool.function], function_call: { name: "add" } }),
    ...maybe(chance, {
      response_format: {
        type: "json_schema",
        json_schema: { name: "answer", strict: true, schema: schema(chance) },
      },
    }),
    ...maybe(chance, { response_format: { type: "json_object" } }),
    ...maybe(chance, { use_regex_processing: true }),
    ...maybe(chance, { thinking: { type: "enabled", budget_tokens: 1_000 } }),
  };
}

function messages(chance: Chance): object {
  return {
    model: chance.pick(MODELS),
    max_tokens: 1_000,
    system: [{ type: "text", text: text(chance), cache_control: { type: "ephemeral" } }],
    messages: [
      {
        role: "user",
        content: [
          { type: "text", text: text(chance) },
          { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } },
          {
            type: "document",
            title: "a",
            context: "b",
            source: { type: "text", media_type: "text/plain", data: text(chance) },
          },
          {
            type: "search_result",
            title: "a",
            source: "b",
            content: [{ type: "text", text: "c" }],
          },
        ],
      },
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: "a", signature: text(chance, 200) },
          { type: "redacted_thinking", data: "a" },
          { type: "tool_use", id: "t1", name: "add", input: { a: 1 } },
        ],
      },
      {
        role: "user",
        content: [{
          type: "tool_result",
          tool_use_id: "t1",
          content: [{ type: "text", text: text(chance) }],
        }],
      },
    ],
    stream: chance.happens(0.5),
    ...maybe(chance, { stop_sequences: ["a"] }),
    ...maybe(chance, { thinking: { type: "enabled", budget_tokens: 1_024 } }),
    ...maybe(chance, {
      tools: [{ name: "add", description: "Adds.", input_schema: PARAMETERS }],
      tool_choice: { type: "auto", disable_parallel_tool_use: true },
    }),
    ...maybe(chance, {
      output_config: { effort: "high", format: { type: "json_schema", schema: schema(chance) } },
    }),
  };
}

/** @param ids of stored responses, conversations and items */
function responses(chance: Chance, ids: readonly string[]): object {
  const idOf = (prefix: string) => {
    const found = ids.filter((id) => id.startsWith(prefix));
    return found.length === 0 || chance.happens(0.1)
      ? `${prefix}_${"0".repeat(48)}`
      : chance.pick(found);
  };
  return {
    model: chance.pick(MODELS),
    instructions: text(chance),
    input: chance.happens(0.2) ? text(chance) : [
      { type: "message", role: "user", content: [{ type: "input_text", text: text(chance) }] },
      { role: "user", content: [{ type: "input_image", image_url: IMAGE, detail: "low" }] },
      { type: "reasoning", id: idOf("rs"), summary: [], encrypted_content: text(chance, 200) },
      { type: "function_call", call_id: "c1", name: "add", arguments: "{}" },
      { type: "function_call_output", call_id: "c1", output: text(chance) },
      ...chance.happens(0.5) ? [{ type: "item_reference", id: idOf("msg") }] : [],
      { role: "user", content: text(chance) },
    ],
    reasoning: { ...options(chance), ...maybe(chance, { summary: "auto" }) },
    stream: chance.happens(0.5),
    ...maybe(chance, { background: true }),
    ...maybe(chance, { store: false }),
    ...maybe(chance, { previous_response_id: idOf("resp") }),
    ...maybe(chance, { conversation: { id: idOf("conv") } }),
    ...maybe(chance, { include: ["reasoning.encrypted_content"] }),
    ...maybe(chance, { max_output_tokens: 16 + chance.size(10_000) }),
    ...maybe(chance, { tools: [flatTool], tool_choice: { type: "function", name: "add" } }),
    ...maybe(chance, { metadata: { a: "b" } }),
    ...maybe(chance, {
      text: { format: { type: "json_schema", name: "a", schema: schema(chance) } },
    }),
  };
}

const conversation = (chance: Chance) => ({
  metadata: { a: text(chance, 500) },
  items: [
    { type: "message", role: "user", content: text(chance) },
    { type: "message", role: "assistant", content: [{ type: "output_text", text: "a" }] },
    { type: "function_call", call_id: "c1", name: "add", arguments: "{}" },
    { type: "function_call_output", call_id: "c1", output: "4" },
  ],
});

/** Returns the JSON value of a body for a path without `/v1`. */
export function bodyFor(chance: Chance, path: string, ids: readonly string[]): unknown {
  const valid = path.startsWith("/chat")
    ? chat(chance)
    : path.startsWith("/messages")
    ? messages(chance)
    : path.startsWith("/responses")
    ? responses(chance, ids)
    : conversation(chance);
  return chance.happens(0.02) ? value(chance) : mutated(chance, valid, chance.below(5) - 2);
}
