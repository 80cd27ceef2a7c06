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

const call2 = { ...call, call_id: "c2" };
const output2 = { ...output, call_id: "c2", output: "3" };
const said = (content: unknown) => ({ role: "assistant", content });
const calling = (content: unknown, ...ids: string[]) => ({
  ...said(content),
  tool_calls: ids.map((id) => ({ ...chatCall, id })),
});
const result = (id: string, content: string) => ({ role: "tool", tool_call_id: id, content });

const INPUTS: [name: string, input: unknown, messages: unknown[]][] = [
  [
    "text between and after calls",
    [user("Hi"), call, said("One moment."), call2, said("Soon."), output, output2, said("5")],
    [
      user("Hi"),
      calling("One moment.\n\nSoon.", "c1", "c2"),
      result("c1", "2"),
      result("c2", "3"),
      said("5"),
    ],
  ],
  [
    "a user's message between a call and its output",
    [user("Hi"), call, user("Hurry!"), output],
    [user("Hi"), calling(null, "c1"), result("c1", "2"), user("Hurry!")],
  ],
  [
    "an output after later turns",
    [user("Hi"), call, user("Hurry!"), said("I do."), call2, output2, user("So?"), output],
    [
      user("Hi"),
      calling(null, "c1"),
      result("c1", "2"),
      user("Hurry!"),
      calling("I do.", "c2"),
      result("c2", "3"),
      user("So?"),
    ],
  ],
  [
    "the same id in two turns",
    [call, output, user("Again."), call, { ...output, output: "3" }],
    [
      calling(null, "c1"),
      result("c1", "2"),
      user("Again."),
      calling(null, "c1"),
      result("c1", "3"),
    ],
  ],
  [
    "calls one after the other, and one without an output",
    [call, output, call2, user("Never mind.")],
    [calling(null, "c1"), result("c1", "2"), calling(null, "c2"), user("Never mind.")],
  ],
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
  ["items that no model reads", [
    { type: "web_search_call", id: "ws_1", action: { type: "search", query: "q" } },
    { type: "image_generation_call", id: "ig_1", result: "AA" },
    { type: "compaction", encrypted_content: "x" },
    { type: "compaction_trigger" },
    { type: "tool_search_call", call_id: null, arguments: { query: "q" } },
    { type: "mcp_list_tools", server_label: "s", tools: [{ name: "n", input_schema: {} }] },
    { type: "something_new", role: "critic", content: 7 },
    user("Hi"),
  ], [user("Hi")]],
  ["a message of another agent, whose text a client takes for encrypted", [{
    type: "agent_message",
    author: "/root",
    recipient: "/root/sub",
    content: [
      { type: "input_text", text: "Payload:" },
      { type: "encrypted_content", encrypted_content: "Say PONG" },
    ],
  }], [user("Payload:\nSay PONG")]],
  ["the detail of a picture that Chat Completions lacks", [
    user([{ type: "input_image", image_url: "data:image/png;base64,AA", detail: "original" }]),
  ], [
    user([{
      type: "image_url",
      image_url: { url: "data:image/png;base64,AA", detail: "auto" },
    }]),
  ]],
  ["pictures in results, after all results", [
    call,
    { ...call, call_id: "c2" },
    {
      ...output,
      output: [{ type: "input_text", text: "2" }, { type: "input_image", image_url: "data:a" }],
    },
    { ...output, call_id: "c2" },
    { role: "assistant", content: "Done." },
  ], [
    { role: "assistant", content: null, tool_calls: [chatCall, { ...chatCall, id: "c2" }] },
    { role: "tool", tool_call_id: "c1", content: "2" },
    { role: "tool", tool_call_id: "c2", content: "2" },
    user([
      { type: "text", text: "From the result of c1:" },
      { type: "image_url", image_url: { url: "data:a" } },
    ]),
    { role: "assistant", content: "Done." },
  ]],
  ["a call in a namespace", [{ ...call, namespace: "mcp__math" }, output], [
    {
      role: "assistant",
      content: null,
      tool_calls: [{ ...chatCall, function: { ...chatCall.function, name: "mcp__math__add" } }],
    },
    { role: "tool", tool_call_id: "c1", content: "2" },
  ]],
  ["a call of a custom tool", [
    { type: "custom_tool_call", call_id: "c1", name: "patch", input: 'a "b"' },
    { type: "custom_tool_call_output", call_id: "c1", output: "ok" },
  ], [
    {
      role: "assistant",
      content: null,
      tool_calls: [{
        id: "c1",
        type: "function",
        function: { name: "patch", arguments: '{"input":"a \\"b\\""}' },
      }],
    },
    { role: "tool", tool_call_id: "c1", content: "ok" },
  ]],
  ["a search of the client for tools", [
    { type: "tool_search_call", call_id: "c1", execution: "client", arguments: { query: "sum" } },
    {
      type: "tool_search_output",
      call_id: "c1",
      tools: [tool, { type: "namespace", name: "math", tools: [tool] }],
    },
    { type: "tool_search_output", call_id: "c2", tools: [] },
  ], [
    {
      role: "assistant",
      content: null,
      tool_calls: [{
        id: "c1",
        type: "function",
        function: { name: "tool_search", arguments: '{"query":"sum"}' },
      }],
    },
    { role: "tool", tool_call_id: "c1", content: "You can now call: add, math__add." },
    { role: "tool", tool_call_id: "c2", content: "No tool was found." },
  ]],
  [
    "calls of tools that OpenAI's models know",
    [
      { type: "local_shell_call", call_id: "c1", action: { type: "exec", command: ["ls"] } },
      { type: "local_shell_call_output", id: "c1", output: "a.txt" },
      { type: "shell_call", call_id: "c2", action: { commands: ["ls"] } },
      { type: "shell_call_output", call_id: "c2", output: [{ stdout: "a.txt" }] },
      { type: "apply_patch_call", call_id: "c3", operation: { type: "delete_file", path: "a" } },
      { type: "apply_patch_call_output", call_id: "c3", output: null },
    ],
    [
      ["c1", "local_shell", '{"type":"exec","command":["ls"]}', "a.txt"],
      ["c2", "shell", '{"commands":["ls"]}', '[{"stdout":"a.txt"}]'],
      ["c3", "apply_patch", '{"type":"delete_file","path":"a"}', ""],
    ].flatMap(([id, name, json, content]) => [
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id, type: "function", function: { name, arguments: json } }],
      },
      { role: "tool", tool_call_id: id, content },
    ]),
  ],
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

Deno.test("resolves a reference, even if its type is null or absent", () => {
  for (const type of ["item_reference", null, undefined]) {
    const item: Item = { type: "message", role: "assistant", content: "said" };
    const context = { item: (id: string) => id === "msg_1" ? item : undefined };
    const { reasoning, input } = decode({ input: [{ type, id: "msg_1" }] }, context);
    assertEquals(reasoning.messages, [{ role: "assistant", content: "said" }]);
    assertEquals(input, [item]);
  }
});

Deno.test("thinking is sent with the call that follows it, and with nothing else", () => {
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
  ["effort", { reasoning: { effort: "high", summary: "auto" } }, {
    effort: "high",
    upstreamFields: { reasoning_effort: "high" },
  }],
  ["options of the strategy", { reasoning: { strategy: "vote", max_samples: 3, mode: "pro" } }, {
    strategy: "vote",
    options: { max_samples: 3 },
    isPro: true,
  }],
  ["truncation", { truncation: "auto" }, { truncates: true }],
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
  ["text", { text: { format: { type: "text" }, verbosity: "low" } }, {
    final: {},
    upstreamFields: { verbosity: "low" },
  }],
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

const PATCH = { type: "custom", name: "patch", description: "Edits files." };
const TEXT_INPUT = {
  type: "object",
  properties: { input: { type: "string" } },
  required: ["input"],
  additionalProperties: false,
};
const grammar = (syntax: string) => ({ type: "grammar", syntax, definition: "start: /a+/" });
const search = { type: "tool_search", execution: "client", parameters: { type: "object" } };
const deferred = { ...tool, name: "later", defer_loading: true };
const named = (name: string) => ({ ...nested, function: { ...nested.function, name } });

const TOOLS: [name: string, body: object, tools: unknown[], clientTools?: object][] = [
  ["a function", { tools: [tool] }, [nested]],
  ["a custom tool", { tools: [PATCH] }, [{
    type: "function",
    function: {
      name: "patch",
      description: "Edits files.\n\nSend the text itself as the field `input`.",
      parameters: TEXT_INPUT,
    },
  }], { patch: { type: "custom", name: "patch" } }],
  ...[["lark", "Lark grammar"], ["regex", "regular expression"]].map(([syntax, words]) =>
    [`a custom tool with a ${words}`, {
      tools: [{ type: "custom", name: "patch", format: grammar(syntax!) }],
    }, [{
      type: "function",
      function: {
        name: "patch",
        description: "Send the text itself as the field `input`.\n\n" +
          `The text must match this ${words}:\n\nstart: /a+/`,
        parameters: TEXT_INPUT,
      },
    }], { patch: { type: "custom", name: "patch" } }] as [string, object, unknown[], object]
  ),
  ["a namespace, whose description is sent once", {
    tools: [{
      type: "namespace",
      name: "mcp.math",
      description: "Sums.",
      tools: [{ ...tool, description: "Adds." }, { ...tool, name: "sub" }],
    }],
  }, [
    {
      type: "function",
      function: {
        ...named("mcp_math__add").function,
        description: "Sums.\n\nAdds.",
      },
    },
    {
      type: "function",
      function: { ...named("mcp_math__sub").function, description: "" },
    },
  ], {
    mcp_math__add: { type: "function", name: "add", namespace: "mcp.math" },
    mcp_math__sub: { type: "function", name: "sub", namespace: "mcp.math" },
  }],
  ["names that would be the same upstream", {
    tools: [{ ...tool, name: "a__add" }, { type: "namespace", name: "a", tools: [tool] }],
  }, [named("a__add"), {
    type: "function",
    function: { ...named("a__add_2").function, description: "" },
  }], { a__add_2: { type: "function", name: "add", namespace: "a" } }],
  [
    "names that are too long upstream",
    {
      tools: ["1", "2"].map((end) => ({ ...tool, name: "n".repeat(127) + end })),
    },
    ["n".repeat(64), `${"n".repeat(59)}_2`].map(named),
    {
      ["n".repeat(64)]: { type: "function", name: `${"n".repeat(127)}1` },
      [`${"n".repeat(59)}_2`]: { type: "function", name: `${"n".repeat(127)}2` },
    },
  ],
  ["a tool that is declared twice, once", { tools: [tool, tool] }, [nested]],
  ["hosted tools, which are left out", {
    tools: [
      { type: "web_search", external_web_access: true, search_content_types: ["text"] },
      { type: "image_generation" },
      { type: "tool_search" },
      { type: "brand_new" },
      tool,
    ],
  }, [nested]],
  ["a search for tools, and none that it has to find first", { tools: [search, deferred] }, [{
    type: "function",
    function: { name: "tool_search", parameters: { type: "object" } },
  }], { tool_search: { type: "tool_search", name: "tool_search" } }],
  ["tools to be found, if nothing can search", { tools: [deferred] }, [named("later")]],
  ["tools that were found or added", {
    tools: [search, deferred],
    input: [
      { type: "additional_tools", role: "developer", tools: [tool] },
      user("Hi"),
      { type: "tool_search_call", call_id: "c1", arguments: {} },
      { type: "tool_search_output", call_id: "c1", tools: [deferred] },
    ],
  }, [
    { type: "function", function: { name: "tool_search", parameters: { type: "object" } } },
    nested,
    named("later"),
  ], { tool_search: { type: "tool_search", name: "tool_search" } }],
];

for (const [name, body, tools, clientTools = {}] of TOOLS) {
  Deno.test(`offers ${name}`, () => {
    const decoded = decode({ input: "Hi", ...body });
    assertEquals(decoded.reasoning.final.tools, tools);
    assertEquals<unknown>(decoded.clientTools, clientTools);
  });
}

Deno.test("names the types of the tools that are left out", () => {
  const tools = [{ type: "web_search" }, { type: "mcp" }, { type: "mcp" }];
  const { leftOut, reasoning } = decode({ input: "Hi", tools });
  assertEquals([leftOut, reasoning.final], [["web_search", "mcp"], {}]);
});

const MATH = { type: "namespace", name: "math", tools: [tool] };
const FORCED: [choice: object, name: string][] = [
  [{ type: "custom", name: "patch" }, "patch"],
  [{ type: "function", name: "add", namespace: "math" }, "math__add"],
  [{ type: "tool_search" }, "tool_search"],
];

for (const [choice, name] of FORCED) {
  Deno.test(`forces a call of ${name}`, () => {
    const tools = [PATCH, MATH, search];
    const { final } = decode({ input: "Hi", tools, tool_choice: choice }).reasoning;
    assertEquals(final.tool_choice, { type: "function", function: { name } });
  });
}

Deno.test("allows tools of every kind, and ignores hosted ones", () => {
  const allowed = [
    { type: "custom", name: "patch" },
    { type: "web_search" },
    { type: "function", name: "add", namespace: "math" },
  ];
  const { final } = decode({
    input: "Hi",
    tools: [PATCH, tool, MATH, { type: "web_search" }],
    tool_choice: { type: "allowed_tools", mode: "auto", tools: allowed },
  }).reasoning;
  const names = (final.tools as typeof nested[]).map((offered) => offered.function.name);
  assertEquals(names, ["patch", "math__add"]);
});

const FAULTS: [name: string, body: object, param: string | null, code?: string | null][] = [
  ["no input", {}, "input", "missing_required_parameter"],
  ["null", { input: null }, "input", "missing_required_parameter"],
  ["an empty text", { input: "" }, "input", "missing_required_parameter"],
  ["no items", { input: [] }, "input", "missing_required_parameter"],
  ["a number", { input: 7 }, "input", "invalid_type"],
  ["a number among the items", { input: [7] }, "input[0]", "invalid_type"],
  ["thinking alone", { input: [{ type: "reasoning", id: "rs_1", summary: [] }] }, "input"],
  ["an unknown item alone", { input: [{ type: "web_search_call" }] }, "input"],
  ["an unknown role", { input: [{ role: "critic", content: "no" }] }, "input[0].role"],
  ["a content that is an object", { input: [user({})] }, "input[0].content", "invalid_type"],
  ["a part that is a text", { input: [user(["Hi"])] }, "input[0].content[0]", "invalid_type"],
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
  ["a call that must be of a hosted tool", {
    tools: [{ type: "web_search" }],
    tool_choice: "required",
  }, "tools"],
  [
    "tools of an item that are none",
    {
      input: [{ type: "additional_tools", role: "developer", tools: [7] }, user("Hi")],
    },
    "input[0].tools[0]",
    "invalid_type",
  ],
  ["a tool without a name in a namespace", {
    tools: [{ type: "namespace", name: "n", tools: [{ type: "function" }] }],
  }, "tools[0].tools[0].name"],
  ["too many tools in namespaces", {
    tools: [{
      type: "namespace",
      name: "n",
      tools: Array.from({ length: 1_025 }, (_, index) => ({ ...tool, name: `t${index}` })),
    }],
  }, "tools"],
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
  ["a metadata key that is too long", { metadata: { ["k".repeat(65)]: "v" } }, "metadata"],
  ["a metadata value that is too long", { metadata: { k: "v".repeat(513) } }, "metadata.k"],
];

/** What a message says besides the name of the field. */
const HINTS: [body: object, hint: string][] = [
  [{ input: [{}] }, "needs a 'type', or a 'role' if it is a message"],
  [{ metadata: { ["k".repeat(65)]: "v" } }, "expected keys of at most 64 characters"],
  [{ metadata: { k: "v".repeat(513) } }, "expected at most 512 characters"],
];

for (const [body, hint] of HINTS) {
  Deno.test(`says what to do about ${JSON.stringify(body).slice(0, 40)}`, () => {
    assertThrows(() => decode({ input: "Hi", ...body }), ApiError, hint);
  });
}

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
  assertEquals(error.param, "input[1].call_id");
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
  const facts = { createdAt: 1, model: "o1", effort: "low" };
  const response = responseObject(readResponsesBody(body), facts);
  validate("Response", response);
  for (const key of OPEN_RESPONSES_KEYS) assert(key in response, key);
  assertEquals(response.reasoning, {
    mode: "standard",
    effort: "low",
    summary: "detailed",
    context: "current_turn",
  });
  assertEquals(response.conversation, { id: "conv_1" });
  assertEquals([response.tool_choice, response.max_tool_calls], [body.tool_choice, 3]);
});

const OPEN_RESPONSES_KEYS =
  ("id object created_at completed_at status incomplete_details model previous_response_id " +
    "instructions output error tools tool_choice truncation parallel_tool_calls text top_p " +
    "presence_penalty frequency_penalty top_logprobs temperature reasoning user usage " +
    "max_output_tokens max_tool_calls store background service_tier metadata safety_identifier " +
    "prompt_cache_key").split(" ");
