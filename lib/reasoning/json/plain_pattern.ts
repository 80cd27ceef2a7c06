/**
 * Patterns of a client's that can be tried without fear: a pattern can make a regular expression's
 * engine take longer than the universe has.
 *
 * @see {@link https://owasp.org/www-community/attacks/Regular_expression_Denial_of_Service_-_ReDoS}
 * @module
 */

/** Characters of a pattern. */
const MAX_PATTERN = 200;

/** Characters of a text that a pattern is tried on; a longer one is taken. */
const MAX_TEXT = 300;

/** Repetitions of no fixed number: with two the time goes with the square of the text's length. */
const MAX_REPETITIONS = 2;

/** One character of a text, and how often. */
const PART =
  /(?:[^\\^$.*+?()[\]{}|]|\.|\\[dDwWsSnrt\\^$.*+?()[\]{}|/]|\[\^?(?:[^\\\]]|\\[dDwWsSnrt\\^$.*+?()[\]{}|/-])+\])(\{\d{1,3}\}|(?:[*+?]|\{\d{1,3},\d{0,3}\})\??)?/uy;

/**
 * The pattern as it may be tried: one that is bound to the beginning, without groups and
 * alternatives. It takes every text that is too long to be tried.
 *
 * @returns undefined for a pattern that may not.
 */
export function plainPattern(pattern: string): string | undefined {
  if (pattern.length > MAX_PATTERN || !pattern.startsWith("^")) return undefined;
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
  const tried = `^[^]{${MAX_TEXT + 1}}|${pattern}`;
  try {
    new RegExp(tried, "u");
    return tried;
  } catch {
    return undefined;
  }
}
