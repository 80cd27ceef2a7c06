/**
 * Remembers what a model thought before it called a tool. DeepSeek-type upstreams refuse the
 * tool's result unless that reasoning comes back with the call, and most clients drop it.
 *
 * @module
 */
import type { UpstreamMessage } from "./target.ts";

/** A bounded memory of reasoning by tool call id. */
export interface ToolReasoning {
  /** Remembers the reasoning that led to these calls. */
  remember(callIds: readonly string[], reasoning: string): void;
  /** The message with its reasoning put back, where it lacks it and it is known. */
  restore(message: UpstreamMessage): UpstreamMessage;
}

const MAX_CALLS = 10_000;
const MAX_CHARACTERS = 16_000_000;

/** The ids of a message's tool calls. */
export function toolCallIds(message: UpstreamMessage): string[] {
  if (!Array.isArray(message.tool_calls)) return [];
  return message.tool_calls.map((call) => call?.id).filter((id) => typeof id === "string");
}

/** Creates an empty memory; the oldest is forgotten first. */
export function createToolReasoning(): ToolReasoning {
  const known = new Map<string, string>();
  let size = 0;

  function forget(id: string): void {
    size -= known.get(id)?.length ?? 0;
    known.delete(id);
  }

  return {
    remember(callIds, reasoning) {
      if (reasoning === "") return;
      for (const id of callIds) {
        forget(id);
        known.set(id, reasoning);
        size += reasoning.length;
      }
      for (const id of known.keys()) {
        if (known.size <= MAX_CALLS && size <= MAX_CHARACTERS) break;
        forget(id);
      }
    },
    restore(message) {
      if (message.role !== "assistant" || typeof message.reasoning_content === "string") {
        return message;
      }
      const reasoning = toolCallIds(message).map((id) => known.get(id)).find((text) => text);
      return reasoning === undefined ? message : { ...message, reasoning_content: reasoning };
    },
  };
}
