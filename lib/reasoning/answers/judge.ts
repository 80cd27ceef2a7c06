/**
 * Asks a model which of several candidates is best.
 *
 * @module
 */
import { letterOf, shuffled } from "./candidates.ts";
import { UpstreamError } from "../events.ts";
import type { Message, ReasoningRequest } from "../request.ts";
import type { StrategyContext } from "../strategy.ts";

/** How similar two texts are: shared words over all words, 0 to 1. */
function similarity(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let shared = 0;
  for (const word of a) if (b.has(word)) shared++;
  return shared / Math.max(1, a.size + b.size - shared);
}

/** The indices of the candidates, those most like all others first. */
export function central(candidates: readonly string[]): number[] {
  const words = candidates.map((text) =>
    new Set(text.toLowerCase().match(/[\p{L}\p{N}]+|\p{Script=Han}/gu) ?? [])
  );
  const scores = words.map((own) =>
    words.reduce((sum, other) => sum + (other === own ? 0 : similarity(own, other)), 0)
  );
  return scores.map((_, at) => at).sort((a, b) => scores[b]! - scores[a]!);
}

/** The most candidates that a judge is shown. */
const MOST = 26;

/**
 * Lets a judge choose: the candidates are shuffled, and shown once more in reverse order, since
 * models prefer the first. Where the two verdicts differ or can't be read, the medoid is chosen.
 *
 * @returns the index of the chosen candidate.
 */
export async function judge(
  context: StrategyContext,
  request: ReasoningRequest,
  candidates: readonly string[],
): Promise<number> {
  const order = shuffled(Math.min(candidates.length, MOST), context.random);
  const verdicts: (number | undefined)[] = [];
  for (const shown of [order, order.toReversed()]) {
    if (!context.canThink()) break;
    verdicts.push(await verdict(context, request, shown.map((at) => candidates[at]!), shown));
  }
  const [first, second] = verdicts;
  return first !== undefined && first === second ? first : central(candidates)[0] ?? 0;
}

async function verdict(
  context: StrategyContext,
  request: ReasoningRequest,
  shown: readonly string[],
  order: readonly number[],
): Promise<number | undefined> {
  const text = shown.map((candidate, i) => `[${letterOf(i)}]\n${candidate}`).join("\n\n");
  const messages: Message[] = [
    ...context.toolsMessage(),
    ...request.messages,
    { role: "user", content: context.prompt("judge").replace("{candidates}", () => text) },
  ];
  let said = "";
  try {
    for await (const { content } of context.call({ role: "judge", messages, temperature: 0 })) {
      said += content ?? "";
    }
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error;
  }
  const letter = /\b([A-Z])\b(?!['’])/.exec(said.replace(/^\W*(answer|candidate)\W*/i, ""))?.[1];
  return letter === undefined ? undefined : order[letter.charCodeAt(0) - 65];
}
