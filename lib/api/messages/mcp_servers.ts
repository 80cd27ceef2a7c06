/**
 * MCP servers of a request of the Messages API.
 *
 * @see {@link https://docs.anthropic.com/en/docs/agents-and-tools/mcp-connector}
 */
import { type AvailableTools, type McpSelection, serverAt } from "../mcp.ts";
import type { PromptBody, Tool } from "./body.ts";

export const isToolset = ({ type }: Tool): boolean => type === "mcp_toolset";

/**
 * Returns what a request may use of the configured servers. No other address is called.
 *
 * @returns also whether a server is not served.
 */
export function selectServers(
  { mcp_servers, tools, tool_choice }: PromptBody,
  { kinds, mcpServers }: AvailableTools,
): { mcp: McpSelection[]; hasOthers: boolean } {
  const toolsets = (tools ?? []).filter(isToolset);
  const mcp: McpSelection[] = [];
  let hasOthers = false;
  for (const { name, url, tool_configuration } of mcp_servers ?? []) {
    const server = kinds.includes("mcp") ? serverAt(url, name, mcpServers) : undefined;
    const isNew = mcp.every((selection) => selection.server !== server && selection.label !== name);
    if (server === undefined || !isNew) {
      hasOthers = true;
      continue;
    }
    const toolset = toolsets.find(({ mcp_server_name }) => mcp_server_name === name);
    // The newer form of the API has toolsets, and the older one configurations of the servers.
    const isOff = tool_configuration?.enabled === false ||
      toolset === undefined && toolsets.length > 0;
    if (isOff) continue;
    const names = tool_configuration?.allowed_tools ?? undefined;
    mcp.push({ server, label: name, ...(names && { names }), ...namesOf(toolset) });
  }
  const isForbidden = tool_choice?.type === "none" || tool_choice?.type === "tool";
  return { mcp: isForbidden ? [] : mcp, hasOthers };
}

function namesOf(toolset: Tool | undefined): Pick<McpSelection, "names" | "except"> {
  if (toolset === undefined) return {};
  const { default_config, configs } = toolset;
  const set = Object.entries(configs ?? {});
  return default_config?.enabled === false
    ? { names: set.flatMap(([name, { enabled }]) => enabled === true ? [name] : []) }
    : { except: set.flatMap(([name, { enabled }]) => enabled === false ? [name] : []) };
}
