import type { ToolKind, ToolSource } from "../tool.ts";
import { options } from "./settings.ts";

export const mcp: ToolKind<typeof options> = {
  options,
  fault(_host, { servers }) {
    for (const [name, { command }] of Object.entries(servers)) {
      if (command === undefined) continue;
      const { state } = Deno.permissions.querySync({ name: "run", command });
      if (state !== "granted") {
        return `start Deno with --allow-run=${command} for the server '${name}'`;
      }
    }
    return undefined;
  },
  open(settings, { warn = () => {} }): ToolSource {
    let opening: Promise<ToolSource> | undefined;
    const open = async () => {
      const { createMcpSource } = await import("./source.ts");
      return createMcpSource(settings, warn);
    };
    return {
      tools: async (signal) => await (await (opening ??= open())).tools(signal),
      close: async () => await (await opening)?.close(),
    };
  },
};
