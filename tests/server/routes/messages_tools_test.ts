import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createTestApp, TOKEN } from "../../support/app.ts";
import { sha256 } from "../../support/sha256.ts";
import { type Call, type Reply, startUpstream } from "../../support/upstream.ts";
import { codeCall, resultsOf, threads, toolsOf } from "../../reasoning/tools/setup.ts";
import { serve } from "../../tools/mcp/servers.ts";

const CODE = { type: "code_execution_20250522", name: "code_execution" };
const SEARCH = { type: "web_search_20250305", name: "web_search" };
const OWN = { name: "own", input_schema: { type: "object" } };
const QUESTION = { role: "user", content: "What is 6 times 7?" };
const KEY = "sk-o1-code00001-may-run-code";

// deno-lint-ignore no-explicit-any -- the assertions read any field
type Json = any;

async function createApp(script: Parameters<typeof startUpstream>[0]) {
  const upstream = startUpstream(script);
  const lines: string[] = [];
  const results = [{ title: "Deno", url: "https://deno.com/", content: "A runtime." }];
  const search = serve(() => Response.json({ results }));
  const app = await createTestApp({
    upstream: upstream.url,
    lines,
    yaml: `
upstreams: { s: { base_url: UPSTREAM, retry: { base_ms: 1, max_ms: 1 } } }
models:
  all: { strategy: direct, upstream: s, model: m, tools: [code, web_search] }
  code: { strategy: direct, upstream: s, model: m, tools: [code] }
tools: { web_search: { provider: searxng, url: "${new URL(search.url).origin}" } }
keys: [{ name: plain, sha256: ${await sha256(KEY)}, tools: [code] }]
`,
  });
  return {
    upstream,
    lines,
    send: (body: object, token = TOKEN) =>
      app.send("/v1/messages", { model: "all", max_tokens: 4_000, messages: [QUESTION], ...body }, {
        headers: { authorization: `Bearer ${token}`, "anthropic-version": "2023-06-01" },
      }),
    async [Symbol.asyncDispose]() {
      await app.drain(0);
      await search[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

async function json(response: Promise<Response>): Promise<Json> {
  const body = await (await response).json();
  assertEquals((await response).status, 200, JSON.stringify(body));
  return body;
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
      content: [{
        type: "web_search_result",
        url: "https://deno.com/",
        title: "Deno",
        encrypted_content: "",
        page_age: null,
      }],
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
      const { content, stop_reason } = await json(served.send(body));
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
      assertEquals((await json(served.send({ ...body, messages }))).stop_reason, "end_turn");
    }
  });
}

Deno.test(
  "only the declared tools of Anthropic are offered, unless there is none",
  threads,
  async () => {
    await using served = await createApp([{ content: "Done." }]);
    const offered: [body: object, names: string[]][] = [
      [{}, ["code", "web_search"]],
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
      await json(served.send(body));
      assertEquals(toolsOf(served.upstream.calls[0]!), names, JSON.stringify(body));
    }
  },
);

Deno.test(
  "a tool that the model or the key does not allow is left out, or rejected if demanded",
  threads,
  async () => {
    await using served = await createApp([{ content: "Done." }]);
    const tools = [CODE, SEARCH];
    for (const [model, token] of [["code", TOKEN], ["all", KEY]] as const) {
      served.upstream.calls.length = served.lines.length = 0;
      await json(served.send({ model, tools }, token));
      assertEquals(toolsOf(served.upstream.calls[0]!), ["code"]);
      assertStringIncludes(served.lines.join("\n"), '"left_out":"web_search_20250305"');
      const demanded = { model, tools, tool_choice: { type: "tool", name: "web_search" } };
      assertEquals((await served.send(demanded, token)).status, 400);
    }
  },
);

Deno.test("the uses of tools that were not declared are not blocks", threads, async () => {
  await using served = await createApp((call: Call) =>
    resultsOf(call).length === 0 ? codeCall("6 * 7") : { content: "Done." }
  );
  const { content } = await json(served.send({}));
  assertEquals(content.map(({ type }: Json) => type), ["text"]);
});
