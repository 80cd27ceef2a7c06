/**
 * Lets through those of a client's patterns that can't stall the regular expression engine.
 *
 * @see {@link https://owasp.org/www-community/attacks/Regular_expression_Denial_of_Service_-_ReDoS}
 * @module
 */

const MAX_PATTERN_LENGTH = 200;

/** Longest text that a pattern is matched against; longer ones are accepted. */
const MAX_TEXT_LENGTH = 300;

/** Repetitions without a fixed count. With two, time grows with the square of the text's length. */
const MAX_REPETITIONS = 2;

/** A character or class, and an optional quantifier. */
const PART =
  /(?:[^\\^$.*+?()[\]{}|]|\.|\\[dDwWsSnrt\\^$.*+?()[\]{}|/]|\[\^?(?:[^\\\]]|\\[dDwWsSnrt\\^$.*+?()[\]{}|/-])+\])(\{\d{1,3}\}|(?:[*+?]|\{\d{1,3},\d{0,3}\})\??)?/uy;

/**
 * Returns a pattern that is safe to match and accepts every text over 300 characters.
 *
 * @returns undefined unless the pattern starts with `^` and has no groups or alternatives.
 */
export function safePattern(pattern: string): string | undefined {
  if (pattern.length > MAX_PATTERN_LENGTH || !pattern.startsWith("^")) return undefined;
  const end = pattern.length - (/(?<!\\)\$$/.test(pattern) ? 1 : 0);
  let repetitions = 0;
  for (let at = 1; at < end;) {
    PART.lastIndex = at;
    const part = PART.exec(pattern);
    if (part === null || part.index + part[0].length > end) return undefined;
    if (part[1] !== undefined && !/^\{\d+\}$/.test(part[1])) repetitions++;
    at += part[0].length;
  }
  if (repetitions > MAX_REPETITIONS) return undefined;
  const bounded = `^[^]{${MAX_TEXT_LENGTH + 1}}|${pattern}`;
  try {
    new RegExp(bounded, "u");
    return bounded;
  } catch {
    return undefined;
  }
}
