import { startOf } from "../../text.ts";
import { lastQuestion } from "../conversation.ts";
import type { ReasoningRequest } from "../request.ts";
import { canonicalize } from "@std/json";
import { findJson } from "../json/find_json.ts";
import {
  ANSWER_IS,
  CLAUSE_END,
  COUNT,
  FENCE,
  FINAL,
  FINAL_LINE,
  GSM8K,
  MARKS_AFTER,
  MARKS_BEFORE,
  NO_ANSWER,
  NUMBER,
  OPERATION,
  optionPatterns,
  PLACEHOLDER,
  THEREFORE,
  WHICH_IS,
} from "./patterns.ts";
import { lastNumber, lastResult, numberOf } from "./number.ts";
import { type Question, readQuestion } from "./question.ts";
import { readYesNo } from "./yes_no.ts";

export interface ExtractOptions {
  /** The question that the text answers; by default nothing is known of it. */
  question?: Question;
  /** Whether to look for JSON. */
  json?: boolean;
  /** Whether the text was cut off, so that only an answer that it marks is its answer. */
  cut?: boolean;
}

/** Longest clause that is searched for an answer, and longest bare answer, in characters. */
const MAX_CLAUSE = 120;
const MAX_WORDS = 4;

const ANY: Question = { kind: "other", options: new Map(), yesNo: undefined };

/**
 * Extracts the last `FINAL:` line, else the last balanced `\boxed{}` (MATH), else the last `####`
 * (GSM8K), else, by the kind of the question: the option, yes or no, what follows "the answer is",
 * the last result, or a text that is nothing but an answer.
 *
 * @returns undefined if the text holds no answer, or none that is clear.
 */
export function extractAnswer(
  text: string,
  { question = ANY, json = false, cut = false }: ExtractOptions = {},
): string | undefined {
  const { kind } = question;
  if (kind === "code" || kind === "open") {
    // Only a `FINAL:` line at the end of such a text is a short answer.
    const isMarked = FINAL_LINE.test(lastLine(text).line);
    return json
      ? canonicalJson(text)
      : isMarked
      ? trimMarks(lastFilled(text, FINAL) ?? "") || undefined
      : undefined;
  }
  // The last line of a text that was cut off may be half an answer.
  if (cut) text = text.slice(0, text.lastIndexOf("\n") + 1);
  const final = lastFilled(text, FINAL);
  const marked = lastBoxed(final ?? text) ?? final ?? lastFilled(text, GSM8K);
  if (marked !== undefined) return readShort(trimMarks(marked), question, json);
  const found = json ? canonicalJson(text) : undefined;
  if (found !== undefined) return found;
  switch (kind) {
    case "option":
      return optionLetter(text, question) ?? optionText(text, question);
    case "yes_no":
      return readYesNo(text, question.yesNo!);
    case "number":
      return statedAnswer(text, question) ??
        (cut ? undefined : lastResult(text) ?? leadingNumber(text) ?? onlyCount(text));
    case "word":
      return statedAnswer(text, question) ?? (cut ? undefined : bareAnswer(text));
    default:
      return statedAnswer(text, question) ??
        (cut ? undefined : lastNumber(last(text, THEREFORE) ?? "") ?? lastNumber(text));
  }
}

/** Reads a text that is known to be a short answer. */
function readShort(answer: string, question: Question, json: boolean): string | undefined {
  const { kind, yesNo } = question;
  const own = json ? canonicalJson(answer) : undefined;
  if (own !== undefined) return own;
  switch (kind) {
    case "option":
      return leadingLetter(answer, question) ?? optionLetter(answer, question) ??
        optionText(answer, question) ?? answer;
    case "yes_no":
      return readYesNo(answer, yesNo!) ?? (yesNo!.isExplicit ? undefined : answer);
    case "number":
      return numberOf(statedAnswer(answer, question) ?? answer);
    default:
      return /\d\s{0,3}=/.test(answer) ? numberOf(answer) : answer;
  }
}

/**
 * Removes the `FINAL:` line at the end of a text, also one inside a code block; a text with nothing
 * else becomes the bare answer. Everything else is kept as it is.
 */
export function withoutFinalLine(text: string): string {
  const end = lastLine(text);
  const isFenced = FENCE.test(end.line);
  const marker = isFenced ? lastLine(end.before) : end;
  if (!FINAL_LINE.test(marker.line)) return text;
  const previous = lastLine(marker.before);
  // A block that holds nothing but the marker goes with it.
  const isAlone = isFenced && FENCE.test(previous.line);
  const rest = isAlone ? previous.before.trimEnd() : marker.before.trimEnd();
  if (rest === "") return trimMarks(last(text, FINAL) ?? text);
  return isFenced && !isAlone ? `${rest}\n${end.line}` : rest;
}

/** The last line that is not blank, and the text before it. */
function lastLine(text: string): { before: string; line: string } {
  const trimmed = text.trimEnd();
  const start = trimmed.lastIndexOf("\n") + 1;
  return { before: trimmed.slice(0, start), line: trimmed.slice(start) };
}

/** Returns the first group of the last match in which it is not blank. */
function last(text: string, pattern: RegExp): string | undefined {
  return groups(text, pattern).at(-1);
}

/** Like {@linkcode last}, without what a model copied from a prompt. */
function lastFilled(text: string, pattern: RegExp): string | undefined {
  return groups(text, pattern).findLast((group) =>
    !PLACEHOLDER.test(group) && !group.trimEnd().endsWith(":")
  );
}

function groups(text: string, pattern: RegExp): string[] {
  return Array.from(text.matchAll(pattern), (match) => match[1]!)
    .filter((group) => group.trim() !== "");
}

/** The number that begins a text, if its line holds no other one. */
function leadingNumber(text: string): string | undefined {
  const [line = ""] = text.slice(0, MAX_CLAUSE).split("\n", 1);
  const numbers = line.match(NUMBER) ?? [];
  return numbers.length === 1 && /^[^\w\n]{0,4}\d/.test(line) && !/\d(?:[.)]\s|:)/.test(line)
    ? numbers[0]
    : undefined;
}

/** The number of "Count of apples: 3.", if it is the only one: several are parts of an answer. */
function onlyCount(text: string): string | undefined {
  const counts = groups(text, COUNT);
  return counts.length === 1 ? counts[0] : undefined;
}

/** A text that is nothing but a few words. */
function bareAnswer(text: string): string | undefined {
  const bare = trimMarks(text.trim());
  const isShort = bare.length <= MAX_CLAUSE && !bare.includes("\n");
  return isShort && bare !== "" && bare.split(/\s+/).length <= MAX_WORDS ? bare : undefined;
}

/** Removes marks of emphasis and mathematics around an answer, and brackets around a number. */
function trimMarks(answer: string): string {
  const bare = withoutMarks(withoutOpenBracket(withoutMarks(answer.trim())));
  return /^<([^<>a-z]{0,9}\d[^<>]{0,60})>$/i.exec(bare)?.[1]?.trim() ?? bare;
}

function withoutMarks(answer: string): string {
  return answer.replace(MARKS_BEFORE, "").replace(MARKS_AFTER, "").replace(/(?<=\S)[.。]$/, "")
    .trim();
}

/** Removes the last bracket of "[FINAL: 42]". */
function withoutOpenBracket(answer: string): string {
  const isOpen = answer.endsWith("]") && !answer.includes("[") ||
    answer.endsWith(")") && !answer.includes("(");
  return isOpen ? answer.slice(0, -1).trim() : answer;
}

/**
 * Returns the content of the `\boxed{}` that ends last, so of nested ones the outer, in one pass
 * however deep the nesting.
 */
function lastBoxed(text: string): string | undefined {
  const open: { start: number; isBoxed: boolean }[] = [];
  let found: string | undefined;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "{") open.push({ start: i + 1, isBoxed: text.startsWith("boxed", i - 5) });
    else if (text[i] === "}") {
      const group = open.pop();
      if (group?.isBoxed) found = text.slice(group.start, i);
    }
  }
  return found;
}

/** Reads the short answer in a model's text; `cut` if it was cut off. */
export type AnswerReader = (text: string, cut?: boolean) => string | undefined;

/** Returns a function that reads short answers to a request. */
export function answerReader(request: ReasoningRequest): AnswerReader {
  const question = readQuestion(lastQuestion(request.messages));
  const json = request.json !== undefined;
  return (text, cut = false) => extractAnswer(text, { question, json, cut });
}

/** Returns the option that a text names in a sentence, alone in a line, or at the start of one. */
function optionLetter(text: string, { options }: Question): string | undefined {
  const { inSentence, alone, leading } = optionPatterns([...options.keys()].join(""));
  const named = [...text.matchAll(inSentence)].findLast((match) => {
    // "The answer is a dog" names no option.
    const end = match.index + match[0].length;
    return !/[a-z]/.test(match[1]!) || !/^ [a-z]/i.test(text.slice(end, end + 2));
  })?.[1];
  return (named ?? last(text, alone) ?? chosenLine(text, leading))?.toUpperCase();
}

/** Returns the option whose text is the only one that an answer holds. */
function optionText(text: string, { options }: Question): string | undefined {
  if (text.length > MAX_CLAUSE) return undefined;
  const wordsIn = (value: string) =>
    ` ${(value.toLowerCase().match(/[\p{L}\d]+/gu) ?? []).join(" ")} `;
  const own = wordsIn(text);
  const named = [...options].filter(([, option]) => own.includes(wordsIn(option)));
  return named.length === 1 ? named[0]![0] : undefined;
}

/**
 * The letter at the start of lines. If they start with several, they repeat the question, unless
 * the last one is a repetition itself.
 */
function chosenLine(text: string, leading: RegExp): string | undefined {
  const lines = Array.from(text.matchAll(leading), (match) => ({
    letter: match[1]!,
    text: text.slice(match.index, match.index + MAX_CLAUSE).trim().split("\n", 1)[0]!,
  }));
  const chosen = lines.pop();
  const isChosen = lines.every(({ letter }) => letter === chosen?.letter) ||
    lines.some((line) => line.text === chosen?.text);
  return isChosen ? chosen?.letter : undefined;
}

/** "B) 42" and "(B) 42" name option B. */
function leadingLetter(answer: string, { options }: Question): string | undefined {
  const letter = /^[(（]?([A-Za-z])(?:[)）.:：、]|$)/.exec(answer)?.[1]?.toUpperCase();
  return letter !== undefined && options.has(letter) ? letter : undefined;
}

/** Returns the number or the few words after "the answer is". */
function statedAnswer(text: string, { kind }: Question): string | undefined {
  for (const match of [...text.matchAll(ANSWER_IS)].reverse()) {
    const start = match.index + match[0].length;
    const [line = ""] = startOf(text.slice(start), MAX_CLAUSE).split("\n", 1);
    const [clause = ""] = line.split(CLAUSE_END, 1);
    const [, which] = WHICH_IS.exec(line.slice(clause.length)) ?? [];
    const number = OPERATION.test(clause) && which !== undefined ? which : lastNumber(clause);
    if (number !== undefined && !/\d:\d/.test(clause)) return number;
    const words = trimMarks(clause);
    if (
      kind !== "number" && words !== "" && words.split(/\s+/).length <= MAX_WORDS &&
      !NO_ANSWER.test(words) && !words.endsWith(":")
    ) return words;
  }
  return undefined;
}

function canonicalJson(text: string): string | undefined {
  const found = findJson(text);
  try {
    return found && canonicalize(found.value);
  } catch {
    // Nested deeper than the call stack.
    return undefined;
  }
}
