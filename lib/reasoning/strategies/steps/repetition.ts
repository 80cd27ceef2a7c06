/**
 * Finds out when thinking goes round in circles.
 *
 * @module
 */

const SHINGLE_WORDS = 5;
const SAME = 0.9;

/** Remembers texts and recognises one that was there before. */
export interface RepetitionDetector {
  /** Takes the next text and tells whether it repeats an earlier one. */
  repeats(text: string): boolean;
}

/** Overlapping runs of five words, as a set; a shorter text is one run. */
function shingles(text: string): Set<string> {
  // Scripts that write no spaces count each character as a word. Made here, where it is used: to
  // look up what it names takes 2 ms of a start.
  const word =
    /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|[\p{L}\p{N}\p{M}]+/gu;
  const words = text.toLowerCase().match(word) ?? [];
  const set = new Set<string>();
  for (let i = 0; i <= Math.max(0, words.length - SHINGLE_WORDS); i++) {
    set.add(words.slice(i, i + SHINGLE_WORDS).join(" "));
  }
  return set;
}

function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let shared = 0;
  for (const item of a) if (b.has(item)) shared++;
  return shared / (a.size + b.size - shared);
}

/**
 * Creates a detector: two texts are the same when the Jaccard similarity of their 5-word
 * shingles is over 0.9.
 */
export function createRepetitionDetector(): RepetitionDetector {
  const seen: Set<string>[] = [];
  let first: string | undefined;
  return {
    repeats(text) {
      // Taken apart only once there is a second: many runs end with the first.
      if (first === undefined) {
        first = text;
        return false;
      }
      if (seen.length === 0) seen.push(shingles(first));
      const set = shingles(text);
      const repeated = seen.some((earlier) => jaccard(earlier, set) > SAME);
      seen.push(set);
      return repeated;
    },
  };
}
