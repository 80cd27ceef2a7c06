// @ts-types="@modelcontextprotocol/sdk/server/mcp"
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
// @ts-types="@modelcontextprotocol/sdk/server/webStandardStreamableHttp"
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import { createMcpSource } from "../../../lib/tools/mcp/source.ts";
import { type McpSettings, options } from "../../../lib/tools/mcp/settings.ts";
import { patientClock } from "../../support/clock.ts";
import type { Tool, ToolContext, ToolResult, ToolSource } from "../../../lib/tools/tool.ts";
import { waitFor } from "../../support/wait.ts";

export interface TestServer extends AsyncDisposable {
  url: string;
  requests: Request[];
}

export function serve(handler: (request: Request) => Response | Promise<Response>): TestServer {
  const requests: Request[] = [];
  const controller = new AbortController();
  const { signal } = controller;
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", signal, onListen() {}, onError: () => new Response() },
    (request) => {
      requests.push(request.clone());
      return handler(request);
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}/mcp`,
    requests,
    async [Symbol.asyncDispose]() {
      controller.abort();
      await server.finished;
    },
  };
}

export interface SdkServer extends TestServer {
  /** Ends all sessions, as a restart does. */
  forget(): void;
}

/** Starts a server of the official package. */
export function serveSdk(register: (server: McpServer) => void): SdkServer {
  const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();
  const server = serve(async (request) => {
    const id = request.headers.get("mcp-session-id");
    const known = sessions.get(id ?? "");
    if (known !== undefined) return await known.handleRequest(request);
    if (id !== null) return new Response(null, { status: 404 });
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      onsessioninitialized: (id) => {
        sessions.set(id, transport);
      },
    });
    const mcpServer = new McpServer({ name: "test", version: "1.0.0" });
    register(mcpServer);
    await mcpServer.connect(transport);
    return await transport.handleRequest(request);
  });
  return Object.assign(server, { forget: () => sessions.clear() });
}

interface Message {
  id?: number;
  method: string;
  params?: {
    name?: string;
    arguments?: Record<string, unknown>;
    _meta?: { progressToken?: number };
  };
}

/** Returns what a hand-written server answers; a string is sent as it is, a stream as events. */
export type Answer = (message: Message, request: Request) => unknown;

export const TOOL = { name: "echo", description: "Echoes.", inputSchema: { type: "object" } };

const INITIALIZED = {
  protocolVersion: "2025-06-18",
  capabilities: { tools: {} },
  serverInfo: { name: "hand-written", version: "1" },
};

export const rpc = (id: number | undefined, result: unknown) => ({ jsonrpc: "2.0", id, result });

/** Starts a server that may break the protocol: `answers` override results by their method. */
export function serveByHand(answers: Record<string, Answer>): TestServer {
  const defaults: Record<string, Answer> = {
    "initialize": ({ id }) => rpc(id, INITIALIZED),
    "tools/list": ({ id }) => rpc(id, { tools: [TOOL] }),
    "tools/call": ({ id }) => rpc(id, { content: [{ type: "text", text: "hello" }] }),
  };
  return serve(async (request) => {
    if (request.method !== "POST") return new Response(null, { status: 405 });
    const message: Message = await request.clone().json();
    if (message.id === undefined || message.method === undefined) {
      return new Response(null, { status: 202 });
    }
    const answer = await (answers[message.method] ?? defaults[message.method]!)(message, request);
    if (answer instanceof Response) return answer;
    const body = typeof answer === "string" ? answer : JSON.stringify(answer);
    return new Response(body, { headers: { "content-type": "application/json" } });
  });
}

type ServerInput = Record<string, unknown>;

/** Opens servers. */
export function openSource(
  servers: Record<string, ServerInput>,
  warn: (text: string) => void = () => {},
  clock = patientClock,
): ToolSource & AsyncDisposable {
  const settings = options.parse({
    servers: Object.fromEntries(
      Object.entries(servers).map(([name, server]) => [name, { allow: ["*"], ...server }]),
    ),
  }) as McpSettings;
  const source = createMcpSource(settings, warn, clock);
  return { ...source, [Symbol.asyncDispose]: () => source.close() };
}

export async function listTools(source: ToolSource): Promise<readonly Tool[]> {
  return await waitFor("the tools", source.tools(new AbortController().signal));
}

/** Runs a tool by its name. */
export async function callTool(
  source: ToolSource,
  name: string,
  args: unknown = {},
  context: Partial<ToolContext> = {},
): Promise<ToolResult> {
  const tool = (await listTools(source)).find((tool) => tool.name === name);
  if (tool === undefined) throw new Error(`there is no tool ${name}`);
  const { signal } = new AbortController();
  return await waitFor("a result", tool.run(args, { signal, clock: patientClock, ...context }));
}

export const textOf = ({ content }: ToolResult): string =>
  content.map((part) => part.type === "text" ? part.text : part.url).join("\n");
