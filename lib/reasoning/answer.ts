/**
 * The visible call of a strategy: what the upstream writes becomes the client's answer.
 *
 * @module
 */
import type { FinishReason, ReasoningEvent } from "./events.ts";
import type { CallSpec, StrategyContext } from "./strategy.ts";

/**
 * Calls upstream for the answer and passes it on. The upstream's own reasoning before it becomes
 * an untitled step; reasoning after the answer has begun is dropped, since clients can't take it.
 *
 * @param step the number of that step.
 */
export async function* relayAnswer(
  context: StrategyContext,
  spec: CallSpec,
  step: number,
): AsyncGenerator<ReasoningEvent> {
  const start = context.clock.now();
  let thinking: string[] | undefined;
  let answering = false;
  let reason: FinishReason = "stop";
  let tools = false;
  for await (const delta of context.call({ ...spec, visible: true })) {
    if (delta.reasoning !== undefined && !answering) {
      if (thinking === undefined) {
        thinking = [];
        yield { type: "step_start", step, titled: false };
      }
      thinking.push(delta.reasoning);
      yield { type: "reasoning", step, part: "content", text: delta.reasoning };
    }
    const visible = delta.content !== undefined ||
      delta.refusal !== undefined ||
      delta.toolCalls !== undefined;
    if (visible && !answering) {
      answering = true;
      if (thinking !== undefined) yield end(thinking);
    }
    if (delta.content !== undefined) {
      yield { type: "answer", text: delta.content };
    }
    if (delta.refusal !== undefined) {
      yield { type: "refusal", text: delta.refusal };
    }
    for (const call of delta.toolCalls ?? []) {
      tools = true;
      yield { type: "tool_call", ...call };
    }
    if (delta.finishReason !== undefined) reason = delta.finishReason;
  }
  if (!answering && thinking !== undefined) yield end(thinking);
  yield {
    type: "finish",
    reason: tools && reason === "stop" ? "tool_calls" : reason,
  };

  function end(pieces: string[]): ReasoningEvent {
    const seconds = (context.clock.now() - start) / 1000;
    return {
      type: "step_end",
      step,
      title: "",
      content: pieces.join(""),
      seconds,
    };
  }
}
