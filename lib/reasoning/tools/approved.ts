import type { Tool, ToolResult } from "../../tools/tool.ts";
import type { ReasoningEvent } from "../events.ts";
import type { RunPlan } from "../plan.ts";
import { imagesOf, markedOutput } from "./turns.ts";

/** A call of a tool that the client has approved. */
export interface ApprovedCall {
  /** Id of the approval, and of the call in the messages. */
  id: string;
  tool: Tool;
  /** Arguments of the call as JSON. */
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
  const outputs = new Map<unknown, string>(
    calls.map(({ id, tool }, i) => [id, markedOutput(tool.name, results[i]!, plan.prompt)]),
  );
  const messages = plan.request.messages.map((message) => {
    const content = message.role === "tool" ? outputs.get(message.tool_call_id) : undefined;
    return content === undefined ? message : { ...message, content };
  });
  const images = imagesOf(results);
  // Few upstreams take images in the results of tools.
  if (images.length > 0) messages.push({ role: "user", content: images });
  yield* run({ ...plan, request: { ...plan.request, messages } });
}
