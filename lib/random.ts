/**
 * Creates a seeded random number generator, Mulberry32, that returns numbers in [0, 1).
 *
 * @see {@link https://gist.github.com/tommyettinger/46a874533244883189143505d203312c}
 */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
