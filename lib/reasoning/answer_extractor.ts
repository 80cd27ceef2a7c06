/**
 * The short final answer in a model's text.
 *
 * @module
 */
export { normaliseAnswer, sameAnswer } from "./answer_value.ts";

/** What is known of the answer's form. */
export interface ExtractOptions {
  /** The letters of the question's options; empty where it has none. */
  options?: readonly string[];
  /** Whether the answer is JSON. */
  json?: boolean;
}

const FINAL = /^[\s>*#_-]*FINAL(?:\s+ANSWER)?[*_]*\s*[:：]\s*(.*)$/gim;
const GSM8K = /####\s*(.+)$/gm;
const PHRASE =
  /(?:(?:final )?answer(?: is|:)|答案(?:是|为|：|:)|therefore,?|so,?)\s*[:：]?\s*([^\n]{1,120})/gi;
const NUMBER = /[-−+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e[-+]?\d+)?(?:\/\d+)?%?/gi;

function last(text: string, pattern: RegExp): string | undefined {
  let found: string | undefined;
  for (const match of text.matchAll(pattern)) if (match[1]!.trim() !== "") found = match[1];
  return found;
}

/** Marks of emphasis and mathematics around an answer. */
function trimMarks(answer: string): string {
  return answer.trim().replace(/^(?:\*\*|__|`|\$+|\\\(|\\\[)+/, "")
    .replace(/(?:\*\*|__|`|\$+|\\\)|\\\])+$/, "").replace(/(?<=\S)[.。]$/, "").trim();
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

function optionLetter(text: string, options: readonly string[]): string | undefined {
  const letters = options.join("");
  const said = new RegExp(
    `(?:answer|option|choice|选|答案)(?: is|是|为)?\\s*[:：]?\\s*[(*（]*([${letters}])(?![a-z])`,
    "gi",
  );
  const alone = new RegExp(`^[\\s(*（]*([${letters}])[)*）.。:：\\s]*$`, "gm");
  return (last(text, said) ?? last(text, alone))?.toUpperCase();
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
  const phrase = last(text, PHRASE);
  const inPhrase = phrase === undefined ? undefined : phrase.match(NUMBER)?.at(-1);
  if (inPhrase !== undefined) return inPhrase;
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

const OPTION = /(?:^|[\s(（])([A-J])[)）.．:：、]\s*\S/gm;

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
