import { withoutMiddle } from "../../text.ts";
import type { Message } from "../request.ts";
import type { CallContext } from "../strategy.ts";
import { estimateText } from "../usage/estimate.ts";

/** Returns the numbers below `length` in random order. */
export function shuffled(length: number, random: () => number): number[] {
  const order = Array.from({ length }, (_, i) => i);
  for (let i = length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/** Lists texts under the letters [A] to [Z], then [A1] and so on. */
export function letterList(texts: readonly string[]): string {
  return texts.map((text, i) => {
    const letter = String.fromCharCode(65 + i % 26);
    return `[${letter}${i < 26 ? "" : Math.floor(i / 26)}]\n${text}`;
  }).join("\n\n");
}

/** Longest part of a candidate that a prompt shows: about 8,192 tokens, which a call may write. */
const MAX_SHOWN = 40_000;

/** Lists candidates under letters in random order, since models prefer the first. */
export function lettered(candidates: readonly string[], random: () => number): string {
  const order = shuffled(candidates.length, random);
  return letterList(order.map((index) => shorten(candidates[index]!, MAX_SHOWN)));
}

/** Minimum number of tokens that are shown of a candidate: a shorter part is of no use. */
const MIN_SHOWN_TOKENS = 32;

/** Tokens of the line in place of what is left out of a text. */
const MARK_TOKENS = 2;

/**
 * Builds messages that show these texts. Each text may take an equal share of the room in the
 * model's context, and is shortened to it.
 */
export function showFitting<Role extends string>(
  { room }: Pick<CallContext<never, Role>, "room">,
  role: Role,
  texts: readonly string[],
  build: (texts: readonly string[]) => Message[],
): Message[] {
  if (room(role, []) === Infinity) return build(texts);
  const left = room(role, build(texts.map(() => "")));
  const share = Math.max(MIN_SHOWN_TOKENS, left / texts.length - MARK_TOKENS);
  return build(texts.map((text) => {
    const tokens = estimateText(text);
    return tokens <= share ? text : shorten(text, Math.floor(text.length * share / tokens));
  }));
}

/** How a candidate begins and where it ends matter most. */
export function shorten(text: string, maxLength: number): string {
  return withoutMiddle(text, maxLength, 0.5, () => "[…]");
}
