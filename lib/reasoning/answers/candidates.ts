/**
 * Candidate answers as a model is shown them.
 *
 * @module
 */

/** A permutation of the numbers below `length`. */
export function shuffled(length: number, random: () => number): number[] {
  const order = Array.from({ length }, (_, i) => i);
  for (let i = length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/** The letter of a candidate, from A; after Z comes A1. */
export function letterOf(index: number): string {
  const letter = String.fromCharCode(65 + index % 26);
  return index < 26 ? letter : letter + Math.floor(index / 26);
}

/** Candidates under letters, in an order by chance, since models prefer the first. */
export function lettered(candidates: readonly string[], random: () => number): string {
  return shuffled(candidates.length, random)
    .map((at, i) => `[${letterOf(i)}]\n${candidates[at]}`).join("\n\n");
}
