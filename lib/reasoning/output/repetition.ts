const SHINGLE_WORDS = 5;
const MIN_SIMILARITY = 0.9;

/** Returns the words in lower case. Scripts without spaces count each character as a word. */
export function wordsOf(text: string): string[] {
  // Not a constant: compiling its Unicode classes would add about 1 ms to the program's start.
  const word =
    /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|[\p{L}\p{N}\p{M}]+/gu;
  return text.toLowerCase().match(word) ?? [];
}

/** The Jaccard similarity of two sets, 0 to 1. */
export function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const shared = a.intersection(b).size;
  return shared / Math.max(1, a.size + b.size - shared);
}

/** Returns each run of `length` words; fewer words are one run. */
export function runsOf(words: readonly string[], length: number): string[] {
  const count = Math.max(1, words.length - length + 1);
  return Array.from({ length: count }, (_, start) => words.slice(start, start + length).join(" "));
}

export function createRepetitionDetector() {
  const earlier: Set<string>[] = [];
  return {
    /** Records a text; returns whether its similarity to an earlier one is over 0.9. */
    repeats(text: string): boolean {
      const shingles = new Set(runsOf(wordsOf(text), SHINGLE_WORDS));
      const isRepeated = earlier.some((other) => jaccard(other, shingles) > MIN_SIMILARITY);
      earlier.push(shingles);
      return isRepeated;
    },
  };
}
