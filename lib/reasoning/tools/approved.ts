import type { Tool, ToolResult } from "../../tools/tool.ts";
import type { ReasoningEvent } from "../events.ts";
import type { RunPlan } from "../plan.ts";
import type { Message } from "../request.ts";
import { imagesOf, markedOutput } from "./turns.ts";

/** A call of a tool that the client has approved. */
export interface ApprovedCall {
  /** Id of the approval, and of the call in the messages. */
  id: string;
  tool: Tool;
  /** JSON. */
  arguments: string;
}

/**
 * Runs the calls that the client has approved, and then the request with their results.
 *
 * @param runTool rejects only when aborted.
 */
export async function* afterApproved(
  plan: RunPlan,
  calls: readonly ApprovedCall[],
  runTool: (call: ApprovedCall) => Promise<ToolResult>,
  run: (plan: RunPlan) => AsyncGenerator<ReasoningEvent>,
): AsyncGenerator<ReasoningEvent> {
  const results = await Promise.all(calls.map(runTool));
  const outputs = new Map(
    calls.map(({ id, tool }, index) => [id, markedOutput(tool.name, results[index]!, plan.prompt)]),
  );
  const messages = withResults(plan.request.messages, outputs, results);
  yield* run({ ...plan, request: { ...plan.request, messages } });
}

function withResults(
  messages: readonly Message[],
  outputs: ReadonlyMap<unknown, string>,
  results: readonly ToolResult[],
): Message[] {
  const images = imagesOf(results);
  return [
    ...messages.map((message) => {
      const content = message.role === "tool" ? outputs.get(message.tool_call_id) : undefined;
      return content === undefined ? message : { ...message, content };
    }),
    // Few upstreams take images in the results of tools.
    ...(images.length === 0 ? [] : [{ role: "user" as const, content: images }]),
  ];
}
