import { APPROVAL_REQUEST } from "../../api/responses/approvals.ts";
import type { AvailableTools, McpSelection } from "../../api/mcp.ts";
import type { McpList, ShownTools, ShownUse } from "../../api/responses/tool_uses.ts";
import type { Item } from "../../api/responses/body.ts";
import type { PublishedModel } from "../../config/published_models.ts";
import type { McpToolName } from "../../api/messages/server_tools.ts";
import { freeName, nameOf } from "../../reasoning/tools/loop.ts";
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

export interface SelectedTools {
  toolbox: Borrowing;
  /** How they are shown in the Responses API, once they are borrowed. */
  shown(): ShownTools;
  /** The tools whose calls the client must approve, by name. */
  askedTools(): ClientTools;
  /** Returns a tool of the MCP server with this label, if the request may use it. */
  find(label: string, name: string): McpTool | undefined;
  /** The tools of MCP servers by name, as the client knows them. */
  mcpTools(): Record<string, McpToolName>;
}

/**
 * Leaves out the tools that a request has not selected, and notes how the others are shown.
 *
 * @param clientTools the client's own tools, whose names are taken.
 * @param context items before the answer. The tools of a server that are among them are not listed again.
 */
export function selectTools(
  toolbox: Borrowing,
  mcp: readonly McpSelection[],
  clientTools: readonly unknown[] = [],
  context: readonly Item[] = [],
): SelectedTools {
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
  return {
    toolbox: {
      ...toolbox,
      async borrow(kinds, signal) {
        const borrowed = await toolbox.borrow(kinds, signal);
        tools = borrowed.tools.flatMap(selected);
        return { ...borrowed, tools: [...tools] };
      },
    },
    askedTools: () =>
      Object.fromEntries(
        mcpTools().filter(({ needsApproval }) => needsApproval).map((tool) => [
          tool.name,
          {
            type: APPROVAL_REQUEST,
            name: tool.toolOfServer,
            server_label: selectionOf(tool)!.label,
            server: tool.server,
          },
        ]),
      ),
    find: (label, name) =>
      mcpTools().find((tool) => tool.toolOfServer === name && selectionOf(tool)!.label === label),
    mcpTools: () =>
      Object.fromEntries(
        mcpTools().map((tool) => [
          tool.name,
          { server: selectionOf(tool)!.label, name: tool.toolOfServer },
        ]),
      ),
    shown() {
      const uses = tools.flatMap((tool): [string, ShownUse][] => {
        if (!isMcpTool(tool)) {
          return Object.hasOwn(USES, tool.name) ? [[tool.name, USES[tool.name]!]] : [];
        }
        const { label } = selectionOf(tool)!;
        return [[tool.name, { type: "mcp_call", server_label: label, name: tool.toolOfServer }]];
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
