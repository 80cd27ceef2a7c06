import { isSystemMessage } from "../../upstream/target.ts";
import type { ReasoningEvent } from "../events.ts";
import type { Message, ReasoningRequest } from "../request.ts";
import { estimatePrompt } from "../usage/estimate.ts";
import { isTooLong } from "./answer.ts";

/** Each time half of the conversation is dropped. */
const MAX_TRIES = 6;

/**
 * Runs a request. While its conversation exceeds the model's context and nothing was shown, the
 * older half is dropped and the request runs again.
 */
export async function* truncating(
  request: ReasoningRequest,
  run: (request: ReasoningRequest) => AsyncGenerator<ReasoningEvent>,
): AsyncGenerator<ReasoningEvent> {
  let { messages } = request;
  for (let tries = 1;; tries++) {
    let hasBegun = false;
    try {
      for await (const event of run({ ...request, messages })) {
        hasBegun ||= event.type !== "status";
        yield event;
      }
      return;
    } catch (error) {
      const rest = withoutOldest(messages);
      if (hasBegun || tries === MAX_TRIES || !isTooLong(error) || rest === undefined) throw error;
      messages = rest;
    }
  }
}

/**
 * Returns the conversation without its older half, from a message of the user on, so that no result
 * loses its call. Instructions before it stay. Undefined if there is no later message of the user.
 */
export function withoutOldest(messages: readonly Message[]): Message[] | undefined {
  const first = messages.findIndex((message) => !isSystemMessage(message));
  const turns = messages.slice(first);
  let left = estimatePrompt(turns) / 2;
  const half = turns.findIndex((message) => (left -= estimatePrompt([message])) <= 0);
  const isUser = ({ role }: Message) => role === "user";
  const after = turns.findIndex((message, index) => index > half && isUser(message));
  const start = after >= 0 ? after : turns.findLastIndex(isUser);
  if (first < 0 || start <= 0) return undefined;
  return [...messages.filter(isSystemMessage).slice(0, first), ...turns.slice(start)];
}
