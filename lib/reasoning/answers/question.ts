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
  /^(?:please )?(?:explain|describe|discuss|summari[sz]e|translate|rewrite|write|compose|draft|fix|review|improve|suggest|plan|give me (?:a|an|some) (?:tip|idea|advice|example)|why|tell me (?:a|about))\b/i;

/**
 * How a question asks for an amount. The words of this and the following patterns were chosen with
 * the questions in `tests/fixtures/questions.tsv` and `answers.jsonl`.
 */
const AMOUNT =
  /\bhow (?:many|much|old|far|long|tall|fast|high|deep|heavy|big)\b|\b(?:combien|wie ?viele?|cuánt[oa]s?|quant[oi]|сколько)\b|多少|几(?!个)|[有共]几|等于/i;

const NUMBER =
  /\d|\bhow often\b|\b(?:calculate|compute|half of|the (?:value|sum|product|number|probability|remainder|area) of)\b|几/i;

const WORD =
  /\b(?:who|whom|whose|where|which|wer|wo|welche[rs]?|quelle?s?|qui|cuál|quién|dónde|chi|dove)\b|^name\b|\bwhat (?:is|are|was|were|do|does)\b|[谁哪]/i;

/** Arithmetic, but no range or date. */
const ARITHMETIC =
  /\d\s{0,9}[+*×÷^=]\s{0,9}[\d(x-z?]|\d\s{1,9}[-/<>]\s{1,9}\d|\d\s{0,9}=|\d ?(?:%|percent) of\b|\d (?:times|plus|minus|mod|mal|fois|por|over|divided by|multiplied by|to the power of) \d|\d (?:squared|cubed)\b|\d乘|求[出解]|计算|\\frac|\\sqrt/i;

/** How a sentence asks for a fact or a result. */
const FACT = [
  /\b(?:calculate|compute|evaluate|simplify|solve|convert|determine)\b|^(?:please )?(?:name|count) (?:the|an?|one)\b/i,
  /\bfind (?:the )?(?:values?|all|\$|\\?[a-z]\b)/i,
  /\bwhat (?:do|does|did|will) .{1,60}\b(?:cost|weigh|equal|measure|make)\b|\b(?:what|which) (?:\w+ )?comes (?:next|after|before)\b/i,
  /^(?:who|whose|wer|wann|qui|quand|quién|cuándo|chi)\b|^(?:when|where) (?:is|was|are|were|did|does)\b/i,
  /\b(?:which|welche[rs]?|quel(?:le)?s?) (?:[\w-]+ ){1,3}(?:is|was|are|were|has|have|had|did|does|ist|est)\b/i,
  /\bwhat(?:['’]s| is| are| was| were) the \w{0,20}(?:larg|small|tall|short|long|high|low|deep|fast|slow|heav|old|young|hot|cold|near)\w{0,4}est\b/i,
  /谁|哪一?[个年国天里座种]|什么(?:时候|颜色)|首都|吗[？?]?$/,
];

/** How a sentence asks for something that has one value, up to two words before it. */
const QUANTITY =
  /\b(?:find|what|which|what['’]s|whats|was(?= ist)|quelle)(?: (?:is|are|was|were|ist|est))?(?: (?:the|its|his|her|their|an?|die|la))?(?: [\w-]{1,20}){0,2} (?:value|sum|product|quotient|remainder|number|total|average|mean|median|probability|ratio|percentage|fraction|square|cube|root|factorial|derivative|integral|limit|determinant|area|volume|perimeter|radius|diameter|circumference|length|width|height|depth|weight|mass|speed|velocity|distance|duration|age|price|cost|profit|time|date|day|month|year|century|capitale?|currency|population|symbol|plural|opposite|colou?r|language|answer|result|temperature|angle|slope|half|chance|percent|tense|hauptstadt|racine)\b/i;

/** Words in a question that asks for advice, ideas or an opinion. */
const ADVICE =
  /\b(?:best|better|good|great|should|favou?rite|worth|recommend|ideal|ideas?|tips?|ways?|you|your|there)\b|应该|建议|推荐|想法|怎|你|您/i;

/** Words in a question about the user's own affairs. */
const OWN = /\b(?:i|me|my|we|us|our)\b|我/i;

/** Instructions that ask for a short answer. */
const FORMAT =
  /\b(?:answer|reply|respond)\b[^.?!\n]{0,30}\b(?:number|integer|word|letter|name|date|year)\b|\bonly the (?:number|answer|result|name)\b|\btrue or false\b/i;

/** The last part of a question, in which its kind is found, in characters. */
const MAX_QUESTION = 20_000;

/** The end of a question, in which its last sentence is found, in characters. */
const MAX_END = 1_000;

/** Whether a question seems to have one short answer, so that answers to it can be counted. */
export function hasShortAnswer(text: string): boolean {
  const { kind, yesNo } = readQuestion(text);
  const end = text.trim().slice(-MAX_END);
  if (kind === "option" || yesNo?.isExplicit || FORMAT.test(end)) return true;
  if (kind === "code" || kind === "open") return false;
  const asked = lastSentence(end);
  if (AMOUNT.test(asked) || ARITHMETIC.test(asked)) return true;
  if (ADVICE.test(asked)) return false;
  if (QUANTITY.test(asked)) return true;
  if (OWN.test(asked)) return false;
  const isFact = yesNo !== undefined && !/^(?:could|will|would|must)$/.test(yesNo.verb);
  return isFact || FACT.some((pattern) => pattern.test(asked));
}

/** Returns the last question of a text, or else its last sentence. */
function lastSentence(text: string): string {
  const sentences = text.split(/(?<=[.!?])\s+|(?<=[。！？])|\n+/)
    .map((sentence) => sentence.trim()).filter(Boolean);
  return sentences.findLast((sentence) => /[?？]$/.test(sentence)) ?? sentences.at(-1) ?? "";
}

export function readQuestion(text: string): Question {
  const end = text.slice(-MAX_QUESTION).trim();
  const options = optionsOf(end);
  const yesNo = yesNoQuestion(end);
  const common = { options, yesNo };
  if (options.size > 0) return { ...common, kind: "option" };
  if (yesNo !== undefined) return { ...common, kind: "yes_no" };
  if (CODE.test(end)) return { ...common, kind: "code" };
  if (OPEN.test(end)) return { ...common, kind: "open" };
  if (AMOUNT.test(end) || NUMBER.test(end)) return { ...common, kind: "number" };
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
