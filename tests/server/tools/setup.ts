import { assertEquals } from "@std/assert";
import { createTestApp, type TestApp, type TestAppOptions } from "../../support/app.ts";
import { sha256 } from "../../support/sha256.ts";
import { type Call, type Reply, startUpstream, type Upstream } from "../../support/upstream.ts";
import { resultsOf } from "../../reasoning/tools/setup.ts";
import { type SdkServer, serve, serveSdk } from "../../tools/mcp/servers.ts";

export interface ToolApp extends AsyncDisposable {
  app: TestApp;
  upstream: Upstream;
  lines: string[];
  mcp: SdkServer;
  /** A page that `fetch` may read. */
  page: string;
}

export interface ToolAppOptions extends Omit<TestAppOptions, "upstream" | "yaml" | "lines"> {
  /** Pages that the search service finds. */
  pages: { title: string; url: string; content: string }[];
  /** Name of the MCP server, and its tools. */
  server: string;
  register: Parameters<typeof serveSdk>[0];
  /** Which of its tools are allowed, as the configuration lists them. Default: all. */
  allow?: string;
  maxBackground?: number;
  /** Further MCP servers by their URL. */
  moreServers?: (url: string) => string;
}

/** A key whose client may run code only. */
export const CODE_KEY = "sk-o1-code00001-may-run-code";

/** Keys that may use every tool, each of a client of its own. */
export const KEYS = ["sk-o1-first0001-may-use-all", "sk-o1-second001-may-use-all"] as const;

/** An app with all tools: the models `all`, `web` and `code` have those that their names say. */
export async function createToolApp(
  script: Parameters<typeof startUpstream>[0],
  {
    pages,
    server,
    register,
    allow = '["*"]',
    maxBackground = 100,
    moreServers = () => "",
    ...options
  }: ToolAppOptions,
): Promise<ToolApp> {
  const upstream = startUpstream(script);
  const lines: string[] = [];
  const search = serve(() => Response.json({ results: pages }));
  const site = serve(({ url }) =>
    url.endsWith("/moved")
      ? new Response(null, { status: 302, headers: { location: "/secret/" } })
      : new Response("A page.", { headers: { "content-type": "text/plain" } })
  );
  const { host } = new URL(site.url);
  const mcp = serveSdk(register);
  const app = await createTestApp({
    ...options,
    upstream: upstream.url,
    lines,
    yaml: `
server: { max_background: ${maxBackground} }
upstreams: { s: { base_url: UPSTREAM, retry: { base_ms: 1, max_ms: 1 } } }
models:
  all: { strategy: direct, upstream: s, model: m, tools: [code, web_search, mcp] }
  web: { strategy: direct, upstream: s, model: m, tools: [web_search, fetch, mcp] }
  code: { strategy: direct, upstream: s, model: m, tools: [code] }
  vote: { strategy: vote, upstream: s, model: m, tools: [mcp] }
tools:
  code: { threads: 1 }
  web_search: { provider: searxng, url: "${new URL(search.url).origin}" }
  fetch: { allow_hosts: ["${host}"] }
  mcp: { servers: { ${server}: { url: "${mcp.url}", allow: ${allow} }, ${moreServers(mcp.url)} } }
keys:
  - { name: plain, sha256: ${await sha256(CODE_KEY)}, tools: [code] }
  - { name: first, sha256: ${await sha256(KEYS[0])} }
  - { name: second, sha256: ${await sha256(KEYS[1])} }
stream_status_feedback: false
`,
  });
  return {
    app,
    upstream,
    lines,
    mcp,
    page: `http://${host}/page`,
    async [Symbol.asyncDispose]() {
      await app.drain(0);
      for (const each of [mcp, site, search, upstream]) await each[Symbol.asyncDispose]();
    },
  };
}

/** Returns the body of a successful response. */
// deno-lint-ignore no-explicit-any -- the assertions read any field
export async function jsonOf(response: Promise<Response>): Promise<any> {
  const body = await (await response).json();
  assertEquals((await response).status, 200, JSON.stringify(body));
  return body;
}

/** A call of a tool, as an upstream sends it. */
export const toolCall = (name: string, args: unknown): Reply => ({
  content: null,
  toolCalls: [{ id: "call_1", name, arguments: JSON.stringify(args) }],
});

/** An upstream that calls a tool once, and then answers with this text. */
export const callOnce = (reply: Reply, answer = "Done.") => (call: Call): Reply =>
  resultsOf(call).length === 0 ? reply : { content: answer };
