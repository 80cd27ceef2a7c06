/**
 * Tools of the Responses API that run on the server.
 *
 * @see {@link https://platform.openai.com/docs/guides/tools}
 */
import { isObject } from "../../json.ts";
import type { DomainRule } from "../../reasoning/tools/use_limits.ts";
import { type AvailableTools, type McpSelection, serverAt } from "../mcp.ts";
import type { Tool } from "./body.ts";

/** What a request uses of the server's own tools. */
export interface HostedTools {
  kinds: string[];
  mcp: McpSelection[];
  /** Which pages the search may use. */
  pages?: DomainRule | undefined;
}

/** Kinds of the configuration, by the type of the hosted tool. The first kind is required. */
const KINDS = {
  code_interpreter: ["code"],
  web_search: ["web_search", "fetch"],
  mcp: ["mcp"],
} as const;

type HostedType = keyof typeof KINDS;

/** Clients send old and dated names as well. */
const WEB_SEARCH_REGEXP = /^web_search(_preview)?(_\d{4}_\d{2}_\d{2})?$/;

function hostedType(type: string): HostedType | undefined {
  if (type === "code_interpreter" || type === "mcp") return type;
  return WEB_SEARCH_REGEXP.test(type) ? "web_search" : undefined;
}

type Choice = Readonly<Record<string, unknown>> & { type: string };

export function createHostedTools({ kinds, mcpServers }: AvailableTools) {
  const types = new Set<HostedType>();
  let mcp: McpSelection[] = [];
  let pages: DomainRule | undefined;
  let isDeclared = false;

  function isServed(choice: Choice): boolean {
    const type = hostedType(choice.type);
    if (type !== "mcp") return type !== undefined && types.has(type);
    return mcp.some(isChosenBy(choice));
  }

  return {
    isServed,
    /** Returns the configuration's name of a server with this label, if it is declared. */
    serverOf: (label: unknown): string | undefined =>
      mcp.find((selection) => selection.label === label)?.server,
    isEmpty: () => types.size === 0,
    /** Returns false for a tool that is not served. */
    declare(tool: Tool): boolean {
      const type = hostedType(tool.type);
      // Without it the request would get all tools, and no call would need the client's approval.
      if (type === "mcp") isDeclared = true;
      if (type === undefined || !kinds.includes(KINDS[type][0])) return false;
      if (type === "mcp") {
        const selection = selectTools(tool, mcpServers);
        const isNew = mcp.every(({ server, label }) =>
          server !== selection?.server && label !== selection?.label
        );
        if (selection === undefined || !isNew) return false;
        mcp.push(selection);
      }
      const { filters } = tool;
      if (type === "web_search" && filters) {
        pages ??= {
          allowed: filters.allowed_domains ?? undefined,
          blocked: filters.blocked_domains ?? undefined,
        };
      }
      types.add(type);
      isDeclared = true;
      return true;
    },
    /** Removes the tools that are not chosen. */
    keep(choices: readonly Choice[]): void {
      const kept = new Set(choices.filter(isServed).map(({ type }) => hostedType(type)!));
      for (const type of types) if (!kept.has(type)) types.delete(type);
      mcp = mcp.flatMap((selection) => {
        const chosen = choices.filter((choice) => isChosenBy(choice)(selection));
        if (chosen.length === 0) return [];
        const names = chosen.flatMap(({ name }) => typeof name === "string" ? name : []);
        return names.length < chosen.length ? selection : { ...selection, names };
      });
    },
    /** Returns undefined if the request has declared none that is served, and no MCP server. */
    selected(): HostedTools | undefined {
      if (!isDeclared) return undefined;
      const wanted = [...types].flatMap((type): readonly string[] => KINDS[type]);
      return { kinds: wanted.filter((kind) => kinds.includes(kind)), mcp, pages };
    },
  };
}

const isChosenBy = ({ type, server_label, name }: Choice) => ({ label, names }: McpSelection) =>
  type === "mcp" && server_label === label &&
  (typeof name !== "string" || names === undefined || names.includes(name));

/** Returns what a tool of the type `mcp` may use; undefined for a server that is not configured. */
function selectTools(tool: Tool, servers: AvailableTools["mcpServers"]): McpSelection | undefined {
  const { server_label: label, server_url: url, allowed_tools } = tool;
  if (typeof label !== "string" || label === "") return undefined;
  const server = serverAt(url, label, servers);
  if (server === undefined) return undefined;
  const names = toolNames(allowed_tools);
  // A filter by anything but names can't be applied.
  if (names === undefined && allowed_tools) return undefined;
  const approval = approvalOf(tool);
  return { server, label, ...(names && { names }), ...(approval && { approval }) };
}

/** OpenAI's default is to ask. A filter by anything but names exempts no tool. */
function approvalOf({ require_approval: rule }: Tool): McpSelection["approval"] {
  if (rule === "never") return undefined;
  if (typeof rule !== "object" || rule === null) return { except: [] };
  const never = toolNames(rule.never) ?? [];
  const always = rule.always ? toolNames(rule.always) ?? never : [];
  return { except: never.filter((name) => !always.includes(name)) };
}

/** Reads a list of names, or an object with `tool_names` and nothing else. */
function toolNames(filter: unknown): string[] | undefined {
  const list = Array.isArray(filter) ? filter : onlyNames(filter);
  if (!Array.isArray(list)) return undefined;
  return list.filter((name) => typeof name === "string");
}

function onlyNames(filter: unknown): unknown {
  if (!isObject(filter)) return undefined;
  const { tool_names, ...others } = filter;
  return Object.keys(others).length === 0 ? tool_names : undefined;
}
