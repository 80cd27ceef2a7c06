/**
 * Extracts the short final answer from a model's text.
 *
 * @module
 */
import { splitPair } from "../../upstream/wire/tool_calls.ts";
import { lastQuestion } from "../conversation.ts";
import type { ReasoningRequest } from "../request.ts";
import { canonicalize } from "@std/json";
import { findJson } from "../json/find_json.ts";
import {
  ANSWER_IS,
  CLAUSE_END,
  FENCE,
  FINAL,
  FINAL_LINE,
  GSM8K,
  MARKS_AFTER,
  MARKS_BEFORE,
  NO_ANSWER,
  NUMBER,
  OPTION,
  optionPatterns,
  THEREFORE,
} from "./patterns.ts";
import { readYesNo, type YesNoQuestion, yesNoQuestion } from "./yes_no.ts";

export interface ExtractOptions {
  /** Letters of the question's options; default: none. */
  options?: readonly string[];
  /** Whether to look for JSON. */
  json?: boolean;
  /** The question, if its answer is yes or no. */
  yesNo?: YesNoQuestion | undefined;
}

/** Longest clause that is searched for an answer, in characters. */
const MAX_CLAUSE = 120;
const MAX_WORDS = 4;

/**
 * Extracts the last `FINAL:` line, else the last balanced `\boxed{}` (MATH), else the last `####`
 * (GSM8K), else the letter of an option, else JSON in a canonical form, else yes or no, else what
 * follows "the answer is", else the last number after "therefore", else the last number.
 *
 * @returns undefined if the text holds no answer.
 */
export function extractAnswer(
  text: string,
  { options = [], json = false, yesNo }: ExtractOptions = {},
): string | undefined {
  const final = last(text, FINAL);
  const marked = lastBoxed(final ?? text) ?? final ?? last(text, GSM8K);
  if (marked !== undefined) {
    const answer = trimMarks(marked);
    return optionLetter(answer, options) ?? leadingLetter(answer, options) ??
      (json ? canonicalJson(answer) : undefined) ?? answer;
  }
  const found = optionLetter(text, options) ?? (json ? canonicalJson(text) : undefined) ??
    (yesNo && readYesNo(text, yesNo));
  if (found !== undefined || yesNo?.isExplicit) return found;
  return statedAnswer(text) ?? lastNumber(last(text, THEREFORE) ?? "") ?? lastNumber(text);
}

/** Returns the letters of the options that a question offers, from A without a gap. */
export function questionOptions(question: string): string[] {
  const found = new Set([...question.matchAll(OPTION)].map((match) => match[1]!));
  const letters: string[] = [];
  for (let code = 65; found.has(String.fromCharCode(code)); code++) {
    letters.push(String.fromCharCode(code));
  }
  return letters.length > 1 ? letters : [];
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
  let found: string | undefined;
  for (const match of text.matchAll(pattern)) if (match[1]!.trim() !== "") found = match[1];
  return found;
}

function lastNumber(text: string): string | undefined {
  return text.match(NUMBER)?.at(-1);
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

/** Returns a function that extracts the short answer to a request from a model's text. */
export function answerReader(request: ReasoningRequest): (text: string) => string | undefined {
  const question = lastQuestion(request.messages);
  const options = questionOptions(question);
  const yesNo = yesNoQuestion(question);
  const json = request.json !== undefined;
  return (text) => extractAnswer(text, { options, json, yesNo });
}

/** Returns the option that a text names in a sentence, alone in a line, or at the start of one. */
function optionLetter(text: string, options: readonly string[]): string | undefined {
  if (options.length === 0) return undefined;
  const { inSentence, alone, leading } = optionPatterns(options.join(""));
  const named = [...text.matchAll(inSentence)].findLast((match) => {
    // "The answer is a dog" names no option.
    const end = match.index + match[0].length;
    return !/[a-z]/.test(match[1]!) || !/^ [a-z]/i.test(text.slice(end, end + 2));
  })?.[1];
  return (named ?? last(text, alone) ?? chosenLine(text, leading))?.toUpperCase();
}

/** If several lines start with different letters, they repeat the question; none is chosen. */
function chosenLine(text: string, leading: RegExp): string | undefined {
  const letters = [...text.matchAll(leading)].map((match) => match[1]!);
  const chosen = letters.pop();
  return letters.length === 0 || letters.includes(chosen!) ? chosen : undefined;
}

/** "B) 42" and "(B) 42" name option B. */
function leadingLetter(answer: string, options: readonly string[]): string | undefined {
  const letter = /^[(（]?([A-Za-z])(?:[)）.:：、]|$)/.exec(answer)?.[1]?.toUpperCase();
  return letter !== undefined && options.includes(letter) ? letter : undefined;
}

/** Returns the number or the few words after "the answer is". */
function statedAnswer(text: string): string | undefined {
  for (const match of [...text.matchAll(ANSWER_IS)].reverse()) {
    const start = match.index + match[0].length;
    const [line = ""] = splitPair(text.slice(start, start + MAX_CLAUSE))[0].split("\n", 1);
    const [clause = ""] = line.split(CLAUSE_END, 1);
    const number = lastNumber(clause);
    if (number !== undefined) return number;
    const words = trimMarks(clause);
    if (words !== "" && words.split(/\s+/).length <= MAX_WORDS && !NO_ANSWER.test(words)) {
      return words;
    }
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
