import type { ResolvedConfig } from "../../config/resolve.ts";
import type { ReasoningModel } from "../../reasoning/request.ts";
import type { McpSettings } from "../../tools/mcp/settings.ts";
import { toolKinds } from "../../tools/mod.ts";
import type { ToolSource } from "../../tools/tool.ts";
import type { Client } from "../client.ts";
import type { Log } from "../telemetry/log.ts";

type ToolConfig = Pick<ResolvedConfig, "tools" | "onDeploy">;

export type Toolbox = ReturnType<typeof createToolbox>;

interface OpenKind {
  settings: string;
  source: ToolSource;
  borrowers: number;
  isOld: boolean;
}

/** The tools of the current configuration. Each kind is opened once. */
export function createToolbox(config: ToolConfig, log: Log) {
  let mcpServers: ReadonlyMap<string, string | undefined> = new Map();
  const open = new Map<string, OpenKind>();

  function closeIfUnused(kind: OpenKind): Promise<void> | undefined {
    if (kind.isOld && kind.borrowers === 0) return kind.source.close();
  }

  /** Opens the tools of another configuration; those that changed close when no run has them. */
  function update({ tools, onDeploy }: ToolConfig): void {
    const { servers = {} } = (tools.get("mcp") ?? {}) as Partial<McpSettings>;
    mcpServers = new Map(Object.entries(servers).map(([name, { url }]) => [name, url]));
    for (const [name, kind] of open) {
      if (JSON.stringify(tools.get(name)) === kind.settings) continue;
      open.delete(name);
      kind.isOld = true;
      closeIfUnused(kind);
    }
    for (const [name, settings] of tools) {
      if (open.has(name)) continue;
      const warn = (cause: string) => log.warn("Tools are not available", { tool: name, cause });
      const source = toolKinds[name]!.open(settings, { onDeploy, warn });
      open.set(name, { settings: JSON.stringify(settings), source, borrowers: 0, isOld: false });
    }
  }
  update(config);

  return {
    /** Returns the tools of these kinds; one that fails to list its tools is left out. */
    async borrow(names: readonly string[], signal: AbortSignal) {
      const kinds = names.map((name) => open.get(name)).filter((kind) => kind !== undefined);
      for (const kind of kinds) kind.borrowers++;
      const lists = await Promise.all(kinds.map(async ({ source }, index) => {
        try {
          return await source.tools(signal);
        } catch (error) {
          if (signal.aborted) return [];
          log.warn("Tools are not available", { tool: names[index]!, cause: String(error) });
          return [];
        }
      }));
      let isBorrowed = true;
      return {
        tools: lists.flat(),
        /** Called when the run is over. */
        giveBack(): void {
          if (!isBorrowed) return;
          isBorrowed = false;
          for (const kind of kinds) {
            kind.borrowers--;
            closeIfUnused(kind);
          }
        },
      };
    },
    /** Returns the URLs of the configured MCP servers by name; undefined for one without. */
    mcpServers: () => mcpServers,
    update,
    async close(): Promise<void> {
      await Promise.all([...open.values()].map(({ source }) => source.close()));
      open.clear();
    },
  };
}

/** Returns the model with the tools that the client may use. */
export function withAllowedTools(model: ReasoningModel, { key }: Client): ReasoningModel {
  const allowed = key?.tools;
  if (allowed === undefined || model.serverTools.length === 0) return model;
  return { ...model, serverTools: model.serverTools.filter((kind) => allowed.includes(kind)) };
}
