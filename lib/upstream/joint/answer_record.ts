import { type Conversation, rememberAnswer, type ToolReasoning } from "../tool_reasoning.ts";
import type { Delta } from "../wire/deltas.ts";
import { joinState, type MessageState } from "../wire/message_state.ts";

export type AnswerRecord = ReturnType<typeof createAnswerRecord>;

/**
 * Collects what must be remembered of an answer while it arrives.
 *
 * @param isAnswer whether the client may send the answer back as a message.
 */
export function createAnswerRecord(isAnswer: boolean) {
  const callIds: string[] = [];
  const idsByIndex = new Map<number, string>();
  const extras = new Map<string, unknown>();
  const state: MessageState[] = [];
  let reasoning = "";
  let text = "";
  const hasState = () => extras.size > 0 || state.length > 0;
  const hasReasonedCalls = () => callIds.length > 0 && reasoning !== "";
  return {
    add(delta: Delta): void {
      reasoning += delta.reasoning ?? "";
      if (isAnswer) text += delta.content ?? "";
      for (const { index, id, extra } of delta.toolCalls ?? []) {
        if (id !== undefined) {
          callIds.push(id);
          idsByIndex.set(index, id);
        }
        if (extra !== undefined) extras.set(idsByIndex.get(index) ?? "", extra);
      }
      if (delta.state !== undefined) state.push(...delta.state);
    },
    /** Whether the provider wants something back with the answer. */
    hasState,
    /** Whether there is anything to remember. */
    mustBeKept: () => hasState() || hasReasonedCalls(),
    async remember(memory: ToolReasoning, conversation: Conversation): Promise<void> {
      await rememberAnswer(memory, conversation, {
        callIds,
        text: isAnswer ? text : undefined,
        reasoning: hasReasonedCalls() ? reasoning : "",
        state: joinState(state),
        extras,
      });
    },
  };
}
