import { runsOf, wordsOf } from "../output/repetition.ts";

/** Length of the runs of words that are compared. A shorter answer is one run. */
const RUN_WORDS = 3;

/** Maximum length of the part of each text that is compared, in characters. */
const MAX_CHARACTERS = 8_192;

/**
 * Returns for each candidate the share of the answer's runs of three words that it contains, 0 to
 * 1. A run of several candidates counts for each in equal parts, so the sum is at most 1; the rest
 * is in no candidate. Takes time linear in the length of all texts.
 */
export function acceptedShares(answer: string, candidates: readonly string[]): number[] {
  const words = wordsOf(answer.slice(0, MAX_CHARACTERS));
  const length = Math.min(RUN_WORDS, words.length);
  const runs = length === 0 ? [] : runsOf(words, length);
  const owners = new Map<string, number[]>(runs.map((run) => [run, []]));
  for (const [index, text] of candidates.entries()) {
    for (const run of runsOf(wordsOf(text.slice(0, MAX_CHARACTERS)), length)) {
      const sharing = owners.get(run);
      if (sharing !== undefined && sharing.at(-1) !== index) sharing.push(index);
    }
  }
  const counts = candidates.map(() => 0);
  for (const run of runs) {
    const sharing = owners.get(run)!;
    for (const index of sharing) counts[index]! += 1 / sharing.length;
  }
  return counts.map((count) => Math.round(1_000 * count / Math.max(1, runs.length)) / 1_000);
}
