/**
 * Asks a model which of several candidates is best.
 *
 * @module
 */
import { letterList, shuffled } from "./candidates.ts";
import { UpstreamError } from "../events.ts";
import { jaccard, wordsOf } from "../relay/repetition.ts";
import type { Message } from "../request.ts";
import type { CallContext } from "../strategy.ts";

/** Returns the indices of the candidates, the most similar to all others first. */
export function byCentrality(candidates: readonly string[]): number[] {
  const words = candidates.map((text) => new Set(wordsOf(text)));
  const scores = words.map((own) => words.reduce((sum, other) => sum + jaccard(own, other), 0));
  return scores.map((_, index) => index).sort((a, b) => scores[b]! - scores[a]!);
}

/** Number of candidates that a judge is shown: one for each letter. */
const MAX_CANDIDATES = 26;

/**
 * Lets a judge choose. It sees the candidates in random order and once more in reverse, since
 * models prefer the first. If the verdicts differ or can't be read, the medoid is chosen.
 *
 * @param prompt name of the prompt that asks; `{candidates}` is replaced.
 * @returns the index of the chosen candidate.
 */
export async function judge<Prompt extends string>(
  context: CallContext<Prompt, "judge">,
  candidates: readonly string[],
  prompt: Prompt,
): Promise<number> {
  const order = shuffled(Math.min(candidates.length, MAX_CANDIDATES), context.random);
  const verdicts: (number | undefined)[] = [];
  for (const shown of [order, order.toReversed()]) {
    if (!await context.canThink()) break;
    const letter = await askForLetter(
      context,
      context.prompt(prompt, { candidates: letterList(shown.map((index) => candidates[index]!)) }),
    );
    verdicts.push(letter === undefined ? undefined : shown[letter.charCodeAt(0) - 65]);
  }
  const [first, second] = verdicts;
  return first !== undefined && first === second ? first : byCentrality(candidates)[0] ?? 0;
}

async function askForLetter(
  context: CallContext<never, "judge">,
  prompt: string,
): Promise<string | undefined> {
  const messages: Message[] = [
    ...context.toolsMessage,
    ...context.request.messages,
    { role: "user", content: prompt },
  ];
  let verdict = "";
  try {
    const deltas = context.call({ role: "judge", messages, temperature: 0 });
    for await (const { content, thought } of deltas) {
      if (thought !== undefined) verdict = "";
      verdict += content ?? "";
    }
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error;
  }
  return /\b([A-Z])\b(?!['’])/.exec(verdict.replace(/^\W*(answer|candidate)\W*/i, ""))?.[1];
}
