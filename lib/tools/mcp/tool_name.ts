/** Returns the name by which models call a tool of an MCP server. */
export function mcpToolName(server: string, tool: string): string {
  return `${server}__${tool.replace(/[^\w-]/g, "_")}`;
}
