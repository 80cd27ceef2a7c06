import { tryParse } from "../../json.ts";
import type { Clock } from "../../clock.ts";
import { failureResult } from "../../tools/failure.ts";
import type { Tool, ToolResult } from "../../tools/tool.ts";
import type { ToolUseEvent } from "../events.ts";
import type { RunObserver, ToolRun } from "../observer.ts";
import { type Call, outputText } from "./turns.ts";
import type { ToolUseCounter } from "./use_limits.ts";

export interface RunnerOptions {
  clock: Clock;
  toolUses: ToolUseCounter;
  /** Called for each event of a tool's use. */
  onToolUse?: (event: ToolUseEvent) => void;
  observer?: Pick<RunObserver, "tool"> | undefined;
  recorder?: { tool(run: WholeRun): void } | undefined;
}

/** The result of a call that is not run. */
export const NOT_RUN = failureResult(
  "Not run: this was one call too many. Answer with what you have.",
);

/** A run of a tool, with what it was about. */
export interface WholeRun extends Pick<ToolRun, "name" | "outcome"> {
  /** Number of the strategy's call that led to it. */
  task: number;
  /** Time on the clock, in milliseconds. */
  start: number;
  /** Arguments of the call as JSON. */
  arguments: string;
  output: string;
}

/** Returns a function that runs tools for a run's calls, and never rejects unless it is aborted. */
export function createToolRunner(
  { clock, toolUses: uses, onToolUse: onEvent = () => {}, observer, recorder }: RunnerOptions,
) {
  /** @param approval id of the client's approval, if the call needed it. */
  return async (
    tool: Tool,
    call: Pick<Call, "arguments">,
    signal: AbortSignal,
    task: number,
    approval?: string,
  ): Promise<ToolResult> => {
    const { name } = tool;
    const id = uses.begin(name);
    if (id === undefined) return NOT_RUN;
    const start = clock.now();
    const approved = approval === undefined ? {} : { approval };
    onEvent({ type: "tool_start", id, name, arguments: call.arguments, ...approved });
    let outcome: ToolRun["outcome"] = "cancelled";
    let output = "";
    try {
      const result = await runTool(tool, call.arguments, {
        signal,
        clock,
        ...uses.pages(name),
        onProgress(text) {
          const content = [{ type: "text" as const, text }];
          onEvent({ type: "tool_output", id, content, isProgress: true });
        },
      });
      signal.throwIfAborted();
      outcome = result.isError ? "error" : "ok";
      output = outputText(result);
      const { content, citations } = result;
      const sources = citations === undefined ? {} : { citations };
      onEvent({ type: "tool_output", id, content, ...sources, isProgress: false });
      return result;
    } finally {
      const ms = clock.now() - start;
      const bytes = new TextEncoder().encode(output).length;
      observer?.tool?.({ name, ms, bytes, outcome });
      recorder?.tool({ task, name, outcome, start, arguments: call.arguments, output });
      onEvent({ type: "tool_end", id, name, isError: outcome !== "ok", seconds: ms / 1000 });
    }
  };
}

async function runTool(
  tool: Tool,
  json: string,
  context: Parameters<Tool["run"]>[1],
): Promise<ToolResult> {
  const args = tryParse(json.trim() || "{}");
  if (args === undefined) return failureResult("The arguments are not valid JSON.");
  try {
    return await tool.run(args, context);
  } catch {
    context.signal.throwIfAborted();
    return failureResult("The tool failed.");
  }
}
