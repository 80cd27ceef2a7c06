import type { Message } from "../../reasoning/request.ts";

/**
 * Puts the results of tool calls right after the message with the calls, where upstreams want them.
 * Text between or after the calls becomes part of that message; other messages between a call and
 * its result follow the results.
 */
export function withResultsAfterCalls(messages: readonly Message[]): Message[] {
  const resultIds = new Set(messages.map(({ tool_call_id: id }) => id));
  const ordered: Message[] = [];
  let caller: Message | undefined;
  const waiting = new Set<unknown>();
  let later: Message[] = [];
  for (const message of messages) {
    if (message.role === "tool" && waiting.delete(message.tool_call_id)) ordered.push(message);
    else if (caller === undefined) ordered.push(message);
    else if (message.role === "assistant") append(caller, message);
    else later.push(message);
    if (caller === undefined && message.role === "assistant") caller = message;
    if (message.role === "assistant") {
      for (const id of callIds(message)) if (resultIds.has(id)) waiting.add(id);
    }
    if (waiting.size > 0) continue;
    ordered.push(...later);
    caller = undefined;
    later = [];
  }
  return [...ordered, ...later];
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
