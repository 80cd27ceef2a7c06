import { parseConfig } from "../../../lib/config/load.ts";
import { resolveConfig } from "../../../lib/config/resolve.ts";
import { assertStringIncludes } from "@std/assert";
import { createTestApp, type TestApp, type TestAppOptions, TOKEN } from "../../support/app.ts";
import { type Call, type Reply, startUpstream, type Upstream } from "../../support/upstream.ts";
import { resultsOf } from "../../reasoning/tools/setup.ts";
import { rpc, serve, serveByHand, TOOL } from "../../tools/mcp/servers.ts";

/** Secrets of the configuration. */
export const SEARCH_KEY = "search-key-4711";
export const MCP_KEY = "mcp-key-4711";

export const call = (name: string, args: object = {}, id = "call_1"): Reply => ({
  content: null,
  toolCalls: [{ id, name, arguments: JSON.stringify(args) }],
});

/** Calls a tool once, and then answers. */
export const once = (reply: Reply) => (request: Call): Reply =>
  resultsOf(request).length === 0 ? reply : { content: "Done." };

/** The question for which the model runs code. */
export const COMPUTE = "What is 6 times 7?";

/** A service that answers nothing until its gate opens. */
function createGate() {
  const gate = Promise.withResolvers<void>();
  let asked = 0;
  let left = 0;
  return {
    open: gate.resolve,
    asked: () => asked,
    /** Number of requests whose caller has disconnected. */
    left: () => left,
    async wait(request: Request): Promise<void> {
      asked++;
      const gone = Promise.withResolvers<void>();
      request.signal.addEventListener("abort", () => {
        left++;
        gone.resolve();
      });
      await Promise.race([gate.promise, gone.promise]);
    },
  };
}

export type Gate = ReturnType<typeof createGate>;

export interface AttackedApp extends AsyncDisposable {
  app: TestApp;
  upstream: Upstream;
  lines: string[];
  /** Services that wait. */
  site: Gate;
  search: Gate;
  mcp: Gate;
  /** Where the MCP server waits with `opensLate`. */
  mcpStart: Gate;
  pageUrl: string;
  /** Methods of the requests to the MCP server. A session ends with DELETE. */
  readonly mcpMethods: string[];
  /** The keys that the services got. */
  keys(): (string | null)[];
  /** Loads the configuration again, with other settings of all tools. */
  reload(): Promise<void>;
}

export interface AttackedOptions extends Pick<TestAppOptions, "store" | "clock" | "limiter"> {
  strategy?: string;
  /** A line of the configuration. */
  limits?: string;
  /** Whether connecting to the MCP server takes until its gate opens. */
  opensLate?: boolean;
}

/** An app whose tools wait, but for `code`. Services send the keys that they got back as text. */
export async function createAttackedApp(
  script: (request: Call) => Reply,
  { strategy = "direct", limits = "", opensLate = false, ...options }: AttackedOptions = {},
): Promise<AttackedApp> {
  const upstream = startUpstream((request) => {
    if (!JSON.stringify(request.body.messages).includes(COMPUTE)) return script(request);
    const [result] = resultsOf(request);
    return result === undefined ? call("code", { code: "6 * 7" }) : { content: result };
  });
  const lines: string[] = [];
  const gates = {
    site: createGate(),
    search: createGate(),
    mcp: createGate(),
    mcpStart: createGate(),
  };
  const page = serve(async (request) => {
    await gates.site.wait(request);
    return new Response("A page.", { headers: { "content-type": "text/plain" } });
  });
  const search = serve(async (request) => {
    await gates.search.wait(request);
    return new Response([...request.headers].join("\n"), { status: 500 });
  });
  const mcp = serveByHand({
    "initialize": async ({ id }, request) => {
      if (opensLate) await gates.mcpStart.wait(request);
      return new Response(
        JSON.stringify(rpc(id, {
          protocolVersion: "2025-06-18",
          capabilities: { tools: {} },
          serverInfo: { name: "waiting", version: "1" },
        })),
        { headers: { "content-type": "application/json", "mcp-session-id": "session-1" } },
      );
    },
    "tools/list": ({ id }) => rpc(id, { tools: [TOOL] }),
    "tools/call": async ({ id }, request) => {
      await gates.mcp.wait(request);
      const error = { code: -32000, message: "It is out of order." };
      return { jsonrpc: "2.0", id, error };
    },
  });
  const origin = (url: string) => new URL(url).origin;
  const yaml = (timeMs: number) => `
${limits}
upstreams: { s: { base_url: UPSTREAM, retry: { base_ms: 1, max_ms: 1 } } }
models:
  all: { strategy: ${strategy}, upstream: s, model: m, tools: [code, fetch, web_search, mcp] }
tools:
  code: { threads: 1, time_ms: ${timeMs} }
  fetch: { allow_hosts: ["${new URL(page.url).host}"], time_ms: ${timeMs} }
  web_search: { provider: tavily, url: "${
    origin(search.url)
  }", api_key: ${SEARCH_KEY}, time_ms: ${timeMs} }
  mcp:
    servers:
      m: { url: "${mcp.url}", allow: ["*"], headers: { x-key: ${MCP_KEY} }, time_ms: ${timeMs} }
`;
  const app = await createTestApp({
    upstream: upstream.url,
    lines,
    yaml: yaml(60_000),
    ...options,
  });
  const env = () => undefined;
  return {
    app,
    upstream,
    lines,
    ...gates,
    pageUrl: page.url,
    keys: () => [
      search.requests[0]?.headers.get("authorization") ?? null,
      mcp.requests[0]?.headers.get("x-key") ?? null,
    ],
    get mcpMethods() {
      return mcp.requests.map(({ method }) => method);
    },
    async reload() {
      const text = `api_bearer_token: "${TOKEN}"\n${yaml(50_000)}`
        .replaceAll("UPSTREAM", upstream.url);
      const readFile = () => Promise.reject(new Error("no file"));
      const config = await parseConfig(text, { file: "config.yaml", env, readFile });
      app.reload(resolveConfig(config, { env }));
    },
    async [Symbol.asyncDispose]() {
      for (const gate of Object.values(gates)) gate.open();
      await app.drain(0);
      for (const server of [page, search, mcp, upstream]) await server[Symbol.asyncDispose]();
    },
  };
}

/** Reads what comes until the client disconnects. */
export async function readAll(response: Promise<Response>): Promise<void> {
  try {
    await (await response).text();
  } catch {
    // The client has disconnected.
  }
}

/** The only thread of `code` must take the next code. */
export async function assertCodeIsFree({ app }: AttackedApp): Promise<void> {
  const messages = [{ role: "user", content: COMPUTE }];
  const response = await app.chat({ model: "all", messages });
  assertStringIncludes(await response.text(), "\\n42\\n");
}
