import { createRandom } from "../../../lib/random.ts";

/** Random choices that a seed determines. */
export interface Chance {
  /** Returns a whole number from 0 to below `end`. */
  below(end: number): number;
  /** Returns true with this probability. */
  happens(probability: number): boolean;
  pick<T>(choices: readonly T[]): T;
  /** Returns a number from 1 to `max`, mostly a small one. */
  size(max: number): number;
}

export function createChance(seed: number): Chance {
  const random = createRandom(seed);
  // The first numbers of neighbouring seeds are alike.
  for (let i = 0; i < 4; i++) random();
  const below = (end: number) => Math.floor(random() * end);
  return {
    below,
    happens: (probability) => random() < probability,
    pick: (choices) => choices[below(choices.length)]!,
    size: (max) => Math.floor(max ** random()),
  };
}
