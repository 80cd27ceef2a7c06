import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { TOKEN } from "../../support/app.ts";
import type { Call, Reply } from "../../support/upstream.ts";
import { codeCall, resultsOf, threads, toolsOf } from "../../reasoning/tools/setup.ts";
import { serve } from "../../tools/mcp/servers.ts";
import { callOnce, CODE_KEY, createToolApp, jsonOf, toolCall } from "../tools/setup.ts";

const CODE = { type: "code_execution_20250522", name: "code_execution" };
const SEARCH = { type: "web_search_20250305", name: "web_search" };
const OWN = { name: "own", input_schema: { type: "object" } };
const QUESTION = { role: "user", content: "What is 6 times 7?" };

// deno-lint-ignore no-explicit-any -- the assertions read any field
type Json = any;

async function createApp(script: Parameters<typeof createToolApp>[0]) {
  const served = await createToolApp(script, {
    pages: ["https://deno.com/", "https://docs.deno.com/api/", "https://other.test/"].map(
      (url) => ({ title: "Deno", url, content: "A runtime." }),
    ),
    server: "greeter",
    register(server) {
      server.registerTool("greet", {}, () => ({ content: [{ type: "text", text: "Hello." }] }));
      server.registerTool("fail", {}, () => {
        throw new Error("out of order");
      });
    },
  });
  const headers = { "anthropic-version": "2023-06-01" };
  return {
    ...served,
    send: (body: object, token = TOKEN) =>
      served.app.send(
        "/v1/messages",
        { model: "all", max_tokens: 4_000, messages: [QUESTION], ...body },
        { headers: { authorization: `Bearer ${token}`, ...headers } },
      ),
  };
}

/** Joins the events of a stream to the content that they describe. */
function contentOf(stream: string): Json[] {
  const content: Json[] = [];
  const inputs = new Map<number, string>();
  for (const [, data] of stream.matchAll(/^data: (.*)$/gm)) {
    const { type, index, content_block, delta } = JSON.parse(data!);
    if (type === "content_block_start") content[index] = content_block;
    if (type !== "content_block_delta") continue;
    const block = content[index];
    if (delta.type === "text_delta") block.text += delta.text;
    else if (delta.type === "thinking_delta") block.thinking += delta.thinking;
    else if (delta.type === "citations_delta") (block.citations ??= []).push(delta.citation);
    else if (delta.type === "signature_delta") block.signature = delta.signature;
    else if (delta.type === "input_json_delta") {
      inputs.set(index, (inputs.get(index) ?? "") + delta.partial_json);
    }
  }
  for (const [index, input] of inputs) content[index].input = JSON.parse(input);
  return content;
}

const executed = (stdout: string, stderr: string, return_code: number) => ({
  type: "code_execution_tool_result",
  content: { type: "code_execution_result", stdout, stderr, return_code, content: [] },
});

const CASES: [name: string, tool: object, reply: Reply, use: object, result: object][] = [
  [
    "code",
    CODE,
    codeCall("6 * 7"),
    { name: "code_execution", input: { code: "6 * 7" } },
    executed("42", "", 0),
  ],
  [
    "code that fails",
    CODE,
    codeCall("throw 'no'"),
    { name: "code_execution", input: { code: "throw 'no'" } },
    executed("", "no", 1),
  ],
  [
    "a search",
    SEARCH,
    { content: null, toolCalls: [{ id: "c", name: "web_search", arguments: '{"query":"deno"}' }] },
    { name: "web_search", input: { query: "deno" } },
    {
      type: "web_search_tool_result",
      content: ["https://deno.com/", "https://docs.deno.com/api/", "https://other.test/"].map((
        url,
      ) => ({
        type: "web_search_result",
        url,
        title: "Deno",
        encrypted_content: "",
        page_age: null,
      })),
    },
  ],
  [
    "a search that fails",
    SEARCH,
    { content: null, toolCalls: [{ id: "c", name: "web_search", arguments: "{}" }] },
    { name: "web_search", input: {} },
    {
      type: "web_search_tool_result",
      content: { type: "web_search_tool_result_error", error_code: "unavailable" },
    },
  ],
];

for (const [name, tool, reply, use, result] of CASES) {
  Deno.test(`${name} is shown between thinking and text, and accepted again`, threads, async () => {
    await using served = await createApp((call: Call) =>
      resultsOf(call).length === 0 ? reply : { reasoning: ["And then."], content: "Done." }
    );
    const thinking = { type: "enabled", budget_tokens: 2_000 };
    for (const body of [{ tools: [tool] }, { tools: [tool], thinking }]) {
      const { content, stop_reason } = await jsonOf(served.send(body));
      const stream = contentOf(await (await served.send({ ...body, stream: true })).text());
      for (const blocks of [content, stream]) {
        const shown = "thinking" in body ? ["thinking"] : [];
        const [called, returned, text] = blocks.slice(shown.length);
        assertEquals(blocks.slice(0, shown.length).map(({ type }: Json) => type), shown);
        // Also what is thought after the use.
        if (shown.length > 0) assertStringIncludes(blocks[0].thinking, "And then.");
        assertMatch(called.id, /^srvtoolu_\w{24}$/);
        assertEquals(called, { type: "server_tool_use", id: called.id, ...use });
        assertEquals(returned, { ...result, tool_use_id: called.id });
        assertEquals([text.type, text.text, blocks.length - shown.length], ["text", "Done.", 3]);
      }
      assertEquals(stop_reason, "end_turn");
      const messages = [QUESTION, { role: "assistant", content }, { role: "user", content: "?" }];
      assertEquals((await jsonOf(served.send({ ...body, messages }))).stop_reason, "end_turn");
    }
  });
}

Deno.test(
  "only the tools of Anthropic that a request declares are offered, or all if it declares none",
  threads,
  async () => {
    await using served = await createApp([{ content: "Done." }]);
    const offered: [body: object, names: string[]][] = [
      [{}, ["code", "web_search", "greeter__greet", "greeter__fail"]],
      [{ tools: [CODE] }, ["code"]],
      [{ tools: [CODE, OWN] }, ["own", "code"]],
      [{ tools: [CODE, SEARCH], tool_choice: { type: "any" } }, ["code", "web_search"]],
      [{ tools: [CODE, SEARCH, OWN], tool_choice: { type: "tool", name: "web_search" } }, [
        "web_search",
      ]],
      [{ tools: [CODE, SEARCH], tool_choice: { type: "none" } }, []],
    ];
    for (const [body, names] of offered) {
      served.upstream.calls.length = 0;
      await jsonOf(served.send(body));
      assertEquals(toolsOf(served.upstream.calls[0]!), names, JSON.stringify(body));
    }
  },
);

Deno.test("an invalid tool_choice gets 400, whatever the tools are", threads, async () => {
  await using served = await createApp([{ content: "Done." }]);
  const choices: [tool_choice: unknown, param: string, message: string][] = [
    [{ type: "tool", name: "ghost" }, "tool_choice", "no tool is called 'ghost'"],
    [{ type: "tool" }, "tool_choice.name", "Missing required parameter"],
    [{ type: "x" }, "tool_choice.type", "'auto'"],
    ["auto", "tool_choice", "expected an object"],
  ];
  for (const tools of [undefined, [], [CODE], [OWN], [CODE, OWN]]) {
    for (const [tool_choice, param, message] of choices) {
      const response = await served.send({ tools, tool_choice });
      const { error } = await response.json();
      assertEquals(response.status, 400, JSON.stringify([tools, tool_choice]));
      assertStringIncludes(error.message, param);
      assertStringIncludes(error.message, message);
    }
  }
  assertEquals(served.upstream.calls.length, 0);
});

Deno.test(
  "a tool that the model or the key does not allow is left out, or rejected if demanded",
  threads,
  async () => {
    await using served = await createApp([{ content: "Done." }]);
    const tools = [CODE, SEARCH];
    for (const [model, token] of [["code", TOKEN], ["all", CODE_KEY]] as const) {
      served.upstream.calls.length = served.lines.length = 0;
      await jsonOf(served.send({ model, tools }, token));
      assertEquals(toolsOf(served.upstream.calls[0]!), ["code"]);
      assertStringIncludes(served.lines.join("\n"), '"left_out":"web_search_20250305"');
      const demanded = { model, tools, tool_choice: { type: "tool", name: "web_search" } };
      assertEquals((await served.send(demanded, token)).status, 400);
    }
  },
);

Deno.test("uses of undeclared tools are not blocks", threads, async () => {
  await using served = await createApp((call: Call) =>
    resultsOf(call).length === 0 ? codeCall("6 * 7") : { content: "Done." }
  );
  const { content } = await jsonOf(served.send({}));
  assertEquals(content.map(({ type }: Json) => type), ["text"]);
});

const FETCH = { type: "web_fetch_20250910", name: "web_fetch" };

/** Sends a request as JSON and as a stream; the blocks must be the same but for ids. */
async function blocksOf(served: Awaited<ReturnType<typeof createApp>>, body: object) {
  const { content } = await jsonOf(served.send({ model: "web", ...body }));
  const text = await (await served.send({ model: "web", ...body, stream: true })).text();
  const plain = (blocks: Json[]) =>
    JSON.parse(JSON.stringify(blocks).replace(/(srv|mcp)toolu_\w+/g, "$1toolu"));
  assertEquals(plain(contentOf(text)), plain(content));
  return plain(content);
}

Deno.test("a page is shown as Anthropic's web_fetch, also after a failure", threads, async () => {
  let url = "";
  await using served = await createApp((call) => callOnce(toolCall("fetch", { url }))(call));
  url = served.page;
  const [use, result] = await blocksOf(served, { tools: [FETCH] });
  assertEquals(use, { type: "server_tool_use", id: "srvtoolu", name: "web_fetch", input: { url } });
  const { type, content } = result;
  assertEquals([type, content.type, content.url], [
    "web_fetch_tool_result",
    "web_fetch_result",
    url,
  ]);
  assertStringIncludes(content.content.source.data, "A page.");
  url = "ftp://files.test/";
  const [, failed] = await blocksOf(served, { tools: [FETCH] });
  assertEquals(failed.content, {
    type: "web_fetch_tool_result_error",
    error_code: "unavailable",
  });
});

Deno.test("max_uses ends the runs of a tool", threads, async () => {
  await using served = await createApp((call) =>
    resultsOf(call).length < 3 ? toolCall("web_search", { query: "deno" }) : { content: "Done." }
  );
  const content = await blocksOf(served, { tools: [{ ...SEARCH, max_uses: 2 }] });
  const types = content.map(({ type }: Json) => type);
  assertEquals(types.filter((type: string) => type === "server_tool_use").length, 2);
  assertStringIncludes(resultsOf(served.upstream.calls[3]!)[2]!, "one call too many");
  assertEquals((await served.send({ tools: [{ ...SEARCH, max_uses: 0 }] })).status, 400);
});

const DOMAINS: [rule: object, found: string[]][] = [
  [{ allowed_domains: ["deno.com"] }, ["https://deno.com/", "https://docs.deno.com/api/"]],
  [{ allowed_domains: ["deno.com/api"] }, ["https://docs.deno.com/api/"]],
  [{ allowed_domains: ["DOCS.deno.com"] }, ["https://docs.deno.com/api/"]],
  [{ allowed_domains: ["eno.com", "com", "deno.com/ap"] }, [
    "https://deno.com/",
    "https://docs.deno.com/api/",
  ]],
  [{ allowed_domains: ["eno.com", "deno.com/ap"] }, []],
  [{ allowed_domains: [] }, []],
  [{ blocked_domains: ["deno.com"] }, ["https://other.test/"]],
];

for (const [rule, found] of DOMAINS) {
  Deno.test(`a search shows the pages of ${JSON.stringify(rule)} only`, threads, async () => {
    await using served = await createApp(callOnce(toolCall("web_search", { query: "deno" })));
    const content = await blocksOf(served, { tools: [{ ...SEARCH, ...rule }] });
    assertEquals(content[1].content.map(({ url }: Json) => url), found);
    const [read] = resultsOf(served.upstream.calls[1]!);
    for (const url of ["https://deno.com/", "https://other.test/"]) {
      assertEquals(read!.includes(`${url}\n`), found.includes(url), url);
    }
  });
}

Deno.test("pages of other domains are not fetched, also after a redirect", threads, async () => {
  let url = "";
  await using served = await createApp((call) => callOnce(toolCall("fetch", { url }))(call));
  const blocked = { ...FETCH, blocked_domains: ["127.0.0.1/secret"] };
  for (const path of ["/secret", "/secret/more", "/moved"]) {
    url = served.page.replace("/page", path);
    const [, { content }] = await blocksOf(served, { tools: [blocked] });
    assertEquals(content.type, "web_fetch_tool_result_error", path);
  }
  url = served.page;
  const [, { content }] = await blocksOf(served, { tools: [blocked] });
  assertEquals(content.type, "web_fetch_result");
});

for (
  const rule of [
    { allowed_domains: ["a.test"], blocked_domains: ["b.test"] },
    { allowed_domains: ["https://a.test"] },
    { allowed_domains: "a.test" },
    { blocked_domains: Array.from({ length: 101 }, () => "a.test") },
  ]
) {
  Deno.test(`400 for ${JSON.stringify(rule).slice(0, 70)}`, threads, async () => {
    await using served = await createApp([{ content: "Done." }]);
    const response = await served.send({ tools: [{ ...SEARCH, ...rule }] });
    assertEquals(response.status, 400);
    assertStringIncludes((await response.json()).error.message, "_domains");
  });
}

Deno.test("an answer cites the pages that it names", threads, async () => {
  const answer = "See https://deno.com/ for more.";
  await using served = await createApp(callOnce(toolCall("web_search", { query: "deno" }), answer));
  const content = await blocksOf(served, { tools: [SEARCH] });
  assertEquals(content.at(-1), {
    type: "text",
    text: answer,
    citations: [{
      type: "web_search_result_location",
      url: "https://deno.com/",
      title: "Deno",
      cited_text: "",
      encrypted_index: "",
    }],
  });
});

Deno.test("uses of an MCP server are shown in both forms of the API", threads, async () => {
  await using served = await createApp(callOnce(toolCall("greeter__greet", {})));
  const server = { type: "url", name: "greeter", authorization_token: "secret-1" };
  const toolset = { type: "mcp_toolset", mcp_server_name: "greeter" };
  const forms: object[] = [
    { mcp_servers: [server] },
    { mcp_servers: [{ ...server, url: served.mcp.url, name: "mine" }] },
    { mcp_servers: [server], tools: [toolset] },
  ];
  for (const form of forms) {
    const content = await blocksOf(served, form);
    const server_name = JSON.stringify(form).includes("mine") ? "mine" : "greeter";
    assertEquals(content, [
      { type: "mcp_tool_use", id: "mcptoolu", name: "greet", server_name, input: {} },
      {
        type: "mcp_tool_result",
        tool_use_id: "mcptoolu",
        is_error: false,
        content: [{ type: "text", text: "Hello." }],
      },
      { type: "text", text: "Done." },
    ]);
    const messages = [QUESTION, { role: "assistant", content }, { role: "user", content: "?" }];
    await jsonOf(served.send({ model: "web", ...form, messages }));
  }
  assertEquals(JSON.stringify(served.upstream.calls).includes("secret-1"), false);
});

Deno.test(
  "tokens of a request that demands a call of an MCP server are counted",
  threads,
  async () => {
    await using served = await createApp([{ content: "Done." }]);
    const body = {
      model: "all",
      messages: [QUESTION],
      mcp_servers: [{ type: "url", name: "greeter" }],
      tools: [{ type: "mcp_toolset", mcp_server_name: "greeter" }],
      tool_choice: { type: "any" },
    };
    await jsonOf(served.send(body));
    const init = { headers: { authorization: `Bearer ${TOKEN}` } };
    const { input_tokens } = await jsonOf(
      served.app.send("/v1/messages/count_tokens", body, init),
    );
    assert(input_tokens > 0);
    const elsewhere = { ...body, mcp_servers: [{ type: "url", name: "other" }] };
    for (const path of ["/v1/messages", "/v1/messages/count_tokens"]) {
      const response = await served.app.send(path, { ...elsewhere, max_tokens: 100 }, init);
      assertEquals(response.status, 400);
      await response.body?.cancel();
    }
  },
);

Deno.test("a failed use of an MCP server is an error", threads, async () => {
  await using served = await createApp(callOnce(toolCall("greeter__fail", {})));
  const [, result] = await blocksOf(served, { mcp_servers: [{ name: "greeter" }] });
  assertEquals([result.type, result.is_error], ["mcp_tool_result", true]);
});

Deno.test(
  "a request selects tools of MCP servers, and calls no other server",
  threads,
  async () => {
    await using other = serve(() => new Response(null, { status: 500 }));
    await using served = await createApp([{ content: "Done." }]);
    const server = { type: "url", name: "greeter" };
    const toolset = { type: "mcp_toolset", mcp_server_name: "greeter" };
    const both = ["greeter__greet", "greeter__fail"];
    const offered: [body: object, names: string[]][] = [
      [{ mcp_servers: [server] }, both],
      [{ mcp_servers: [{ ...server, tool_configuration: { allowed_tools: ["fail"] } }] }, [
        "greeter__fail",
      ]],
      [{ mcp_servers: [{ ...server, tool_configuration: { enabled: false } }], tools: [SEARCH] }, [
        "web_search",
      ]],
      [
        {
          mcp_servers: [server],
          tools: [{
            ...toolset,
            default_config: { enabled: false },
            configs: { greet: { enabled: true } },
          }],
        },
        ["greeter__greet"],
      ],
      [
        { mcp_servers: [server], tools: [{ ...toolset, configs: { fail: { enabled: false } } }] },
        ["greeter__greet"],
      ],
      [{ mcp_servers: [server], tool_choice: { type: "none" }, tools: [SEARCH] }, []],
      [{ mcp_servers: [server], tools: [toolset, OWN], tool_choice: { type: "any" } }, ["own"]],
      [{}, ["web_search", "fetch", ...both]],
      [{ mcp_servers: [] }, ["web_search", "fetch", ...both]],
      [{ mcp_servers: [server], tools: [{ ...toolset, mcp_server_name: "x" }] }, []],
      [{ mcp_servers: [{ ...server, url: other.url }] }, []],
      [{ mcp_servers: [{ ...server, url: other.url }], tools: [OWN] }, ["own"]],
      [{ mcp_servers: [{ ...server, tool_configuration: { enabled: false } }] }, []],
      [{ mcp_servers: [server], tool_choice: { type: "none" } }, []],
      [{ mcp_servers: [{ ...server, name: "constructor" }], tools: [SEARCH] }, ["web_search"]],
    ];
    for (const [body, names] of offered) {
      served.upstream.calls.length = 0;
      await jsonOf(served.send({ model: "web", ...body }));
      assertEquals(toolsOf(served.upstream.calls[0]!), names, JSON.stringify(body));
    }
    assertEquals(other.requests.length, 0);
    await jsonOf(served.send({ mcp_servers: [server], tools: [SEARCH] }));
    assertStringIncludes(served.lines.join("\n"), '"left_out":"mcp_servers"');
  },
);
