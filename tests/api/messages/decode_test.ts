import { assertEquals, assertThrows } from "@std/assert";
import { parseBody } from "../../../lib/api/body.ts";
import { ApiError } from "../../../lib/api/errors.ts";
import { messagesBody, promptBody } from "../../../lib/api/messages/body.ts";
import { decodeMessagesRequest, type MessagesContext } from "../../../lib/api/messages/decode.ts";

const user = [{ role: "user", content: "Hi" }];
const SCHEMA = { type: "object", properties: { a: { type: "number" } } };

function decode(body: Record<string, unknown>, context?: MessagesContext) {
  const json = { model: "o1", max_tokens: 100, messages: user, ...body };
  return decodeMessagesRequest(parseBody(messagesBody, json), context);
}

const messagesOf = (body: Record<string, unknown>, context?: MessagesContext) =>
  decode(body, context).reasoning.messages;

const block = (type: string, fields: Record<string, unknown> = {}) => ({ type, ...fields });
const text = (text: string) => block("text", { text });

Deno.test("plain fields are decoded", () => {
  const { reasoning } = decode({
    stream: true,
    temperature: 0.5,
    top_p: 0.9,
    top_k: 5,
    stop_sequences: ["END"],
    metadata: { user_id: "u" },
    service_tier: "auto",
    context_management: { edits: [] },
    betas: ["x"],
  });
  assertEquals(reasoning, {
    messages: [{ role: "user", content: "Hi" }],
    stream: true,
    maxCallTokens: 100,
    final: { temperature: 0.5, top_p: 0.9, stop: ["END"] },
    upstreamFields: { top_k: 5 },
  });
});

Deno.test("the system prompt is one text and comes first, without a client's billing note", () => {
  const system = [
    text("x-anthropic-billing-header: cc_version=2;"),
    { ...text("Be brief."), cache_control: { type: "ephemeral" } },
    text("Be kind."),
  ];
  for (const given of [system, "Be brief.\n\nBe kind."]) {
    assertEquals(messagesOf({ system: given })[0], {
      role: "system",
      content: "Be brief.\n\nBe kind.",
    });
  }
});

Deno.test("a system message in the conversation keeps its place", () => {
  const messages = [...user, { role: "system", content: [text("It is Monday.")] }];
  assertEquals(messagesOf({ messages }).map(({ role }) => role), ["user", "system"]);
});

Deno.test("a user's blocks become parts in order; unknown blocks are left out", () => {
  const content = [
    { ...text("Look:"), cache_control: { type: "ephemeral" } },
    block("image", { source: { type: "base64", media_type: "image/jpeg", data: "AAA" } }),
    block("image", { source: { type: "url", url: "https://x.test/a.png" } }),
    block("document", {
      title: "a.pdf",
      source: { type: "base64", media_type: "application/pdf", data: "BBB" },
    }),
    block("document", { title: "Notes", source: { type: "text", data: "a note" } }),
    block("document", { source: { type: "content", content: [text("inside")] } }),
    block("search_result", { title: "T", source: "https://x.test", content: [text("found")] }),
    block("hologram", { data: 1 }),
    text(""),
  ];
  assertEquals(messagesOf({ messages: [{ role: "user", content }] }), [{
    role: "user",
    content: [
      text("Look:"),
      { type: "image_url", image_url: { url: "data:image/jpeg;base64,AAA" } },
      { type: "image_url", image_url: { url: "https://x.test/a.png" } },
      { type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,BBB" } },
      text("Notes"),
      text("a note"),
      text("inside"),
      text("T\nhttps://x.test\nfound"),
    ],
  }]);
});

const CALL = [
  block("thinking", { thinking: "shown", signature: "sig" }),
  block("redacted_thinking", { data: "x" }),
  text("Let me see."),
  block("tool_use", { id: "toolu_1", name: "add", input: { a: 1 } }),
  block("tool_use", { id: "toolu_2", name: "now", input: {} }),
];

Deno.test("calls and results take the form of chat, results first and their images last", () => {
  const results = [
    text("And now?"),
    block("tool_result", { tool_use_id: "toolu_1", content: "3" }),
    block("tool_result", {
      tool_use_id: "toolu_2",
      is_error: true,
      content: [text("no"), text("clock"), block("image", { source: { type: "url", url: "u" } })],
    }),
    block("tool_result", { tool_use_id: "toolu_3" }),
  ];
  const messages = [
    ...user,
    { role: "assistant", content: CALL },
    { role: "user", content: results },
  ];
  assertEquals(messagesOf({ messages }).slice(1), [
    {
      role: "assistant",
      content: "Let me see.",
      tool_calls: [
        { id: "toolu_1", type: "function", function: { name: "add", arguments: '{"a":1}' } },
        { id: "toolu_2", type: "function", function: { name: "now", arguments: "{}" } },
      ],
    },
    { role: "tool", tool_call_id: "toolu_1", content: "3" },
    { role: "tool", tool_call_id: "toolu_2", content: "Error: no\nclock" },
    { role: "tool", tool_call_id: "toolu_3", content: "" },
    {
      role: "user",
      content: [
        text("And now?"),
        text("From the result of toolu_2:"),
        { type: "image_url", image_url: { url: "u" } },
      ],
    },
  ]);
});

Deno.test("thinking is sent back with its calls only if the signature is ours", () => {
  const messages = [...user, { role: "assistant", content: CALL }, ...user];
  const thinkingSent = (thinkingOf: MessagesContext["thinkingOf"] & object) =>
    messagesOf({ messages }, { thinkingOf })[1]!.reasoning_content;
  assertEquals(thinkingSent((signature) => `behind ${signature}`), "behind sig");
  assertEquals(thinkingSent(() => undefined), undefined);
  const withoutCalls = [{ role: "assistant", content: CALL.slice(0, 3) }];
  assertEquals(messagesOf({ messages: [...user, ...withoutCalls, ...user] })[1], {
    role: "assistant",
    content: "Let me see.",
  });
});

const TOOL = { name: "add", description: "Adds.", input_schema: SCHEMA };
const FUNCTION = {
  type: "function",
  function: { name: "add", description: "Adds.", parameters: SCHEMA },
};

const CHOICES: [unknown, unknown][] = [
  [undefined, { tools: [FUNCTION] }],
  [{ type: "auto" }, { tools: [FUNCTION], tool_choice: "auto" }],
  [{ type: "any" }, { tools: [FUNCTION], tool_choice: "required" }],
  [{ type: "none" }, { tools: [FUNCTION], tool_choice: "none" }],
  [{ type: "auto", disable_parallel_tool_use: true }, {
    tools: [FUNCTION],
    tool_choice: "auto",
    parallel_tool_calls: false,
  }],
  [{ type: "tool", name: "add" }, {
    tools: [FUNCTION],
    tool_choice: { type: "function", function: { name: "add" } },
  }],
];

for (const [tool_choice, expected] of CHOICES) {
  Deno.test(`tools with the choice ${JSON.stringify(tool_choice)} take the form of chat`, () => {
    assertEquals(decode({ tools: [TOOL], tool_choice }).reasoning.final, expected as object);
    const custom = { ...TOOL, type: "custom", cache_control: { type: "ephemeral" } };
    assertEquals(
      decode({ tools: [custom], tool_choice }).reasoning.final,
      expected as object,
    );
  });
}

const THINKING: [Record<string, unknown>, unknown[]][] = [
  [{}, ["none", undefined, undefined]],
  [{ thinking: { type: "disabled" } }, ["none", "none", undefined]],
  [{ thinking: { type: "disabled", budget_tokens: 9 }, output_config: { effort: "max" } }, [
    "none",
    "none",
    undefined,
  ]],
  [{ thinking: { type: "enabled", budget_tokens: 10 } }, ["shown", undefined, 10]],
  [{ thinking: { type: "enabled", budget_tokens: 9000 } }, ["shown", undefined, 9000]],
  [{ thinking: { type: "adaptive" }, output_config: { effort: "low" } }, [
    "shown",
    "low",
    undefined,
  ]],
  [{ thinking: { type: "adaptive", display: "omitted" } }, ["omitted", undefined, undefined]],
  [{ output_config: { effort: "xhigh" } }, ["none", "xhigh", undefined]],
];

for (const [body, expected] of THINKING) {
  Deno.test(`${JSON.stringify(body)} sets effort, budget and display`, () => {
    const { thinking, reasoning } = decode(body);
    assertEquals([thinking, reasoning.effort, reasoning.thinkingTokens], expected);
  });
}

Deno.test("a schema for the answer is accepted in both of its fields", () => {
  const format = { type: "json_schema", schema: SCHEMA };
  for (const body of [{ output_config: { format } }, { output_format: format }]) {
    assertEquals(decode(body).reasoning.json, {
      name: "answer",
      schema: SCHEMA,
      inPrompt: true,
      strict: true,
    });
  }
});

const userSays = (content: unknown) => ({ messages: [{ role: "user", content }] });

const INVALID: [Record<string, unknown>, string, string][] = [
  [{ max_tokens: undefined }, "max_tokens", "Missing required parameter: 'max_tokens'."],
  [{ max_tokens: 0 }, "max_tokens", "at least 1"],
  [{ messages: undefined }, "messages", "Missing required parameter"],
  [{ messages: [] }, "messages", "at least 1"],
  [{ messages: [{ role: "tool", content: "x" }] }, "messages[0].role", "'assistant'"],
  [userSays(7), "messages[0].content", "a string or an array of content blocks"],
  [userSays([block("text")]), "messages[0].content[0].text", "expected a string"],
  [userSays([block("image")]), "messages[0].content[0].source", "expected an object"],
  [
    userSays([block("image", { source: { type: "file", file_id: "f" } })]),
    "messages[0].content[0].source",
    "'base64'",
  ],
  [
    userSays([block("document", { source: { type: "url", url: "u" } })]),
    "messages[0].content[0].source",
    "'content'",
  ],
  [
    userSays([block("tool_result", { content: "3" })]),
    "messages[0].content[0].tool_use_id",
    "Missing required",
  ],
  [userSays([]), "messages", "there is no user message"],
  [
    {
      tools: [TOOL, { type: "web_search_20250305", name: "web_search" }],
      tool_choice: { type: "tool", name: "web_search" },
    },
    "tools[1].type",
    "Tools of the type 'web_search_20250305' are not supported.",
  ],
  [
    { tools: [{ type: "mcp_toolset", mcp_server_name: "x" }], tool_choice: { type: "any" } },
    "tools[0].type",
    "'mcp_toolset'",
  ],
  [{ tools: [{ input_schema: SCHEMA }] }, "tools[0].name", "Missing required"],
  [{ tools: [{ name: "add" }] }, "tools[0].input_schema", "Missing required"],
  [{ tools: [{ ...TOOL, name: "a b" }] }, "tools[0].name", "1 to 128 letters"],
  [{ tools: [TOOL], tool_choice: { type: "tool", name: "sub" } }, "tool_choice", "'sub'"],
  [{ tools: [TOOL], tool_choice: { type: "tool" } }, "tool_choice.name", "Missing required"],
  [{ tools: [TOOL], tool_choice: { type: "maybe" } }, "tool_choice.type", "'any'"],
  [{ output_config: { effort: "vast" } }, "output_config.effort", "'xhigh'"],
  [{ temperature: 3 }, "temperature", "at most 2"],
];

for (const [body, param, message] of INVALID) {
  Deno.test(`400 for ${JSON.stringify(body)}, naming ${param}`, () => {
    const error = assertThrows(() => decode(body), ApiError, message);
    assertEquals([error.status, error.param], [400, param]);
  });
}

Deno.test("server tools are left out, and named", () => {
  const { reasoning, leftOut } = decode({
    tools: [
      { type: "web_search_20250305", name: "web_search", max_uses: 5 },
      { type: "mcp_toolset", mcp_server_name: "x" },
      TOOL,
    ],
    tool_choice: { type: "any" },
  });
  assertEquals(reasoning.final, { tools: [FUNCTION], tool_choice: "required" });
  assertEquals(leftOut, ["web_search_20250305", "mcp_toolset"]);
});

const later = { ...TOOL, name: "later", defer_loading: true };
const LATER = { ...FUNCTION, function: { ...FUNCTION.function, name: "later" } };
const search = block("tool_use", { id: "toolu_1", name: "ToolSearch", input: {} });
const found = block("tool_result", {
  tool_use_id: "toolu_1",
  content: [{ type: "tool_reference", tool_name: "later" }],
});
const DEFERRED: [name: string, body: Record<string, unknown>, tools: unknown[]][] = [
  ["is not offered", {}, [FUNCTION]],
  ["is offered once a search has found it", {
    messages: [
      ...user,
      { role: "assistant", content: [search] },
      { role: "user", content: [found] },
    ],
  }, [FUNCTION, LATER]],
  ["is offered once it was called", {
    messages: [
      ...user,
      { role: "assistant", content: [{ ...search, name: "later" }] },
      ...user,
    ],
  }, [FUNCTION, LATER]],
  ["is offered if it must be called", { tool_choice: { type: "tool", name: "later" } }, [
    FUNCTION,
    LATER,
  ]],
  ["is offered if only Anthropic's servers could find it", {
    tools: [TOOL, later, { type: "tool_search_tool_regex_20251119", name: "search" }],
  }, [FUNCTION, LATER]],
];

for (const [name, body, tools] of DEFERRED) {
  Deno.test(`a tool that is to be loaded later ${name}`, () => {
    assertEquals(decode({ tools: [TOOL, later], ...body }).reasoning.final.tools, tools);
  });
}

Deno.test("the model reads which tools a search has found", () => {
  const references = ["WebFetch", "WebSearch"]
    .map((name) => ({ type: "tool_reference", tool_name: name }));
  const result = block("tool_result", { tool_use_id: "toolu_1", content: references });
  assertEquals(messagesOf(userSays([result])), [{
    role: "tool",
    tool_call_id: "toolu_1",
    content: "The tool WebFetch is loaded.\nThe tool WebSearch is loaded.",
  }]);
});

Deno.test("counting tokens needs no max_tokens", () => {
  assertEquals(parseBody(promptBody, { messages: user }).messages.length, 1);
});
