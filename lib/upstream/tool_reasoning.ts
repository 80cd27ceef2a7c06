import type { UpstreamMessage } from "./target.ts";

/**
 * Remembers the reasoning that led to tool calls. DeepSeek and similar upstreams reject a tool's
 * result unless the call comes back with its reasoning, and most clients drop it.
 */
export interface ToolReasoning {
  remember(callIds: readonly string[], reasoning: string): void;
  /** Returns the message with its reasoning, if it has none and the reasoning is known. */
  restore(message: UpstreamMessage): UpstreamMessage;
}

const MAX_CALLS = 10_000;
const MAX_CHARACTERS = 16_000_000;

/** Creates an empty memory of bounded size; the oldest entries are dropped first. */
export function createToolReasoning(): ToolReasoning {
  const reasoningById = new Map<string, string>();
  let size = 0;

  function forget(id: string): void {
    size -= reasoningById.get(id)?.length ?? 0;
    reasoningById.delete(id);
  }

  return {
    remember(callIds, reasoning) {
      if (reasoning === "") return;
      for (const id of callIds) {
        forget(id);
        reasoningById.set(id, reasoning);
        size += reasoning.length;
      }
      for (const id of reasoningById.keys()) {
        if (reasoningById.size <= MAX_CALLS && size <= MAX_CHARACTERS) break;
        forget(id);
      }
    },
    restore(message) {
      if (message.role !== "assistant" || typeof message.reasoning_content === "string") {
        return message;
      }
      const calls: unknown[] = Array.isArray(message.tool_calls) ? message.tool_calls : [];
      for (const call of calls) {
        const reasoning = reasoningById.get((call as { id?: string } | null)?.id ?? "");
        if (reasoning) return { ...message, reasoning_content: reasoning };
      }
      return message;
    },
  };
}
