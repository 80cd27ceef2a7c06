import { APPROVAL_REQUEST } from "../../api/responses/approvals.ts";
import type { AvailableTools, McpSelection } from "../../api/mcp.ts";
import type { McpList, ShownTools, ShownUse } from "../../api/responses/tool_uses.ts";
import type { Item } from "../../api/responses/body.ts";
import type { PublishedModel } from "../../config/published_models.ts";
import type { McpToolName } from "../../api/messages/server_tools.ts";
import { freeName, nameOf } from "../../reasoning/tools/turns.ts";
import type { ClientTools } from "../../api/responses/tools.ts";
import { mcpToolName } from "../../tools/mcp/tool_name.ts";
import type { McpTool } from "../../tools/mcp/source.ts";
import type { Tool } from "../../tools/tool.ts";
import type { Client } from "../client.ts";
import { type Toolbox, withAllowedTools } from "./toolbox.ts";

type Borrowing = Pick<Toolbox, "borrow" | "mcpServers">;

/** Returns the server's own tools that a client may use with a model. */
export function availableTools(
  { reasoning }: PublishedModel,
  client: Client,
  toolbox: Borrowing,
): AvailableTools {
  return {
    kinds: withAllowedTools(reasoning, client).serverTools,
    mcpServers: toolbox.mcpServers(),
    mcpToolName,
  };
}

const USES: Readonly<Record<string, ShownUse>> = {
  code: { type: "code_interpreter_call" },
  web_search: { type: "web_search_call" },
  fetch: { type: "web_search_call" },
};

export type SelectedTools = ReturnType<typeof selectTools>;

/**
 * Leaves out the tools that a request has not selected. What it returns of the others is known once
 * they are borrowed.
 *
 * @param clientTools the client's own tools, whose names are taken.
 * @param context items before the answer. The tools of a server that are among them are not listed again.
 */
export function selectTools(
  toolbox: Borrowing,
  mcp: readonly McpSelection[],
  clientTools: readonly unknown[] = [],
  context: readonly Item[] = [],
) {
  const listed = new Set(
    context.flatMap(({ type, server_label }) => type === "mcp_list_tools" ? [server_label] : []),
  );
  const selectionOf = ({ server, toolOfServer }: McpTool) =>
    mcp.find((selection) =>
      selection.server === server && (selection.names?.includes(toolOfServer) ?? true) &&
      !(selection.except?.includes(toolOfServer) ?? false)
    );
  const taken = new Set(clientTools.map(nameOf));
  function selected(tool: Tool): Tool[] {
    if (!isMcpTool(tool)) return [tool];
    const selection = selectionOf(tool);
    if (selection === undefined) return [];
    const { approval } = selection;
    if (approval === undefined || approval.except.includes(tool.toolOfServer)) return [tool];
    const asked: McpTool = { ...tool, name: freeName(tool.name, taken), needsApproval: true };
    return [asked];
  }
  let tools: readonly Tool[] = [];
  const mcpTools = () => tools.filter(isMcpTool);
  const labelOf = (tool: McpTool) => selectionOf(tool)!.label;
  const borrowing: Borrowing = {
    ...toolbox,
    async borrow(kinds, signal) {
      const borrowed = await toolbox.borrow(kinds, signal);
      tools = borrowed.tools.flatMap(selected);
      return { ...borrowed, tools: [...tools] };
    },
  };
  return {
    toolbox: borrowing,
    /** The tools whose calls the client must approve, by name. */
    askedTools(): ClientTools {
      const asked = mcpTools().filter(({ needsApproval }) => needsApproval);
      return Object.fromEntries(asked.map((tool) => {
        const { server, toolOfServer } = tool;
        const server_label = labelOf(tool);
        return [tool.name, { type: APPROVAL_REQUEST, name: toolOfServer, server_label, server }];
      }));
    },
    /** Returns a tool of the MCP server with this label, if the request may use it. */
    find: (label: string, name: string): McpTool | undefined =>
      mcpTools().find((tool) => tool.toolOfServer === name && labelOf(tool) === label),
    /** The tools of MCP servers by name, as the client knows them. */
    mcpTools(): Record<string, McpToolName> {
      return Object.fromEntries(
        mcpTools().map((tool) => [tool.name, { server: labelOf(tool), name: tool.toolOfServer }]),
      );
    },
    /** How they are shown in the Responses API. */
    shown(): ShownTools {
      const uses = tools.flatMap((tool): [string, ShownUse][] => {
        const { name } = tool;
        if (!isMcpTool(tool)) return Object.hasOwn(USES, name) ? [[name, USES[name]!]] : [];
        const server_label = labelOf(tool);
        return [[name, { type: "mcp_call", server_label, name: tool.toolOfServer }]];
      });
      const lists = mcp.filter(({ label }) => !listed.has(label)).map(
        ({ server, label }): McpList => {
          const found = mcpTools().filter((tool) => tool.server === server);
          return {
            server_label: label,
            tools: found.map(({ toolOfServer: name, description, parameters: input_schema }) => ({
              name,
              description,
              input_schema,
            })),
            ...(found.length === 0 ? { error: "The server has no tool that can be used." } : {}),
          };
        },
      );
      return { uses: Object.fromEntries(uses), lists };
    },
  };
}

function isMcpTool(tool: Tool): tool is McpTool {
  return "toolOfServer" in tool;
}
