import { contentText, type UpstreamMessage } from "../target.ts";

/** Length in characters of the pieces that are looked for. A common text of twice this is found. */
const PIECE = 20;

/** Shorter texts may occur in any message. */
const MIN_LENGTH = 8;

/** The last part of a conversation that is compared, in characters. */
export const MAX_COMPARED = 262_144;

/**
 * Returns whether the message and a prompt have a text in common. Of the prompt, only each piece at
 * a multiple of its length is looked up, so that the time is linear in its length.
 */
export function quotes(message: string, prompt: readonly UpstreamMessage[]): boolean {
  const pieces = new Set<string>();
  for (let at = 0; at + PIECE <= message.length; at++) pieces.add(message.slice(at, at + PIECE));
  let left = MAX_COMPARED;
  for (const { content, tool_calls: calls } of prompt.toReversed()) {
    const texts = [
      contentText(content),
      calls === undefined ? "" : JSON.stringify(calls).replaceAll("\\", ""),
    ];
    for (const text of texts) {
      if (text.length < PIECE && text.length >= MIN_LENGTH && message.includes(text)) return true;
      const end = Math.min(text.length, left);
      left -= end;
      for (let at = 0; at + PIECE <= end; at += PIECE) {
        if (pieces.has(text.slice(at, at + PIECE))) return true;
      }
    }
  }
  return false;
}
