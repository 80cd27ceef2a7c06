import type { Message } from "../reasoning/request.ts";

/** A message, with the results of its calls. */
interface Turn {
  message: Message;
  results: Message[];
  /** Ids of calls whose result is still to come. */
  waiting: Set<unknown>;
}

/**
 * Puts the results of tool calls right after the message with the calls, where upstreams want them.
 * Text directly after the calls, before all results, becomes part of that message; other messages
 * between a call and its result follow the results.
 */
export function withResultsAfterCalls(messages: readonly Message[]): Message[] {
  const resultIds = new Set(messages.map(({ tool_call_id: id }) => id));
  const turns: Turn[] = [];
  /** Turns by the id of a call. A later turn may use the same id again. */
  const callers = new Map<unknown, Turn>();
  for (const message of messages) {
    const caller = message.role === "tool" ? callers.get(message.tool_call_id) : undefined;
    if (caller !== undefined) {
      caller.results.push(message);
      caller.waiting.delete(message.tool_call_id);
      continue;
    }
    let turn = turns.at(-1);
    if (message.role === "assistant" && turn?.waiting.size) append(turn.message, message);
    else turns.push(turn = { message, results: [], waiting: new Set() });
    for (const id of message.role === "assistant" ? callIds(message) : []) {
      callers.set(id, turn);
      if (resultIds.has(id)) turn.waiting.add(id);
    }
  }
  return turns.flatMap(({ message, results }) => [message, ...results]);
}

function callIds({ tool_calls }: Message): unknown[] {
  return Array.isArray(tool_calls) ? tool_calls.map((call) => call?.id) : [];
}

/** Adds the content and the calls of a message to another. */
function append(to: Message, { content, tool_calls, ...rest }: Message): void {
  const calls = [to.tool_calls, tool_calls].flatMap((calls) => Array.isArray(calls) ? calls : []);
  Object.assign(to, { ...rest, ...to, tool_calls: calls });
  if (!content) return;
  if (!to.content) to.content = content;
  else if (typeof content === "string" && typeof to.content === "string") {
    to.content += `\n\n${content}`;
  } else to.content = [to.content, content].flatMap(asParts);
}

function asParts(content: unknown): unknown[] {
  return Array.isArray(content) ? content : [{ type: "text", text: content }];
}
