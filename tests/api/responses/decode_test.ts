import { assert, assertEquals, assertThrows } from "@std/assert";
import { ApiError } from "../../../lib/api/errors.ts";
import { type Item, readResponsesBody } from "../../../lib/api/responses/body.ts";
import { responseObject } from "../../../lib/api/responses/object.ts";
import {
  decodeResponsesRequest,
  ownItems,
  type ResponsesContext,
} from "../../../lib/api/responses/decode.ts";
import { validate } from "../../spec/validate.ts";

const NOTHING = { history: [], item: () => undefined, thinking: () => undefined };

function decode(json: unknown, context: Partial<ResponsesContext> = {}) {
  const body = readResponsesBody(json);
  return decodeResponsesRequest(body, { own: ownItems(body), ...NOTHING, ...context });
}

const user = (content: unknown) => ({ role: "user", content });
const call = { type: "function_call", call_id: "c1", name: "add", arguments: '{"a":1}' };
const output = { type: "function_call_output", call_id: "c1", output: "2" };
const chatCall = { id: "c1", type: "function", function: { name: "add", arguments: '{"a":1}' } };
const tool = { type: "function", name: "add", parameters: { type: "object" } };

const INPUTS: [name: string, input: unknown, messages: unknown[]][] = [
  ["a string", "Hi", [user("Hi")]],
  ["a message without a type", [user("Hi")], [user("Hi")]],
  ["a message with a type of null", [{ ...user("Hi"), type: null }], [user("Hi")]],
  [
    "every role",
    ["system", "developer", "user", "assistant"].map((role) => ({ role, content: role })),
    ["system", "developer", "user", "assistant"].map((role) => ({ role, content: role })),
  ],
  [
    "text parts of every kind, as one text",
    [user([
      { type: "input_text", text: "a" },
      { type: "text", text: "b" },
      { type: "output_text", text: "c" },
      { type: "refusal", refusal: "d" },
    ])],
    [user("a\nb\nc\nd")],
  ],
  [
    "images, files and audio",
    [user([
      { type: "input_text", text: "What is this?" },
      { type: "input_image", image_url: "https://x/y.png", detail: "low" },
      { type: "input_image", image_url: "data:image/png;base64,AA" },
      { type: "input_file", file_data: "AA", filename: "a.pdf" },
      { type: "input_file", file_data: "BB" },
      { type: "input_audio", input_audio: { data: "AA", format: "wav" } },
    ])],
    [user([
      { type: "text", text: "What is this?" },
      { type: "image_url", image_url: { url: "https://x/y.png", detail: "low" } },
      { type: "image_url", image_url: { url: "data:image/png;base64,AA" } },
      { type: "file", file: { filename: "a.pdf", file_data: "AA" } },
      { type: "file", file: { file_data: "BB" } },
      { type: "input_audio", input_audio: { data: "AA", format: "wav" } },
    ])],
  ],
  ["no content", [{ role: "assistant" }], [{ role: "assistant", content: "" }]],
  [
    "a call and its output",
    [user("Hi"), call, output],
    [
      user("Hi"),
      { role: "assistant", content: null, tool_calls: [chatCall] },
      { role: "tool", tool_call_id: "c1", content: "2" },
    ],
  ],
  [
    "text and parallel calls, as one message",
    [{ role: "assistant", content: "Let me see." }, call, { ...call, call_id: "c2" }, {
      ...output,
      output: [{ type: "input_text", text: "2" }],
    }],
    [
      {
        role: "assistant",
        content: "Let me see.",
        tool_calls: [chatCall, { ...chatCall, id: "c2" }],
      },
      { role: "tool", tool_call_id: "c1", content: "2" },
    ],
  ],
  ["thinking, which is no message by itself", [
    { type: "reasoning", id: "rs_1", summary: [] },
    user("Hi"),
  ], [user("Hi")]],
  ["a reference to deleted thinking", [{ type: "item_reference", id: "rs_1" }, user("Hi")], [
    user("Hi"),
  ]],
];

for (const [name, input, messages] of INPUTS) {
  Deno.test(`decodes ${name}`, () => {
    assertEquals(decode({ input }).reasoning.messages, messages as never);
  });
}

Deno.test("instructions come first, then the history, then the input", () => {
  const history: Item[] = [{ type: "message", role: "user", content: "before" }];
  const { reasoning, input } = decode({ instructions: "Be brief.", input: "now" }, { history });
  assertEquals(reasoning.messages, [
    { role: "system", content: "Be brief." },
    user("before"),
    user("now"),
  ] as never);
  assertEquals(input, [{ type: "message", ...user("now") }]);
});

Deno.test("resolves a reference, also if its type is null or absent", () => {
  for (const type of ["item_reference", null, undefined]) {
    const item: Item = { type: "message", role: "assistant", content: "said" };
    const context = { item: (id: string) => id === "msg_1" ? item : undefined };
    const { reasoning, input } = decode({ input: [{ type, id: "msg_1" }] }, context);
    assertEquals(reasoning.messages, [{ role: "assistant", content: "said" }]);
    assertEquals(input, [item]);
  }
});

Deno.test("thinking goes with the call that follows it, and with nothing else", () => {
  const rs = { type: "reasoning", id: "rs_1", summary: [] };
  const thoughts = (items: unknown[]) =>
    decode({ input: items }, { thinking: () => "deep" }).reasoning.messages.map((message) =>
      message.reasoning_content ?? null
    );
  const said = { role: "assistant", content: "Let me see." };
  assertEquals(thoughts([user("Hi"), rs, call]), [null, "deep"]);
  assertEquals(thoughts([user("Hi"), rs, said, call]), [null, "deep"]);
  assertEquals(thoughts([rs, call, { ...call, call_id: "c2" }, output]), ["deep", null]);
  assertEquals(thoughts([rs, said, user("Hi"), call]), [null, null, null]);
  assertEquals(thoughts([rs, output, call]), [null, null]);
});

const FIELDS: [name: string, body: object, expected: object][] = [
  ["max_output_tokens", { max_output_tokens: 16 }, { maxTokens: 16 }],
  ["effort", { reasoning: { effort: "high", summary: "auto" } }, { effort: "high" }],
  ["options of the strategy", { reasoning: { strategy: "vote", max_samples: 3, mode: "pro" } }, {
    strategy: "vote",
    options: { max_samples: 3 },
  }],
  ["sampling", { temperature: 0.5, top_p: 0.9, parallel_tool_calls: false }, {
    final: { temperature: 0.5, top_p: 0.9, parallel_tool_calls: false },
  }],
  ["null for everything", {
    instructions: null,
    max_output_tokens: null,
    reasoning: null,
    text: null,
    tools: null,
    tool_choice: null,
    conversation: null,
    previous_response_id: null,
    store: null,
    background: null,
    metadata: null,
    prompt: null,
  }, { final: {} }],
  ["unknown fields", { moderation: {}, context_management: [], obfuscation: 1 }, { final: {} }],
  ["stream", { stream: true }, { stream: true }],
  ["text", { text: { format: { type: "text" }, verbosity: "low" } }, { final: {} }],
  ["json_object", { text: { format: { type: "json_object" } } }, {
    json: { name: "json_object", inPrompt: true },
  }],
  ["json_schema", {
    text: { format: { type: "json_schema", name: "n", schema: { type: "object" }, strict: true } },
  }, { json: { name: "n", schema: { type: "object" }, inPrompt: true, strict: true } }],
];

for (const [name, body, expected] of FIELDS) {
  Deno.test(`decodes ${name}`, () => {
    assertEquals(decode({ input: "Hi", ...body }).reasoning, {
      messages: [user("Hi")],
      stream: false,
      final: {},
      ...expected,
    } as never);
  });
}

const nested = { type: "function", function: { name: "add", parameters: { type: "object" } } };
const CHOICES: [choice: unknown, expected: object][] = [
  [undefined, { tools: [nested] }],
  ["none", { tools: [nested], tool_choice: "none" }],
  ["auto", { tools: [nested], tool_choice: "auto" }],
  ["required", { tools: [nested], tool_choice: "required" }],
  [{ type: "function", name: "add" }, {
    tools: [nested],
    tool_choice: { type: "function", function: { name: "add" } },
  }],
  [{ type: "allowed_tools", mode: "required", tools: [{ type: "function", name: "add" }] }, {
    tools: [nested],
    tool_choice: "required",
  }],
  [{ type: "allowed_tools", mode: "auto", tools: [{ type: "function", name: "add" }] }, {
    tools: [nested],
    tool_choice: "auto",
  }],
];

for (const [choice, expected] of CHOICES) {
  Deno.test(`decodes the tool_choice ${JSON.stringify(choice)}`, () => {
    const { reasoning } = decode({ input: "Hi", tools: [tool], tool_choice: choice });
    assertEquals(reasoning.final, expected);
  });
}

const FAULTS: [name: string, body: object, param: string | null, code?: string | null][] = [
  ["no input", {}, "input", "missing_required_parameter"],
  ["null", { input: null }, "input", "missing_required_parameter"],
  ["an empty text", { input: "" }, "input", "missing_required_parameter"],
  ["no items", { input: [] }, "input", "missing_required_parameter"],
  ["a number", { input: 7 }, "input", "invalid_type"],
  ["a number among the items", { input: [7] }, "input", "invalid_type"],
  ["thinking alone", { input: [{ type: "reasoning", id: "rs_1", summary: [] }] }, "input"],
  ["an unknown item", { input: [user("Hi"), { type: "web_search_call" }] }, "input[1].type"],
  ["an unknown part", { input: [user([{ type: "video" }])] }, "input[0].content[0].type"],
  [
    "an unknown part of an output",
    { input: [user("Hi"), { ...output, output: [{ type: "video" }] }] },
    "input[1].output[0].type",
  ],
  [
    "a part without text",
    { input: [user([{ type: "input_text" }])] },
    "input[0].content[0].text",
    "missing_required_parameter",
  ],
  [
    "a text that is a number",
    { input: [user([{ type: "input_text", text: 7 }])] },
    "input[0].content[0].text",
    "invalid_type",
  ],
  [
    "an image by its file id",
    { input: [user([{ type: "input_image", file_id: "file-1" }])] },
    "input[0].content[0].image_url",
    "missing_required_parameter",
  ],
  [
    "a file by its URL",
    { input: [user([{ type: "input_file", file_url: "https://x" }])] },
    "input[0].content[0].file_data",
    "missing_required_parameter",
  ],
  [
    "a call without a name",
    { input: [{ ...call, name: undefined }] },
    "input[0].name",
    "missing_required_parameter",
  ],
  [
    "a call without an id",
    { input: [{ ...call, call_id: null }] },
    "input[0].call_id",
    "missing_required_parameter",
  ],
  [
    "an output without its call",
    { input: [user("Hi"), { ...output, call_id: undefined }] },
    "input[1].call_id",
    "missing_required_parameter",
  ],
  [
    "a reference without an id",
    { input: [{ type: "item_reference" }] },
    "input[0].id",
    "missing_required_parameter",
  ],
  ["a stored prompt", { prompt: { id: "pmpt_1" } }, "prompt", "unsupported_parameter"],
  [
    "a conversation together with a previous response",
    { conversation: "conv_1", previous_response_id: "resp_1" },
    "previous_response_id",
    "unsupported_parameter",
  ],
  [
    "background work that is not stored",
    { background: true, store: false },
    "background",
    "unsupported_parameter",
  ],
  ["too few tokens", { max_output_tokens: 15 }, "max_output_tokens"],
  ["an unknown effort", { reasoning: { effort: "huge" } }, "reasoning.effort"],
  ["an unknown summary", { reasoning: { summary: "long" } }, "reasoning.summary"],
  ["an unknown format", { text: { format: { type: "xml" } } }, "text.format.type"],
  [
    "a schema without a name",
    { text: { format: { type: "json_schema", schema: {} } } },
    "text.format.name",
    "missing_required_parameter",
  ],
  [
    "an invalid schema",
    { text: { format: { type: "json_schema", name: "n", schema: { $ref: "#/$defs/no" } } } },
    "text.format.schema",
  ],
  ["a hosted tool", { tools: [tool, { type: "web_search" }] }, "tools[1].type"],
  ["a tool without a name", { tools: [{ type: "function" }] }, "tools[0].name"],
  ["the choice of a hosted tool", { tools: [tool], tool_choice: { type: "mcp" } }, "tool_choice"],
  ["a choice without a tool", { tools: [tool], tool_choice: { type: "function" } }, "tool_choice"],
  ["an unknown choice", { tools: [tool], tool_choice: "never" }, "tool_choice"],
  ["the choice of an unknown tool", {
    tools: [tool],
    tool_choice: { type: "function", name: "sub" },
  }, "tool_choice"],
  ["allowed tools without a list", {
    tools: [tool],
    tool_choice: { type: "allowed_tools" },
  }, "tool_choice"],
  ["unknown allowed tools", {
    tools: [tool],
    tool_choice: { type: "allowed_tools", tools: [{ type: "function", name: "sub" }] },
  }, "tool_choice"],
  [
    "too many pairs of metadata",
    { metadata: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`k${i}`, "v"])) },
    "metadata",
  ],
  ["a metadata value that is too long", { metadata: { k: "v".repeat(513) } }, "metadata.k"],
];

for (const [name, body, param, code = "invalid_value"] of FAULTS) {
  Deno.test(`rejects ${name}`, () => {
    const input = "input" in body || Object.keys(body).length === 0 ? {} : { input: "Hi" };
    const error = assertThrows(() => decode({ ...input, ...body }), ApiError);
    assertEquals([error.status, error.param, error.code], [400, param, code]);
  });
}

Deno.test("an error names the item by its place in the request, whatever the history", () => {
  const history: Item[] = [{ type: "message", role: "user", content: "before" }];
  const input = [{ type: "item_reference", id: "rs_gone" }, { type: "computer_call" }];
  const error = assertThrows(() => decode({ input }, { history }), ApiError);
  assertEquals(error.param, "input[1].type");
});

Deno.test("rejects a reference to an unknown item, except thinking", () => {
  const error = assertThrows(
    () => decode({ input: [{ type: "item_reference", id: "msg_7" }] }),
    ApiError,
    "Item with id 'msg_7' not found.",
  );
  assertEquals([error.status, error.param], [404, "input"]);
});

Deno.test("a new response repeats the request and has every key of Open Responses", () => {
  const body = {
    model: "o1",
    input: "Hi",
    instructions: "Be brief.",
    tools: [tool],
    tool_choice: { type: "function", name: "add" },
    text: { format: { type: "json_object" } },
    metadata: { a: "b" },
    truncation: "auto",
    reasoning: { effort: "low", summary: "detailed" },
    conversation: { id: "conv_1" },
    max_tool_calls: 3,
  };
  const facts = { createdAt: 1, model: "o1", effort: "low", store: true };
  const response = responseObject(readResponsesBody(body), facts);
  validate("Response", response);
  for (const key of OPEN_RESPONSES_KEYS) assert(key in response, key);
  assertEquals(response.reasoning, { effort: "low", summary: "detailed" });
  assertEquals(response.conversation, { id: "conv_1" });
  assertEquals([response.tool_choice, response.max_tool_calls], [body.tool_choice, 3]);
});

const OPEN_RESPONSES_KEYS =
  ("id object created_at completed_at status incomplete_details model previous_response_id " +
    "instructions output error tools tool_choice truncation parallel_tool_calls text top_p " +
    "presence_penalty frequency_penalty top_logprobs temperature reasoning user usage " +
    "max_output_tokens max_tool_calls store background service_tier metadata safety_identifier " +
    "prompt_cache_key").split(" ");
