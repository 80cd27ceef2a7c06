import { IS_ANSWER, NUMBER, OPERATOR, RESULT, THEREFORE } from "./patterns.ts";

/** Longest sentence that is searched for a result, in characters. */
const MAX_SENTENCE = 400;

export function lastNumber(text: string): string | undefined {
  return text.match(NUMBER)?.at(-1);
}

/** Returns the result that is stated last: after "=", "is", "has" and so on, or after "so". */
export function lastResult(text: string): string | undefined {
  let found: { at: number; number: string } | undefined;
  const consider = (at: number, number: string | undefined) => {
    if (number !== undefined && at >= (found?.at ?? 0)) found = { at, number };
  };
  for (const match of text.matchAll(RESULT)) {
    const end = match.index + match[0].length;
    // "is 4 * 3" states no result.
    if (!OPERATOR.test(text.slice(end, end + 4))) consider(match.index, match[1]);
  }
  for (const match of text.matchAll(IS_ANSWER)) consider(match.index, match[1]);
  for (const match of text.matchAll(THEREFORE)) consider(match.index, lastNumber(match[1]!));
  return found?.number;
}

/**
 * Returns the number that a short answer means: "12 + 1 = 13 coins" 13, "20 apples is the answer"
 * 20. Undefined if it is not clear which one; other answers, such as "2√3", stay as they are.
 */
export function numberOf(answer: string): string | undefined {
  const text = answer.slice(0, MAX_SENTENCE);
  const equal = text.lastIndexOf("=");
  if (equal >= 0) return text.slice(equal).match(NUMBER)?.[0] ?? answer;
  // Without words it is a number with its unit, or an expression.
  if (!/[a-z]{2,20} /i.test(text) || text.includes("\\")) return answer;
  const numbers = text.match(NUMBER) ?? [];
  if (numbers.length === 0) return answer;
  if (new Set(numbers).size === 1) return numbers[0];
  const leading = /^[^\d\n]{0,3}(?=\d)/.test(text) &&
    !/^[^\d]{0,3}[\d.,]{1,40} {0,3}(?:to|or|and|[-–+*/×÷:])/.test(text);
  return leading ? numbers[0] : lastResult(text);
}
