/** The server's own tools that a client may use with a model. */
export interface AvailableTools {
  kinds: readonly string[];
  /** URLs of the MCP servers by name; undefined for one without. */
  mcpServers: ReadonlyMap<string, string | undefined>;
  /** Returns the name by which models call a tool of an MCP server. */
  mcpToolName(server: string, tool: string): string;
}

export const NO_TOOLS: AvailableTools = {
  kinds: [],
  mcpServers: new Map(),
  mcpToolName: (_server, tool) => tool,
};

/** The tools of an MCP server that a request may use. */
export interface McpSelection {
  /** Name in the configuration. */
  server: string;
  /** Name that the client has given it. */
  label: string;
  /** Names of its tools. Default: all that the configuration allows. */
  names?: string[];
  /** Names of tools that it may not use. */
  except?: string[];
  /** The client approves each call, except those of these tools. Default: it approves none. */
  approval?: { except: readonly string[] };
}

/** Returns the name of a configured server; undefined for an address that is not configured. */
export function serverAt(
  url: unknown,
  label: string,
  servers: AvailableTools["mcpServers"],
): string | undefined {
  if (!url) return servers.has(label) ? label : undefined;
  const wanted = typeof url === "string" ? URL.parse(url)?.href : undefined;
  if (wanted === undefined) return undefined;
  for (const [name, address] of servers) {
    if (address !== undefined && URL.parse(address)?.href === wanted) return name;
  }
}
