/**
 * The short final answer in a model's text.
 *
 * @module
 */
import {
  ANSWER_IS,
  CLAUSE_END,
  FINAL,
  GSM8K,
  MARKS_BEFORE,
  MARKS_BEHIND,
  NO_ANSWER,
  NUMBER,
  OPTION,
  optionPatterns,
  THEREFORE,
} from "./patterns.ts";

export { normaliseAnswer, sameAnswer } from "./value.ts";

/** What is known of the answer's form. */
export interface ExtractOptions {
  /** The letters of the question's options; empty where it has none. */
  options?: readonly string[];
  /** Whether the answer is JSON. */
  json?: boolean;
}

/** The longest clause that can hold an answer, in characters, and the most words of an answer. */
const CLAUSE = 120;
const WORDS = 4;

function last(text: string, pattern: RegExp): string | undefined {
  let found: string | undefined;
  for (const match of text.matchAll(pattern)) if (match[1]!.trim() !== "") found = match[1];
  return found;
}

/** Marks of emphasis and mathematics around an answer. */
function trimMarks(answer: string): string {
  return answer.trim().replace(MARKS_BEFORE, "").replace(MARKS_BEHIND, "")
    .replace(/(?<=\S)[.。]$/, "").trim();
}

/** The content of the last `\\boxed{}` whose braces are balanced; one pass, whatever is nested. */
function lastBoxed(text: string): string | undefined {
  const open: { start: number; isBoxed: boolean }[] = [];
  let found: { start: number; end: number } | undefined;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "{") open.push({ start: i + 1, isBoxed: text.startsWith("boxed", i - 5) });
    else if (text[i] === "}") {
      const group = open.pop();
      if (group?.isBoxed && group.start > (found?.start ?? -1)) {
        found = { start: group.start, end: i };
      }
    }
  }
  return found && text.slice(found.start, found.end);
}

/** The option that a text names: in a sentence, alone in its line, or at the head of one. */
function optionLetter(text: string, options: readonly string[]): string | undefined {
  const { said, alone, leading } = optionPatterns(options.join(""));
  const inSentence = [...text.matchAll(said)].findLast((match) => {
    // "The answer is a dog" names no option.
    const end = match.index + match[0].length;
    return !/[a-z]/.test(match[1]!) || !/^ [a-z]/i.test(text.slice(end, end + 2));
  })?.[1];
  return (inSentence ?? last(text, alone) ?? chosenLine(text, leading))?.toUpperCase();
}

/** Lines that each begin with another letter are the question's, but for one that comes again. */
function chosenLine(text: string, leading: RegExp): string | undefined {
  const letters = [...text.matchAll(leading)].map((match) => match[1]!);
  const chosen = letters.pop();
  return letters.length === 0 || letters.includes(chosen!) ? chosen : undefined;
}

/** What is said to be the answer: a number, or a few words. */
function saidAnswer(text: string): string | undefined {
  for (const match of [...text.matchAll(ANSWER_IS)].reverse()) {
    const from = match.index + match[0].length;
    const [line = ""] = text.slice(from, from + CLAUSE).split("\n", 1);
    const [clause = ""] = line.split(CLAUSE_END, 1);
    const number = clause.match(NUMBER)?.at(-1);
    if (number !== undefined) return number;
    const words = trimMarks(clause);
    if (words !== "" && words.split(/\s+/).length <= WORDS && !NO_ANSWER.test(words)) return words;
  }
  return undefined;
}

function canonicalJson(text: string): string | undefined {
  const sorted = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(sorted);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1).map((
        [key, each],
      ) => [key, sorted(each)]),
    );
  };
  const from = text.search(/[{[]/);
  const to = Math.max(text.lastIndexOf("}"), text.lastIndexOf("]"));
  try {
    return JSON.stringify(sorted(JSON.parse(from < 0 ? text : text.slice(from, to + 1))));
  } catch {
    return undefined;
  }
}

/**
 * The short final answer in a text: the last `FINAL:` line, else the last balanced `\boxed{}`
 * (MATH), else the last `####` (GSM8K), else the letter of an option, else JSON, else what is
 * said to be the answer, else the last number of the last line that has one.
 *
 * @returns undefined where the text holds no answer.
 */
export function extractAnswer(text: string, options: ExtractOptions = {}): string | undefined {
  const letters = options.options ?? [];
  const stated = last(text, FINAL) ?? lastBoxed(text) ?? last(text, GSM8K);
  if (stated !== undefined) {
    const short = trimMarks(stated);
    const inner = lastBoxed(short) ?? short;
    const letter = letters.length > 0
      ? optionLetter(inner, letters) ?? leadingLetter(inner, letters)
      : undefined;
    return letter ?? (options.json ? canonicalJson(inner) ?? inner : inner) ?? undefined;
  }
  if (letters.length > 0) {
    const letter = optionLetter(text, letters);
    if (letter !== undefined) return letter;
  }
  if (options.json) {
    const json = canonicalJson(text);
    if (json !== undefined) return json;
  }
  const said = saidAnswer(text) ?? last(text, THEREFORE)?.match(NUMBER)?.at(-1);
  if (said !== undefined) return said;
  for (const line of text.split("\n").reverse()) {
    const number = line.match(NUMBER)?.at(-1);
    if (number !== undefined) return number;
  }
  return undefined;
}

/** "B) 42" and "(B) 42" name option B. */
function leadingLetter(answer: string, letters: readonly string[]): string | undefined {
  const letter = /^[(（]?([A-Za-z])(?:[)）.:：、]|$)/.exec(answer)?.[1]?.toUpperCase();
  return letter !== undefined && letters.includes(letter) ? letter : undefined;
}

/** The letters of the options that a question offers, from A without a gap. */
export function questionOptions(question: string): string[] {
  const found = new Set([...question.matchAll(OPTION)].map((match) => match[1]!));
  const letters: string[] = [];
  for (let code = 65; found.has(String.fromCharCode(code)); code++) {
    letters.push(String.fromCharCode(code));
  }
  return letters.length > 1 ? letters : [];
}

/** A text without its `FINAL:` line, for showing; of a text that has nothing else, that answer. */
export function withoutFinalLine(text: string): string {
  const shown = text.replace(FINAL, "").replace(/\n{3,}/g, "\n\n").trim();
  return shown === "" ? trimMarks(last(text, FINAL) ?? text) : shown;
}
