import type { Clock } from "../../clock.ts";
import type { Tool, ToolResult } from "../../tools/tool.ts";
import type { ToolUseEvent } from "../events.ts";
import type { RunObserver } from "../observer.ts";
import { type Call, outputText } from "./turns.ts";

export interface RunnerOptions {
  clock: Clock;
  /** Called for each event of a use. */
  onEvent: (event: ToolUseEvent) => void;
  observer: Pick<RunObserver, "tool"> | undefined;
}

/** Returns a function that runs tools for a run's calls, and never rejects unless it is aborted. */
export function createToolRunner({ clock, onEvent, observer }: RunnerOptions) {
  let uses = 0;
  return async (tool: Tool, call: Call, signal: AbortSignal): Promise<ToolResult> => {
    const id = `tool_${++uses}`;
    const { name } = tool;
    const start = clock.now();
    onEvent({ type: "tool_start", id, name, arguments: call.arguments });
    let outcome: "ok" | "error" | "cancelled" = "cancelled";
    let bytes = 0;
    try {
      const result = await runTool(tool, call.arguments, {
        signal,
        clock,
        onProgress(text) {
          const content = [{ type: "text" as const, text }];
          onEvent({ type: "tool_output", id, content, isProgress: true });
        },
      });
      signal.throwIfAborted();
      outcome = result.isError ? "error" : "ok";
      bytes = new TextEncoder().encode(outputText(result)).length;
      const { content, citations } = result;
      const sources = citations === undefined ? {} : { citations };
      onEvent({ type: "tool_output", id, content, ...sources, isProgress: false });
      return result;
    } finally {
      const ms = clock.now() - start;
      observer?.tool?.({ name, ms, bytes, outcome });
      onEvent({ type: "tool_end", id, name, isError: outcome !== "ok", seconds: ms / 1000 });
    }
  };
}

async function runTool(
  tool: Tool,
  json: string,
  context: Parameters<Tool["run"]>[1],
): Promise<ToolResult> {
  const failed = (text: string): ToolResult => ({
    content: [{ type: "text", text }],
    isError: true,
  });
  let args: unknown;
  try {
    args = JSON.parse(json.trim() || "{}");
  } catch {
    return failed("The arguments are not valid JSON.");
  }
  try {
    return await tool.run(args, context);
  } catch {
    context.signal.throwIfAborted();
    return failed("The tool failed.");
  }
}
