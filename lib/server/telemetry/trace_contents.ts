/**
 * Messages in the form of OpenTelemetry's conventions.
 *
 * @see {@link https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-input-messages.json}
 */
import type { Message } from "../../reasoning/request.ts";

type Json = Record<string, unknown>;

export function messageParts(messages: readonly Message[]): string {
  return JSON.stringify(messages.map((message) => ({
    role: message.role,
    parts: [...contentParts(message), ...callParts(message.tool_calls)],
  })));
}

function contentParts({ role, content, tool_call_id: id }: Message): Json[] {
  if (role === "tool") return [{ type: "tool_call_response", id, response: content }];
  if (typeof content === "string") return [{ type: "text", content }];
  if (!Array.isArray(content)) return [];
  return content.map((part: Json) =>
    part.type === "text" ? { type: "text", content: part.text } : { type: part.type }
  );
}

function callParts(calls: unknown): Json[] {
  if (!Array.isArray(calls)) return [];
  return calls.map(({ id, function: fn }) => ({
    type: "tool_call",
    id,
    name: fn?.name,
    arguments: fn?.arguments,
  }));
}
