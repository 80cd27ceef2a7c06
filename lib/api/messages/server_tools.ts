/**
 * Tools of the Messages API that run on the server.
 *
 * @see {@link https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/overview}
 */
import type { ToolOutputEvent, ToolStartEvent, ToolUseEvent } from "../../reasoning/events.ts";
import { outputText } from "../../reasoning/tools/turns.ts";
import type { DomainRule, ToolRules } from "../../reasoning/tools/use_limits.ts";
import { newId } from "../ids.ts";
import type { Tool } from "./body.ts";

/** The name of a tool to the client, by its name in the configuration. */
const NAMES = {
  code: "code_execution",
  web_search: "web_search",
  fetch: "web_fetch",
} as const;

type Kind = keyof typeof NAMES;

const DATE_REGEXP = /_\d{8}$/;

/** Returns the kind of a tool of Anthropic's servers, if this server has one of the same purpose. */
export function kindOf({ type }: Tool): Kind | undefined {
  if (!type || !DATE_REGEXP.test(type)) return undefined;
  const name = type.replace(DATE_REGEXP, "");
  return (Object.keys(NAMES) as Kind[]).find((kind) => NAMES[kind] === name);
}

export function rulesOf(tools: readonly Tool[]): ToolRules {
  const maxRunsOf: Record<string, number> = {};
  const pages: Record<string, DomainRule> = {};
  for (const tool of tools) {
    const { max_uses, allowed_domains, blocked_domains } = tool;
    const kind = kindOf(tool)!;
    if (max_uses) maxRunsOf[kind] = max_uses;
    if (allowed_domains || blocked_domains) {
      pages[kind] = {
        allowed: allowed_domains ?? undefined,
        blocked: blocked_domains ?? undefined,
      };
    }
  }
  return { maxRunsOf, domains: pages };
}

/** A use with its result, as blocks of content. */
export interface ShownUse {
  id: string;
  name: string;
  /** Name of the MCP server whose tool it is. */
  server?: string | undefined;
  /** Arguments of the call as JSON. */
  input: string;
  result: Record<string, unknown>;
}

/** A tool of an MCP server, as the client knows it. */
export interface McpToolName {
  server: string;
  name: string;
}

export interface KnownTools {
  kinds: readonly string[];
  /** The tools of MCP servers by name. */
  mcpTools: Readonly<Record<string, McpToolName>>;
}

/** Collects the uses of tools that have ended, until the answer begins. */
export function createShownUses({ kinds, mcpTools }: KnownTools) {
  const open = new Map<string, { start: ToolStartEvent; output?: ToolOutputEvent }>();
  const ended: ShownUse[] = [];
  return {
    add(event: ToolUseEvent): void {
      const use = open.get(event.id);
      if (event.type === "tool_start") {
        const isKnown = kinds.includes(event.name) || Object.hasOwn(mcpTools, event.name);
        if (isKnown) open.set(event.id, { start: event });
      } else if (use !== undefined && event.type === "tool_output") {
        if (!event.isProgress) use.output = event;
      } else if (use !== undefined && event.type === "tool_end") {
        const { name, arguments: input } = use.start;
        const mcpTool = Object.hasOwn(mcpTools, name) ? mcpTools[name] : undefined;
        const kind = mcpTool === undefined ? name as Kind : "mcp";
        const id = newId(kind === "mcp" ? "mcptoolu_" : "srvtoolu_", 24);
        const result = resultBlock(kind, id, use.output, event.isError);
        ended.push({ id, ...mcpTool ?? { name: NAMES[name as Kind] }, input, result });
      }
    },
    take: (): ShownUse[] => ended.splice(0),
  };
}

function resultBlock(
  kind: Kind | "mcp",
  tool_use_id: string,
  output: ToolOutputEvent | undefined,
  isError: boolean,
): Record<string, unknown> {
  const { content = [], citations = [] } = output ?? {};
  if (kind === "web_search") {
    return {
      type: "web_search_tool_result",
      tool_use_id,
      content: isError
        ? { type: "web_search_tool_result_error", error_code: "unavailable" }
        : citations.map(({ url, title }) => ({
          type: "web_search_result",
          url,
          title,
          // Only Anthropic's own search needs it back.
          encrypted_content: "",
          page_age: null,
        })),
    };
  }
  const text = outputText({ content });
  if (kind === "mcp") {
    const parts = [{ type: "text", text }];
    return { type: "mcp_tool_result", tool_use_id, is_error: isError, content: parts };
  }
  if (kind === "fetch") {
    const [page] = citations;
    return {
      type: "web_fetch_tool_result",
      tool_use_id,
      content: isError || page === undefined
        ? { type: "web_fetch_tool_result_error", error_code: "unavailable" }
        : {
          type: "web_fetch_result",
          url: page.url,
          content: {
            type: "document",
            source: { type: "text", media_type: "text/plain", data: text },
            title: page.title,
            citations: null,
          },
          retrieved_at: null,
        },
    };
  }
  return {
    type: "code_execution_tool_result",
    tool_use_id,
    content: {
      type: "code_execution_result",
      stdout: isError ? "" : text,
      stderr: isError ? text : "",
      return_code: isError ? 1 : 0,
      content: [],
    },
  };
}
