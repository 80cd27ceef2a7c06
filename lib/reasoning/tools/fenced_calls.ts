/**
 * Tools for a model whose upstream does not support function calls: it writes a fenced block, and
 * gets the output in the next message.
 */
import { isObject, tryParse } from "../../json.ts";
import type { ToolCallDelta } from "../../upstream/wire/tool_calls.ts";

const OPEN = "```tool\n";
const CLOSE = "\n```";

/** Longest block; a longer one is text. */
const MAX_BLOCK_CHARACTERS = 200_000;

type TextPart = { text: string; call?: ToolCallDelta };

/** Finds the first block in a text that arrives in pieces. */
export function createFencedCallReader(isTool: (name: string) => boolean) {
  /** Text that may be the beginning of a block, or its inside. */
  let held = "";
  let isInside = false;
  /** The length of the inside that contains no end. */
  let searched = 0;
  return {
    /** Returns the text that is not part of a block, and the call once its block is complete. */
    push(piece: string): TextPart {
      held += piece;
      let text = "";
      while (!isInside) {
        const at = held.indexOf(OPEN[0]!);
        if (at < 0) {
          text += held;
          held = "";
          return { text };
        }
        text += held.slice(0, at);
        held = held.slice(at);
        if (held.length < OPEN.length && OPEN.startsWith(held)) return { text };
        if (held.startsWith(OPEN)) isInside = true;
        else {
          const fence = /^`+/.exec(held)![0];
          text += fence;
          held = held.slice(fence.length);
        }
      }
      const end = held.indexOf(CLOSE, Math.max(OPEN.length - 1, searched));
      searched = held.length - CLOSE.length;
      if (end < 0 && held.length <= MAX_BLOCK_CHARACTERS) return { text };
      const call = end < 0 ? undefined : callOf(held.slice(OPEN.length, end), isTool);
      if (call === undefined) {
        text += held;
        held = "";
        isInside = false;
        searched = 0;
        return { text };
      }
      return { text, call };
    },
    /** Returns what waited for the end of a block. */
    end(): TextPart {
      // A model that stops at the end of its call may leave out the fence.
      const call = isInside ? callOf(held.slice(OPEN.length), isTool) : undefined;
      return call === undefined ? { text: held } : { text: "", call };
    },
  };
}

/** Returns the call of a block without its fences; undefined if it is not a call. */
function callOf(
  json: string,
  isTool: (name: string) => boolean,
): ToolCallDelta | undefined {
  const block = tryParse(json);
  const { name, arguments: args = {} } = isObject(block) ? block : {};
  if (typeof name !== "string" || !isTool(name)) return undefined;
  return { index: 0, name, arguments: JSON.stringify(args) };
}

/** Returns a call as the model writes it. */
export function blockOf(call: { name: string; arguments: string }): string {
  return `${OPEN}{"name": ${JSON.stringify(call.name)}, "arguments": ${call.arguments}}${CLOSE}`;
}
