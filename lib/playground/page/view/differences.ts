/**
 * The word differences of two texts. The work grows linearly with their lengths, and pauses so often
 * that a page stays responsive: long passages are divided at words that occur once in both, and
 * short ones compared exactly. A passage that is neither short nor has such words counts as replaced.
 *
 * @module
 */

export interface Difference {
  kind: "same" | "removed" | "added";
  text: string;
}

/** Chinese is compared by character, other scripts by word. */
const WORD_REGEXP = /\s+|\p{Script=Han}|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu;

/** Two passages are compared exactly if the product of their numbers of words is not larger. */
const MAX_CELLS = 250_000;

/** Steps of all comparisons; what is left then counts as replaced. */
const MAX_STEPS = 20_000_000;

/** Time after which the work pauses, in milliseconds. */
const SLICE_MS = 12;

/** Words between two looks at the time. */
const WORDS_PER_CHECK = 2_000;

type Pause = () => Promise<void> | undefined;

interface Range {
  a: number;
  aEnd: number;
  b: number;
  bEnd: number;
}

/** @param signal ends the work early, with an error */
export async function differencesOf(
  before: string,
  after: string,
  signal?: AbortSignal,
): Promise<Difference[]> {
  const pause = createPause(signal);
  const numbers = new Map<string, number>();
  const a = await wordsOf(before, numbers, pause);
  const b = await wordsOf(after, numbers, pause);
  const { keptA, keptB } = await match(a.numbers, b.numbers, pause);
  return join(a.words, b.words, keptA, keptB);
}

/** Returns a function that is to be awaited, and pauses if the last pause was long ago. */
export function createPause(signal?: AbortSignal): Pause {
  let last = performance.now();
  return () => {
    signal?.throwIfAborted();
    if (performance.now() - last < SLICE_MS) return undefined;
    return new Promise((resolve) =>
      setTimeout(() => {
        last = performance.now();
        resolve();
      })
    );
  };
}

async function wordsOf(text: string, numbers: Map<string, number>, pause: Pause) {
  const words: string[] = [];
  const all: number[] = [];
  for (const [word] of text.matchAll(WORD_REGEXP)) {
    let number = numbers.get(word);
    if (number === undefined) numbers.set(word, number = numbers.size);
    words.push(word);
    all.push(number);
    if (words.length % WORDS_PER_CHECK === 0) await pause();
  }
  return { words, numbers: all };
}

/** Finds which words of both are the same, in the same order. */
async function match(a: readonly number[], b: readonly number[], pause: Pause) {
  const keptA = new Uint8Array(a.length);
  const keptB = new Uint8Array(b.length);
  const ranges: Range[] = [{ a: 0, aEnd: a.length, b: 0, bEnd: b.length }];
  let steps = 0;
  for (let range = ranges.pop(); range !== undefined; range = ranges.pop()) {
    await pause();
    while (range.a < range.aEnd && range.b < range.bEnd && a[range.a] === b[range.b]) {
      keptA[range.a++] = keptB[range.b++] = 1;
    }
    while (
      range.a < range.aEnd && range.b < range.bEnd && a[range.aEnd - 1] === b[range.bEnd - 1]
    ) {
      keptA[--range.aEnd] = keptB[--range.bEnd] = 1;
    }
    const rows = range.aEnd - range.a;
    const columns = range.bEnd - range.b;
    if (rows === 0 || columns === 0 || steps > MAX_STEPS) continue;
    const pairs = rows * columns <= MAX_CELLS
      ? longestCommon(a, b, range)
      : await anchors(a, b, range, pause);
    steps += Math.min(rows * columns, MAX_CELLS) + rows + columns;
    for (const [i, j] of pairs) keptA[i] = keptB[j] = 1;
    if (rows * columns <= MAX_CELLS || pairs.length === 0) continue;
    let { a: i, b: j } = range;
    for (const [nextA, nextB] of [...pairs, [range.aEnd, range.bEnd] as const]) {
      ranges.push({ a: i, aEnd: nextA, b: j, bEnd: nextB });
      i = nextA + 1;
      j = nextB + 1;
    }
  }
  return { keptA, keptB };
}

/** The longest common subsequence. */
function longestCommon(
  a: readonly number[],
  b: readonly number[],
  { a: aStart, aEnd, b: bStart, bEnd }: Range,
): [number, number][] {
  const width = bEnd - bStart + 1;
  const lengths = new Uint16Array((aEnd - aStart + 1) * width);
  for (let i = aEnd - aStart - 1; i >= 0; i--) {
    for (let j = width - 2; j >= 0; j--) {
      const here = i * width + j;
      lengths[here] = a[aStart + i] === b[bStart + j]
        ? lengths[here + width + 1]! + 1
        : Math.max(lengths[here + width]!, lengths[here + 1]!);
    }
  }
  const pairs: [number, number][] = [];
  for (let i = 0, j = 0; i < aEnd - aStart && j < width - 1;) {
    const here = i * width + j;
    if (a[aStart + i] === b[bStart + j]) pairs.push([aStart + i++, bStart + j++]);
    else if (lengths[here + width]! >= lengths[here + 1]!) i++;
    else j++;
  }
  return pairs;
}

/** Words that occur once in both passages: as many as are in the same order. */
async function anchors(
  a: readonly number[],
  b: readonly number[],
  range: Range,
  pause: Pause,
): Promise<[number, number][]> {
  const placesA = await singlePlaces(a, range.a, range.aEnd, pause);
  const placesB = await singlePlaces(b, range.b, range.bEnd, pause);
  /** Pairs that end the shortest chains of each length, and the pair before each pair. */
  const ends: [number, number][] = [];
  const previous = new Map<number, [number, number] | undefined>();
  for (const [word, i] of placesA) {
    const j = placesB.get(word);
    if (i < 0 || j === undefined || j < 0) continue;
    let low = 0;
    for (let high = ends.length; low < high;) {
      const middle = (low + high) >> 1;
      if (ends[middle]![1] < j) low = middle + 1;
      else high = middle;
    }
    previous.set(i, ends[low - 1]);
    ends[low] = [i, j];
  }
  const chain: [number, number][] = [];
  for (let pair = ends.at(-1); pair !== undefined; pair = previous.get(pair[0])) chain.push(pair);
  return chain.reverse();
}

/** The place of each word, in order; -1 for one that occurs again. */
async function singlePlaces(
  words: readonly number[],
  start: number,
  end: number,
  pause: Pause,
): Promise<Map<number, number>> {
  const places = new Map<number, number>();
  for (let i = start; i < end; i++) {
    places.set(words[i]!, places.has(words[i]!) ? -1 : i);
    if (i % WORDS_PER_CHECK === 0) await pause();
  }
  return places;
}

function join(
  a: readonly string[],
  b: readonly string[],
  keptA: Uint8Array,
  keptB: Uint8Array,
): Difference[] {
  const differences: Difference[] = [];
  const add = (kind: Difference["kind"], words: readonly string[]) => {
    if (words.length > 0) differences.push({ kind, text: words.join("") });
  };
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    const [startA, startB] = [i, j];
    while (i < a.length && keptA[i] === 0) i++;
    while (j < b.length && keptB[j] === 0) j++;
    add("removed", a.slice(startA, i));
    add("added", b.slice(startB, j));
    const same = i;
    while (i < a.length && j < b.length && keptA[i] === 1 && keptB[j] === 1) i++, j++;
    add("same", a.slice(same, i));
  }
  return differences;
}
