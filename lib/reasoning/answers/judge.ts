/**
 * Asks a model which of several candidates is best.
 *
 * @see Pairwise comparison against single scores: arXiv 2603.04304
 * @module
 */
import type { JsonFormat } from "../../upstream/target.ts";
import { type ReasoningEvent, UpstreamError } from "../events.ts";
import { type Sample, shortest } from "../output/parallel.ts";
import { jaccard, wordsOf } from "../output/repetition.ts";
import type { Message } from "../request.ts";
import type { CallContext } from "../strategy.ts";
import { shorten, showFitting, shuffled } from "./candidates.ts";
import { withoutFinalLine } from "./extractor.ts";

/** Returns the indices of the candidates, the most similar to all others first. */
export function byCentrality(candidates: readonly string[]): number[] {
  const words = candidates.map((text) => new Set(wordsOf(text)));
  const scores = words.map((own) => words.reduce((sum, other) => sum + jaccard(own, other), 0));
  return scores.map((_, index) => index).sort((a, b) => scores[b]! - scores[a]!);
}

/** Names that occur neither in questions nor in answers. */
const LABELS = ["candidate_1", "candidate_2"] as const;

const VERDICT_FORMAT: JsonFormat = {
  name: "verdict",
  strict: true,
  inPrompt: false,
  schema: {
    type: "object",
    properties: { better: { type: "string", enum: LABELS } },
    required: ["better"],
    additionalProperties: false,
  },
};

/** A verdict in JSON takes 12 to 25 tokens. */
const VERDICT_TOKENS = 64;

/** Maximum number of candidates that are compared: three pairs, six calls. */
const MAX_CANDIDATES = 4;

/** Longest part of a candidate that is shown, in characters. */
const MAX_SHOWN = 6_000;

export interface Contender {
  /** All of it, with its thinking. */
  text: string;
  /** Number of samples that agree. */
  votes: number;
}

/** An answer, and the number of samples that agree. */
export interface Nominee {
  sample: Sample;
  votes: number;
}

/** Returns one sample of each text: equal texts agree, even if no answer can be read from them. */
export function groupEqual(samples: readonly Sample[]): Nominee[] {
  const groups = Map.groupBy(samples, ({ text }) => text.trim()).values();
  return [...groups].map((equal) => ({ sample: shortest(equal), votes: equal.length }));
}

/** Lets a judge choose a sample. A single one needs no judge. */
export async function* judgeSamples(
  context: CallContext<"judge", "judge">,
  candidates: readonly Nominee[],
): AsyncGenerator<ReasoningEvent, Sample> {
  if (candidates.length === 1) return candidates[0]!.sample;
  yield { type: "status", text: "The answers do not agree; a judge compares them." };
  const contenders = candidates.map(({ sample, votes }) => ({ text: wholeText(sample), votes }));
  return candidates[await judge(context, contenders, "judge")]!.sample;
}

/** Returns the text with its thinking. */
function wholeText({ thinking, text }: Sample): string {
  return [thinking, withoutFinalLine(text)].filter(Boolean).join("\n\n");
}

/**
 * Lets a judge choose by a knockout of pairs, each in both orders: models prefer one position. A
 * verdict counts like a vote, so two can't reverse a lead of two votes. If neither leads, the one
 * more similar to all others wins; without any verdict that is the medoid of the most voted.
 *
 * @param prompt name of the prompt that asks; `{candidates}` is replaced.
 * @returns the index of the chosen candidate.
 */
export async function judge<Prompt extends string>(
  context: CallContext<Prompt, "judge">,
  contenders: readonly Contender[],
  prompt: Prompt,
): Promise<number> {
  const ask = (first: number, second: number) => {
    const pair = [contenders[first]!.text, contenders[second]!.text];
    const messages = showFitting(context, "judge", pair, (texts) => [
      ...context.toolsMessage,
      ...context.request.messages,
      { role: "user", content: context.prompt(prompt, { candidates: listPair(texts) }) },
    ]);
    return askForVerdict(context, messages);
  };
  /** Returns the votes of two verdicts, one for each order: positive for the first contender. */
  const compare = async ([first, second]: readonly [number, number]) => {
    const [vote, reversed] = await Promise.all([ask(first, second), ask(second, first)]);
    return vote - reversed;
  };

  // Comparing all texts takes time, and only answers with as many votes need it.
  let central: number[] | undefined;
  const placeOf = (index: number) =>
    (central ??= byCentrality(contenders.map(({ text }) => text))).indexOf(index);
  const rank = (a: number, b: number) =>
    contenders[b]!.votes - contenders[a]!.votes || placeOf(a) - placeOf(b);
  const best = [...contenders.keys()].sort(rank).slice(0, MAX_CANDIDATES);
  let round = shuffled(best.length, context.random).map((index) => best[index]!);
  while (round.length > 1) {
    const pairs = Array.from(
      { length: Math.floor(round.length / 2) },
      (_, i) => [round[2 * i]!, round[2 * i + 1]!] as const,
    );
    if (!await context.canThink(2 * pairs.length)) break;
    const verdicts = await Promise.all(pairs.map(compare));
    const winners = pairs.map(([a, b], i) => {
      const lead = contenders[a]!.votes - contenders[b]!.votes + verdicts[i]!;
      return lead > 0 || lead === 0 && rank(a, b) < 0 ? a : b;
    });
    const unpaired = round.length % 2 === 0 ? [] : [round.at(-1)!];
    // Such a judge prefers one position, or its verdicts can't be read.
    if (unpaired.length === 0 && verdicts.every((verdict) => verdict === 0)) break;
    round = [...winners, ...unpaired];
  }
  return round.toSorted(rank)[0]!;
}

function listPair(texts: readonly string[]): string {
  return LABELS
    .map((label, i) => `<${label}>\n${shorten(texts[i]!, MAX_SHOWN)}\n</${label}>`).join("\n\n");
}

/** Returns 1 if the first text is better, -1 if the second is, 0 without a verdict. */
async function askForVerdict(
  context: CallContext<never, "judge">,
  messages: Message[],
): Promise<number> {
  // Too little of the candidates would be shown.
  if (!context.hasRoom("judge", messages)) return 0;
  const spec = { role: "judge", messages, temperature: 0 } as const;
  let verdict = "";
  try {
    const deltas = context.call({ ...spec, json: VERDICT_FORMAT, maxTokens: VERDICT_TOKENS });
    for await (const { content, thought } of deltas) {
      if (thought !== undefined) verdict = "";
      verdict += content ?? "";
    }
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error;
    return 0;
  }
  const vote = readVerdict(verdict);
  if (/^\s*\{/.test(verdict) && vote !== 0) context.json.followed("judge", VERDICT_FORMAT);
  else if (verdict !== "") context.json.ignored("judge", VERDICT_FORMAT);
  return vote;
}

/**
 * Reads a verdict: the text names exactly one candidate.
 *
 * @returns 1 for the first, -1 for the second, 0 if it can't be read.
 */
export function readVerdict(text: string): -1 | 0 | 1 {
  const [first, second] = LABELS.map((label) => new RegExp(`\\b${label}\\b`, "i").test(text));
  if (first === second) return 0;
  return first ? 1 : -1;
}
