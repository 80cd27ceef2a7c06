import { OPTION } from "./patterns.ts";
import { type YesNoQuestion, yesNoQuestion } from "./yes_no.ts";

/** What kind of answer a question asks for. `other`: it does not say. */
export interface Question {
  kind: "option" | "yes_no" | "number" | "word" | "code" | "open" | "other";
  /** Texts by their letters. */
  options: ReadonlyMap<string, string>;
  yesNo: YesNoQuestion | undefined;
}

const CODE =
  /\b(?:write|implement|create|give me|code)\b.{0,40}\b(?:code|function|program|script|query|class|one-liner|regex|regular expression|component|dockerfile)\b/i;

const OPEN =
  /^(?:please )?(?:explain|describe|discuss|summari[sz]e|translate|rewrite|write|compose|draft|give me (?:a|an|some) (?:tip|idea|advice|example)|why|tell me (?:a|about))\b/i;

const NUMBER =
  /\d|\bhow (?:many|much|old|far|long|tall|fast|often)\b|\b(?:calculate|compute|half of|the (?:value|sum|product|number|probability|remainder|area) of)\b|\b(?:combien|wie ?viele?|cuánt[oa]s?|quant[oi]|сколько)\b|多少|几|等于/i;

const WORD =
  /\b(?:who|whom|whose|where|which|wer|wo|welche[rs]?|quelle?s?|qui|cuál|quién|dónde|chi|dove)\b|^name\b|\bwhat (?:is|are|was|were|do|does)\b|[谁哪]/i;

/** The last part of a question, in which its kind is found, in characters. */
const MAX_QUESTION = 20_000;

export function readQuestion(text: string): Question {
  const end = text.slice(-MAX_QUESTION).trim();
  const options = optionsOf(end);
  const yesNo = yesNoQuestion(end);
  const common = { options, yesNo };
  if (options.size > 0) return { ...common, kind: "option" };
  if (yesNo !== undefined) return { ...common, kind: "yes_no" };
  if (CODE.test(end)) return { ...common, kind: "code" };
  if (OPEN.test(end)) return { ...common, kind: "open" };
  if (NUMBER.test(end)) return { ...common, kind: "number" };
  return { ...common, kind: WORD.test(end) ? "word" : "other" };
}

/** The options that a question offers, from A without a gap; none if there is only one. */
function optionsOf(question: string): Map<string, string> {
  const matches = [...question.matchAll(OPTION)];
  const found = new Map(matches.map((match, i) => {
    const start = match.index + match[0].length - 1;
    const text = question.slice(start, matches[i + 1]?.index).split("\n", 1)[0]!;
    return [match[1]!, text.trim()] as const;
  }));
  const options = new Map<string, string>();
  for (let code = 65; found.has(String.fromCharCode(code)); code++) {
    const letter = String.fromCharCode(code);
    options.set(letter, found.get(letter)!);
  }
  return options.size > 1 ? options : new Map();
}
