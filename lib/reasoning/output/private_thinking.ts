/** The reasoning of an upstream as clients and stores keep it for the server. */
import { joinState, type MessageState, STATE_FIELDS } from "../../upstream/wire/message_state.ts";

export { joinState, type MessageState } from "../../upstream/wire/message_state.ts";

/** Begins reasoning with state; without state, it is its text alone. */
const PREFIX = "o1-state:";

/** @param pieces what the provider wants back unread. */
export function packThinking(text: string, pieces: readonly MessageState[]): string {
  return pieces.length === 0 ? text : PREFIX + JSON.stringify({ text, ...joinState(pieces) });
}

/** Returns the fields that a message gets back. */
export function unpackThinking(packed: string): Record<string, unknown> {
  if (!packed.startsWith(PREFIX)) return { reasoning_content: packed };
  try {
    const { text, ...state } = JSON.parse(packed.slice(PREFIX.length));
    const fields: Record<string, unknown> = {};
    if (text) fields.reasoning_content = text;
    for (const field of STATE_FIELDS) if (state[field]) fields[field] = state[field];
    return fields;
  } catch {
    return { reasoning_content: packed };
  }
}
