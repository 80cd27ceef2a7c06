/**
 * Messages in the form that an upstream supports. Messages that need no change stay the same
 * objects.
 */
import type { Capabilities } from "../capabilities/capabilities.ts";
import { contentText, isSystemMessage, type UpstreamMessage, withoutField } from "../target.ts";

type Messages = readonly UpstreamMessage[];

export function adaptMessages(
  messages: Messages,
  capabilities: Readonly<Capabilities>,
  hasTools: boolean,
): Messages {
  let adapted: Messages = messages.map(withArguments);
  if (!capabilities.developerRole) adapted = adapted.map(withSystemRole);
  if (!capabilities.toolHistory && !hasTools) adapted = adapted.map(withToolsAsText);
  if (capabilities.systemMessages !== "anywhere") adapted = mergeSystemMessages(adapted);
  if (capabilities.systemMessages === "none") adapted = foldSystemMessage(adapted);
  if (capabilities.alternatingRoles) adapted = takeTurns(adapted);
  if (!capabilities.textParts) adapted = adapted.map(withPlainText);
  if (!capabilities.nullContent) {
    adapted = adapted.map((message) =>
      message.content === null ? { ...message, content: "" } : message
    );
  }
  for (const field of capabilities.rejectedMessageFields) {
    adapted = adapted.map((message) => withoutField(message, field));
  }
  return adapted;
}

/** Clients send calls without arguments back with an empty text, which is invalid JSON. */
function withArguments(message: UpstreamMessage): UpstreamMessage {
  const { tool_calls: calls } = message;
  const isEmpty = (call: ToolCall) => call?.function !== undefined && !call.function.arguments;
  if (!Array.isArray(calls) || !calls.some(isEmpty)) return message;
  const complete = (call: ToolCall) =>
    isEmpty(call) ? { ...call, function: { ...call?.function, arguments: "{}" } } : call;
  return { ...message, tool_calls: calls.map(complete) };
}

type ToolCall = { function?: { arguments?: unknown } } | null | undefined;

function withSystemRole(message: UpstreamMessage): UpstreamMessage {
  return message.role === "developer" ? { ...message, role: "system" } : message;
}

/** Writes calls as the assistant's text, and results as the user's. */
function withToolsAsText(message: UpstreamMessage): UpstreamMessage {
  const { role, content, tool_calls: calls, tool_call_id: id } = message;
  if (role === "tool") {
    return { role: "user", content: `Result of the call ${id}:\n${contentText(content)}` };
  }
  if (!Array.isArray(calls)) return message;
  const lines = calls.map((call) =>
    `Call ${call?.id}: ${call?.function?.name}(${call?.function?.arguments ?? ""})`
  );
  return { role, content: [contentText(content), ...lines].filter(Boolean).join("\n") };
}

/** Returns one system message, at the start. */
function mergeSystemMessages(messages: Messages): Messages {
  const system = messages.filter(isSystemMessage);
  if (system.length === 0 || system.length === 1 && messages[0] === system[0]) return messages;
  const content = system.map(({ content }) => contentText(content)).join("\n\n");
  return [{ ...system[0]!, content }, ...messages.filter((message) => !isSystemMessage(message))];
}

/** Moves the system message into the first message of the user. */
function foldSystemMessage(messages: Messages): Messages {
  const [system, ...others] = messages;
  if (system === undefined || !isSystemMessage(system)) return messages;
  const instructions = { role: "user", content: system.content };
  const first = others.findIndex(({ role }) => role === "user");
  if (first < 0) return [instructions, ...others];
  return others.with(first, join(instructions, others[first]!));
}

/** Joins messages of one role, and inserts one where another role must come between. */
function takeTurns(messages: Messages): Messages {
  const turns: UpstreamMessage[] = [];
  for (const message of messages) {
    const { role } = message;
    const last = turns.at(-1);
    const isFirst = last === undefined || isSystemMessage(last);
    if (isFirst && role === "assistant") turns.push({ role: "user", content: "Continue." });
    if (role === "user" && last?.role === "tool") {
      turns.push({ role: "assistant", content: "I have the results." });
    }
    const isJoined = last?.role === role && role !== "tool" && !Array.isArray(last.tool_calls);
    if (isJoined) turns[turns.length - 1] = { ...message, ...join(last, message) };
    else turns.push(message);
  }
  return turns;
}

/** Returns the first message with the content of both. */
function join(first: UpstreamMessage, second: UpstreamMessage): UpstreamMessage {
  const contents = [first.content, second.content];
  const content = contents.some(Array.isArray)
    ? contents.flatMap((content) => Array.isArray(content) ? content : textPart(content))
    : contents.map(contentText).filter(Boolean).join("\n\n");
  return { ...first, content };
}

function textPart(content: unknown): { type: "text"; text: string }[] {
  const text = contentText(content);
  return text === "" ? [] : [{ type: "text", text }];
}

function withPlainText(message: UpstreamMessage): UpstreamMessage {
  const { content } = message;
  const isText = Array.isArray(content) &&
    content.every((part) => part?.type === "text" || part?.type === undefined);
  return isText ? { ...message, content: contentText(content) } : message;
}
