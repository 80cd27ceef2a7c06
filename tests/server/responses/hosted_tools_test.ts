import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { z } from "zod";
import { TOKEN } from "../../support/app.ts";
import { type Event, parseEvents } from "../../support/parsers/responses.ts";
import type { Call, Reply } from "../../support/upstream.ts";
import { serve } from "../../tools/mcp/servers.ts";
import { callOnce, CODE_KEY, createToolApp, jsonOf, toolCall } from "../tools/setup.ts";
import { codeCall, resultsOf, threads, toolsOf } from "../../reasoning/tools/setup.ts";

const CODE = { type: "code_interpreter", container: { type: "auto" } };
const MCP = { type: "mcp", server_label: "calculator", require_approval: "never" };
const FUNCTION = { type: "function", name: "own", parameters: { type: "object" } };

/** Pages that the search service finds. */
const PAGE = { title: "Deno", url: "https://deno.com/", content: "A runtime." };

const createApp = (script: Parameters<typeof createToolApp>[0]) =>
  createToolApp(script, {
    pages: [PAGE],
    server: "calculator",
    register(server) {
      server.registerTool(
        "add",
        { description: "Adds.", inputSchema: { a: z.number(), b: z.number() } },
        ({ a, b }) => ({ content: [{ type: "text", text: String(a + b) }] }),
      );
      server.registerTool("fail", {}, () => {
        throw new Error("out of order");
      });
    },
  });

const typesOf = (output: Event[]) => output.map(({ type }) => type);

/** An item without what differs between responses. */
function plain({ id, ...item }: Event): Event {
  assertMatch(id, /^(ci|ws|mcp|mcpl)_[0-9a-f]{56}$/);
  if (item.container_id === undefined) return item;
  assertMatch(item.container_id, /^cntr_[0-9a-f]{48}$/);
  return { ...item, container_id: "" };
}

const CODE_ITEM = {
  type: "code_interpreter_call",
  status: "completed",
  container_id: "",
  code: "6 * 7",
  outputs: [{ type: "logs", logs: "42" }],
};

const ADD_ITEM = {
  type: "mcp_call",
  status: "completed",
  server_label: "calculator",
  name: "add",
  arguments: '{"a":19,"b":23}',
  output: "42",
  error: null,
};

const CASES: [name: string, tool: object, reply: Reply, item: object, events: string[]][] = [
  ["code", CODE, codeCall("6 * 7"), CODE_ITEM, [
    "code_interpreter_call.in_progress",
    "code_interpreter_call_code.delta",
    "code_interpreter_call_code.done",
    "code_interpreter_call.interpreting",
    "code_interpreter_call.completed",
  ]],
  ["code that fails", CODE, codeCall("throw 'no'"), {
    ...CODE_ITEM,
    status: "failed",
    code: "throw 'no'",
    outputs: [{ type: "logs", logs: "no" }],
  }, [
    "code_interpreter_call.in_progress",
    "code_interpreter_call_code.delta",
    "code_interpreter_call_code.done",
    "code_interpreter_call.interpreting",
  ]],
  [
    "a search",
    { type: "web_search_preview_2025_03_11" },
    toolCall("web_search", { query: "deno" }),
    {
      type: "web_search_call",
      status: "completed",
      action: {
        type: "search",
        query: "deno",
        queries: ["deno"],
        sources: [{ type: "url", url: PAGE.url }],
      },
    },
    ["web_search_call.in_progress", "web_search_call.searching", "web_search_call.completed"],
  ],
  ["a tool of an MCP server", MCP, toolCall("calculator__add", { a: 19, b: 23 }), ADD_ITEM, [
    "mcp_list_tools.in_progress",
    "mcp_list_tools.completed",
    "mcp_call.in_progress",
    "mcp_call_arguments.delta",
    "mcp_call_arguments.done",
    "mcp_call.completed",
  ]],
  ["a tool of an MCP server that fails", MCP, toolCall("calculator__fail", {}), {
    ...ADD_ITEM,
    status: "failed",
    name: "fail",
    arguments: "{}",
    output: null,
    error: {
      type: "mcp_tool_execution_error",
      content: [{ type: "text", text: "out of order" }],
    },
  }, [
    "mcp_list_tools.in_progress",
    "mcp_list_tools.completed",
    "mcp_call.in_progress",
    "mcp_call_arguments.delta",
    "mcp_call_arguments.done",
    "mcp_call.failed",
  ]],
];

for (const [name, tool, reply, item, names] of CASES) {
  Deno.test(
    `${name} is an item in JSON, in streams and when it is read again`,
    threads,
    async () => {
      await using served = await createApp(callOnce(reply));
      const { app } = served;
      const isMcp = tool === MCP;
      const before = [...(isMcp ? ["mcp_list_tools"] : []), "reasoning"];
      const body = { model: "all", tools: [tool] };
      const isUse = ({ type }: Event) => /_call$/.test(type);

      const whole = await jsonOf(app.respond(body));
      assertEquals(typesOf(whole.output), [...before, whole.output.find(isUse).type, "message"]);
      assertEquals(plain(whole.output.find(isUse)), item);
      if (isMcp) {
        const { tools, server_label } = whole.output[0];
        assertEquals([server_label, tools[0].name, tools.length], ["calculator", "add", 2]);
      }

      for (const background of [false, true]) {
        const events = parseEvents(
          await (await app.respond({ ...body, stream: true, background })).text(),
        );
        const last = events.at(-1);
        assertEquals(last.type, "response.completed");
        assertEquals(plain(last.response.output.find(isUse)), item);
        const uses = events.map(({ type }) => type.replace("response.", ""))
          .filter((type) => /interpreter|web_search|mcp/.test(type));
        assertEquals(uses, names);
        const again = await app.send(`/v1/responses/${last.response.id}?stream=true`);
        assertEquals(parseEvents(await again.text()).at(-1), last);
      }

      const next = await jsonOf(
        app.respond({ ...body, input: [...whole.output, { role: "user", content: "And now?" }] }),
      );
      assertEquals(typesOf(next.output), ["reasoning", whole.output.find(isUse).type, "message"]);
      const following = await jsonOf(
        app.respond({ ...body, previous_response_id: whole.id, input: "And now?" }),
      );
      assertEquals(typesOf(following.output), typesOf(next.output));
      const items = await jsonOf(app.send(`/v1/responses/${next.id}/input_items`));
      assertEquals(items.data.length, whole.output.length + 1);
    },
  );
}

Deno.test(
  "only the declared tools are offered, and none is declared by default",
  threads,
  async () => {
    const offered: [tools: object[] | undefined, choice: unknown, names: string[]][] = [
      [undefined, undefined, ["code", "web_search", "calculator__add", "calculator__fail"]],
      [[CODE], undefined, ["code"]],
      [[CODE, FUNCTION], undefined, ["own", "code"]],
      [[CODE, MCP], { type: "code_interpreter" }, ["code"]],
      [[CODE, FUNCTION], { type: "code_interpreter" }, ["code"]],
      [[CODE, FUNCTION], "none", ["own"]],
      [[CODE], "none", []],
      [[CODE, MCP], { type: "mcp", server_label: "calculator", name: "add" }, ["calculator__add"]],
      [[{ ...MCP, allowed_tools: ["fail", "other"] }], undefined, ["calculator__fail"]],
      [[{ ...MCP, allowed_tools: { tool_names: ["add"] } }], undefined, ["calculator__add"]],
      [[{ ...MCP, require_approval: { never: { tool_names: ["add"] } } }], undefined, [
        "calculator__fail",
        "calculator__add",
      ]],
      [
        [CODE, MCP, FUNCTION],
        { type: "allowed_tools", mode: "auto", tools: [{ type: "code_interpreter" }] },
        ["code"],
      ],
      [
        [CODE, MCP, FUNCTION],
        {
          type: "allowed_tools",
          mode: "auto",
          tools: [{ type: "mcp", server_label: "calculator" }, { type: "function", name: "own" }],
        },
        ["own", "calculator__add", "calculator__fail"],
      ],
    ];
    await using served = await createApp([{ content: "Done." }]);
    for (const [tools, tool_choice, names] of offered) {
      served.upstream.calls.length = 0;
      await jsonOf(served.app.respond({ model: "all", tools, tool_choice }));
      assertEquals(toolsOf(served.upstream.calls[0]!), names, JSON.stringify([tools, tool_choice]));
    }
  },
);

const ALLOWED = { type: "allowed_tools", mode: "auto" };

const BAD_CHOICES: [choice: unknown, message: string][] = [
  ["x", "expected 'none', 'auto', 'required' or an object"],
  ["code_interpreter", "expected 'none', 'auto', 'required' or an object"],
  [{ type: "function", name: "ghost" }, "no tool is called 'ghost'"],
  [{ type: "function" }, "expected {type: 'function', name}"],
  [{ type: "custom" }, "expected {type: 'custom', name}"],
  [{ type: "x" }, "The tool 'x' is not available with this model and key."],
  [{ type: "mcp", server_label: "ghost" }, "The tool 'mcp' is not available"],
  [ALLOWED, "expected {type: 'allowed_tools', mode, tools}"],
  [{ ...ALLOWED, tools: [] }, "none of the allowed tools is among 'tools'"],
  [{ ...ALLOWED, tools: [{ type: "mcp" }] }, "none of the allowed tools is among 'tools'"],
  [{ ...ALLOWED, mode: "x", tools: [CODE] }, "expected the mode 'auto' or 'required'"],
];

for (const [tool_choice, message] of BAD_CHOICES) {
  Deno.test(`the tool_choice ${JSON.stringify(tool_choice)} is 400 with any tools`, async () => {
    await using served = await createApp([{ content: "Done." }]);
    for (const tools of [undefined, [], [CODE], [FUNCTION], [CODE, FUNCTION]]) {
      const response = await served.app.respond({ model: "all", tools, tool_choice });
      const { error } = await response.json();
      assertEquals([response.status, error.param], [400, "tool_choice"], JSON.stringify(tools));
      assertStringIncludes(error.message, message);
    }
    assertEquals(served.upstream.calls.length, 0);
  });
}

Deno.test(
  "allowed_tools may name a function that is missing next to tools of the server",
  threads,
  async () => {
    await using served = await createApp([{ content: "Done." }]);
    const tool_choice = { ...ALLOWED, tools: [CODE, { type: "function", name: "ghost" }] };
    for (const tools of [[CODE], [CODE, FUNCTION]]) {
      served.upstream.calls.length = 0;
      await jsonOf(served.app.respond({ model: "all", tools, tool_choice }));
      assertEquals(toolsOf(served.upstream.calls[0]!), ["code"]);
    }
  },
);

Deno.test(
  "an MCP server is found by its name or its URL, and no other is called",
  threads,
  async () => {
    await using other = serve(() => new Response(null, { status: 500 }));
    await using served = await createApp([{ content: "Done." }]);
    const { app, upstream, lines, mcp } = served;
    const servers: [tool: object, label: string | undefined][] = [
      [MCP, "calculator"],
      [{ ...MCP, server_label: "mine", server_url: mcp.url }, "mine"],
      [{ ...MCP, server_url: other.url }, undefined],
      [{ ...MCP, server_label: "mine", server_url: other.url }, undefined],
      [{ ...MCP, server_label: "mine" }, undefined],
      [{ ...MCP, server_label: "constructor" }, undefined],
      [{ ...MCP, server_label: undefined, connector_id: "connector_gmail" }, undefined],
      [{ ...MCP, allowed_tools: { read_only: true } }, undefined],
    ];
    for (const [tool, label] of servers) {
      upstream.calls.length = lines.length = 0;
      const message = JSON.stringify(tool);
      // The document requires a label.
      const tools = "server_label" in tool && tool.server_label === undefined
        ? [{ ...tool, server_label: "" }]
        : [tool];
      const { output } = await jsonOf(app.respond({ model: "all", tools: [CODE, ...tools] }));
      const list = output.find(({ type }: Event) => type === "mcp_list_tools");
      assertEquals(list?.server_label, label, message);
      assertEquals(toolsOf(upstream.calls[0]!).length, label === undefined ? 1 : 3, message);
      assertEquals(lines.some((line) => line.includes('"left_out":"mcp"')), label === undefined);
    }
    assertEquals(other.requests.length, 0);
  },
);

Deno.test(
  "an MCP server that is left out does not open the model's tools without approval",
  threads,
  async () => {
    await using served = await createApp(callOnce(toolCall("calculator__add", { a: 1, b: 2 })));
    const asks = { ...MCP, require_approval: undefined };
    const leftOut = [
      { ...asks, server_url: "https://elsewhere.test/mcp" },
      { ...asks, server_label: "mistyped" },
      { ...asks, allowed_tools: { read_only: true } },
    ];
    for (const tool of leftOut) {
      for (const tools of [[tool], [tool, FUNCTION], [tool, { type: "image_generation" }]]) {
        served.upstream.calls.length = 0;
        await jsonOf(served.app.respond({ model: "all", tools }));
        const names = tools.includes(FUNCTION) ? ["own"] : [];
        assertEquals(toolsOf(served.upstream.calls[0]!), names, JSON.stringify(tools));
      }
    }
    const called = await Promise.all(served.mcp.requests.map((request) => request.text()));
    assertEquals(called.filter((text) => text.includes("tools/call")), []);
  },
);

Deno.test(
  "a tool that the model or the key does not allow is left out, and rejected if it is required",
  threads,
  async () => {
    await using served = await createApp([{ content: "Done." }]);
    const { app, upstream, lines } = served;
    const key = { headers: { authorization: `Bearer ${CODE_KEY}` } };
    const own = { headers: { authorization: `Bearer ${TOKEN}` } };
    const tools = [CODE, { type: "web_search" }, MCP];
    for (const [model, init] of [["code", own], ["all", key]] as const) {
      upstream.calls.length = lines.length = 0;
      await jsonOf(app.respond({ model, tools }, init));
      assertEquals(toolsOf(upstream.calls[0]!), ["code"]);
      assertStringIncludes(lines.join("\n"), '"left_out":"web_search mcp"');
      for (
        const tool_choice of [{ type: "web_search_preview" }, {
          type: "mcp",
          server_label: "calculator",
        }]
      ) {
        const response = await app.respond({ model, tools, tool_choice }, init);
        const { error } = await response.json();
        assertEquals([response.status, error.param], [400, "tool_choice"]);
      }
    }
    upstream.calls.length = 0;
    await jsonOf(app.respond({ model: "all", tools: [CODE, MCP], reasoning: { tools: ["mcp"] } }));
    assertEquals(toolsOf(upstream.calls[0]!), ["calculator__add", "calculator__fail"]);
  },
);

Deno.test(
  "uses of undeclared tools are shown in the thinking only",
  threads,
  async () => {
    await using served = await createApp(callOnce(codeCall("6 * 7")));
    const { output } = await jsonOf(
      served.app.respond({ model: "code", reasoning: { summary: "auto" } }),
    );
    assertEquals(typesOf(output), ["reasoning", "message"]);
    assertStringIncludes(JSON.stringify(output[0].summary), "6 * 7");
  },
);

Deno.test(
  "the keys that a client sends for an MCP server are neither stored nor sent back",
  threads,
  async () => {
    await using served = await createApp([{ content: "Done." }]);
    const secrets = { authorization: "secret-1", headers: { "x-key": "secret-2" } };
    const response = await jsonOf(
      served.app.respond({ model: "all", tools: [{ ...MCP, ...secrets }] }),
    );
    const stored = await jsonOf(served.app.send(`/v1/responses/${response.id}`));
    assertEquals(JSON.stringify([response, stored]).includes("secret"), false);
  },
);

Deno.test("a failed response keeps the uses of tools", threads, async () => {
  await using served = await createApp((call: Call): Reply =>
    resultsOf(call).length === 0 ? codeCall("6 * 7") : { status: 400, body: "{}" }
  );
  const body = { model: "all", tools: [CODE], stream: true };
  const events = parseEvents(await (await served.app.respond(body)).text());
  const { response, type } = events.at(-1);
  assertEquals([type, typesOf(response.output)], [
    "response.failed",
    ["reasoning", "code_interpreter_call"],
  ]);
});

Deno.test("max_tool_calls ends the runs of all tools", threads, async () => {
  await using served = await createApp((call: Call): Reply =>
    resultsOf(call).length < 4 ? codeCall("1") : { content: "Done." }
  );
  const body = { model: "all", tools: [CODE], max_tool_calls: 2 };
  const { output, max_tool_calls } = await jsonOf(served.app.respond(body));
  assertEquals([max_tool_calls, typesOf(output)], [2, [
    "reasoning",
    "code_interpreter_call",
    "code_interpreter_call",
    "message",
  ]]);
  assertStringIncludes(resultsOf(served.upstream.calls.at(-1)!)[2]!, "one call too many");
});

for (
  const [filters, count] of [
    [{ allowed_domains: ["deno.com"] }, 1],
    [{ allowed_domains: ["other.test"] }, 0],
    [{ blocked_domains: ["deno.com"] }, 0],
  ] as const
) {
  Deno.test(`a search is filtered by ${JSON.stringify(filters)}`, threads, async () => {
    const search = { id: "c", name: "web_search", arguments: '{"query":"deno"}' };
    await using served = await createApp(callOnce({ content: null, toolCalls: [search] }));
    const tools = [{ type: "web_search", filters }];
    const include = ["web_search_call.action.sources"];
    const { output } = await jsonOf(served.app.respond({ model: "all", tools, include }));
    const { action } = output.find(({ type }: Event) => type === "web_search_call");
    assertEquals(action.sources.length, count);
  });
}

Deno.test(
  "a client's own tool and the server's of the same name are both offered",
  threads,
  async () => {
    await using served = await createApp((call: Call): Reply =>
      resultsOf(call).length === 0
        ? {
          ...codeCall("6 * 7"),
          toolCalls: [{ id: "c", name: "code_2", arguments: '{"code":"6*7"}' }],
        }
        : codeCall("theirs")
    );
    const own = { type: "custom", name: "code" };
    const { output } = await jsonOf(served.app.respond({ model: "all", tools: [CODE, own] }));
    assertEquals(toolsOf(served.upstream.calls[0]!), ["code", "code_2"]);
    const [ran, called] = output.filter(({ type }: Event) => type.endsWith("_call"));
    assertEquals([ran.type, ran.outputs[0].logs], ["code_interpreter_call", "42"]);
    assertEquals([called.type, called.name], ["custom_tool_call", "code"]);
  },
);
