import type { Client, Progress, Tool as ListedTool } from "@modelcontextprotocol/client";
import { abortable } from "@std/async";
import { type Clock, systemClock } from "../../clock.ts";
import { isObject } from "../../json.ts";
import { startOf } from "../../text.ts";
import { attempt, failureResult, ToolFailure } from "../failure.ts";
import type { Tool, ToolContext, ToolSource } from "../tool.ts";
import { type Connection, createConnection } from "./connection.ts";
import { createKeyFilter } from "./key_filter.ts";
import type { McpSettings, ServerSettings } from "./settings.ts";
import { callResult, toToolResult } from "./result.ts";
import { mcpToolName } from "./tool_name.ts";

const MAX_TOOLS = 128;
const MAX_PAGES = 20;
const MAX_NAME_CHARACTERS = 64;
const MAX_DESCRIPTION_CHARACTERS = 2_000;
const MAX_SCHEMA_CHARACTERS = 20_000;
const MAX_PROGRESS_REPORTS = 100;
const MAX_PROGRESS_CHARACTERS = 200;

/** A server that failed is asked again after this time. */
const RETRY_MS = 30_000;

/** A tool of a server, with the names that the configuration and the server use. */
export interface McpTool extends Tool {
  server: string;
  toolOfServer: string;
}

interface Server {
  connection: Connection;
  tools(signal: AbortSignal): Promise<readonly McpTool[]>;
}

/** @param warn reports a server that is left out. */
export function createMcpSource(
  { servers }: McpSettings,
  warn: (text: string) => void,
  clock: Clock = systemClock,
): ToolSource {
  const opened = Object.entries(servers).map(([name, settings]): Server => {
    const connection = createConnection(settings, clock);
    const load = async () => {
      const { signal } = new AbortController();
      const listed = await connection.use((client) => listTools(client, settings), signal);
      return toTools(name, listed, settings, connection);
    };
    return { connection, tools: remember(load, (reason) => warn(`MCP server ${name}: ${reason}`)) };
  });

  /** Keeps the tools: a server can't change what a model was allowed to use. */
  function remember(
    load: () => Promise<readonly McpTool[]>,
    onFailure: (reason: string) => void,
  ): Server["tools"] {
    let loading: Promise<readonly McpTool[]> | undefined;
    let retryAt = -Infinity;
    return (signal) => {
      if (loading === undefined && clock.now() < retryAt) return Promise.resolve([]);
      loading ??= load().catch((error) => {
        loading = undefined;
        retryAt = clock.now() + RETRY_MS;
        onFailure(
          error instanceof ToolFailure ? error.message : "it sent an invalid list of tools",
        );
        return [];
      });
      return abortable(loading, signal);
    };
  }

  return {
    tools: async (signal) =>
      (await Promise.all(opened.map((server) => server.tools(signal)))).flat(),
    async close() {
      await Promise.all(opened.map(({ connection }) => connection.close()));
    },
  };
}

/** Longest time of a timer. */
const MAX_TIMER_MS = 2_147_483_647;

/** Lists without the client's own method, which would compile the schemas of results to code. */
async function listTools(client: Client, { connect_ms }: ServerSettings): Promise<ListedTool[]> {
  const listed: ListedTool[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const params = cursor === undefined ? {} : { cursor };
    const { tools, nextCursor } = await client.request(
      { method: "tools/list", params },
      { timeout: connect_ms },
    );
    listed.push(...tools);
    cursor = nextCursor;
    if (cursor === undefined) break;
  }
  return listed;
}

function toTools(
  server: string,
  listed: ListedTool[],
  settings: ServerSettings,
  connection: Connection,
): McpTool[] {
  const { allow } = settings;
  const tools = new Map<string, McpTool>();
  for (const { name, description, inputSchema } of listed) {
    if (!allow.includes(name) && !allow.includes("*")) continue;
    const shownName = mcpToolName(server, name);
    const isUsable = shownName.length <= MAX_NAME_CHARACTERS && !tools.has(shownName) &&
      JSON.stringify(inputSchema).length <= MAX_SCHEMA_CHARACTERS;
    if (!isUsable || tools.size >= MAX_TOOLS) continue;
    tools.set(shownName, {
      name: shownName,
      server,
      toolOfServer: name,
      description: startOf(plain(description ?? ""), MAX_DESCRIPTION_CHARACTERS),
      parameters: inputSchema,
      run: (args, context) => call(connection, name, args, settings, context),
    });
  }
  return [...tools.values()];
}

/** Removes characters that people can't see but models read. */
function plain(text: string): string {
  return text.replace(/[^\P{C}\n\t]/gu, "");
}

async function call(
  connection: Connection,
  name: string,
  args: unknown,
  settings: ServerSettings,
  context: ToolContext,
) {
  if (!isObject(args)) return failureResult("Expected an object.");
  const withoutKeys = createKeyFilter(settings.headers);
  let reports = 0;
  const request = { method: "tools/call" as const, params: { name, arguments: { ...args } } };
  return await attempt(context, settings.time_ms, async (signal) => {
    const options = {
      signal,
      // Not the limit, which is the signal: on a busy machine two timers may fire in either order.
      timeout: MAX_TIMER_MS,
      onprogress({ message, progress, total }: Progress) {
        if (++reports > MAX_PROGRESS_REPORTS) return;
        const text = message ?? (total === undefined ? `${progress}` : `${progress} of ${total}`);
        context.onProgress?.(startOf(withoutKeys(plain(text)), MAX_PROGRESS_CHARACTERS));
      },
    };
    const result = await connection.use(
      (client) => client.request(request, callResult, options),
      signal,
    );
    return toToolResult(result, settings.max_characters, withoutKeys);
  });
}
