import { type ReasoningEvent, UpstreamError } from "../events.ts";
import type { Message, ReasoningRequest } from "../request.ts";
import { isSystemMessage } from "../../upstream/target.ts";
import { estimatePrompt } from "../usage/estimate.ts";

export { isSystemMessage } from "../../upstream/target.ts";

const PROMPT =
  `Summarise this conversation for yourself, so that you can continue it without reading it again. Keep the user's goals and instructions, decisions and their reasons, facts, names, numbers, paths and code that are still needed, results of tools, and what remains to be done. Write the summary alone.`;

/** The messages that ask a model to summarise a conversation. */
export function askForSummary(messages: readonly Message[]): Message[] {
  return [...messages, { role: "user", content: PROMPT }];
}

/** The message that takes the place of the conversation that was summarised. */
export function summaryMessage(summary: string): Message {
  return { role: "user", content: `Summary of our conversation so far:\n\n${summary}` };
}

/**
 * Whether a request asks for a summary, or its prompt exceeds its threshold and has older turns to
 * summarise.
 */
export function needsCompaction(request: ReasoningRequest): boolean {
  const { compactAbove = Infinity, compactsOnly, messages, final } = request;
  if (compactsOnly) return true;
  if (compactAbove === Infinity) return false;
  const turn = new Set(latestTurn(messages));
  return messages.some((message) => !isSystemMessage(message) && !turn.has(message)) &&
    estimatePrompt(messages, final.tools) > compactAbove;
}

/**
 * Summarises the conversation, then runs the request with the summary and the latest turn. The
 * summary covers that turn too, because the next request begins with it. An empty summary is ignored,
 * unless the summary is all that the request asks for.
 *
 * @param summarise runs the request for the summary.
 */
export async function* compacting(
  request: ReasoningRequest,
  summarise: (request: ReasoningRequest) => AsyncGenerator<ReasoningEvent>,
  run: (request: ReasoningRequest) => AsyncGenerator<ReasoningEvent>,
): AsyncGenerator<ReasoningEvent> {
  const { compactsOnly, messages, stream } = request;
  let summary = "";
  for await (const event of summarise({ messages: askForSummary(messages), stream, final: {} })) {
    if (event.type === "answer") summary += event.text;
  }
  summary = summary.trim();
  if (summary === "") {
    if (compactsOnly) throw new UpstreamError("upstream_error", "The model wrote no summary.");
    return yield* run(request);
  }
  yield { type: "compaction", summary };
  if (compactsOnly) return yield { type: "finish", reason: "stop" };
  const turn = new Set(latestTurn(messages));
  const instructions = messages.filter((message) => isSystemMessage(message) && !turn.has(message));
  yield* run({ ...request, messages: [...instructions, summaryMessage(summary), ...turn] });
}

/** What the model is to answer: the user's last messages, or the last calls with their results. */
function latestTurn(messages: readonly Message[]): Message[] {
  const last = messages.findLastIndex(({ role }) => role === "assistant");
  const isUser = ({ role }: Message) => role === "user";
  // The client has begun the answer.
  if (last === messages.length - 1) return messages.slice(messages.findLastIndex(isUser));
  if (messages[last + 1]!.role !== "tool") return messages.slice(last + 1);
  const question = messages.slice(0, last).findLast(isUser);
  return [...question === undefined ? [] : [question], ...messages.slice(last)];
}
