import { createDeltaReader, type Delta, type DeltaReader } from "./deltas.ts";
import type { TokenCounts } from "./usage.ts";

/** Length of most tokens, to distinguish the count of one sample from that of all. */
const TOKEN_CHARACTERS = 4;

interface Sample {
  reader: DeltaReader;
  characters: number;
  /** Whether its usage has been read. */
  isCounted: boolean;
}

/**
 * Creates a reader for an answer with several samples, which `choices[].index` distinguishes.
 * Each delta names its sample. Usage without a sample counts all of them.
 *
 * @param count number of samples that were requested; others are ignored.
 * @param maxCharacters maximum length of each sample.
 * @param cuts whether all samples end when one exceeds it; otherwise that is an error.
 */
export function createSamplesReader(
  count: number,
  maxCharacters?: number,
  cuts?: boolean,
): DeltaReader {
  const samples = new Map<number, Sample>();
  /** Reads errors and usage, which belong to no single sample. */
  const head = createDeltaReader();
  const ready: Delta[] = [];
  let countsEach = false;
  let isFull = false;

  function collect(number: number, sample: Sample): void {
    for (const delta of sample.reader.take()) {
      const { reasoning = "", content = "", toolCalls = [] } = delta;
      const calls = toolCalls.reduce((sum, call) => sum + call.arguments.length, 0);
      sample.characters += reasoning.length + content.length + calls;
      ready.push({ ...delta, sample: number });
    }
  }

  function addChoice(completion: Record<string, unknown>, choice: unknown): void {
    const { index = 0 } = (choice ?? {}) as { index?: unknown };
    const number = Number(index);
    if (!Number.isInteger(number) || number < 0 || number >= count) return;
    const sample = samples.get(number) ??
      { reader: createDeltaReader(maxCharacters, cuts), characters: 0, isCounted: false };
    samples.set(number, sample);
    const choices = [{ ...(choice as object), index: 0 }];
    sample.reader.add({ ...completion, usage: undefined, x_groq: undefined, choices });
    collect(number, sample);
    isFull = sample.reader.isFull();
  }

  /** Ends the samples that have not finished, because one has exceeded the maximum. */
  function cutOthers(): void {
    for (const [number, { reader }] of samples) {
      if (!reader.isFinished()) ready.push({ finishReason: "length", sample: number });
    }
  }

  /**
   * llama.cpp reports the usage of each sample when the sample ends, and in a whole completion only
   * that of the first sample. Others report the usage of all samples, once or repeatedly.
   */
  function addUsage(usage: TokenCounts, isAlone: boolean): void {
    const all = [...samples].sort(([a], [b]) => a - b);
    const ended = all.find(([, { reader, isCounted }]) => reader.isFinished() && !isCounted);
    const areAllEnded = all.every(([, { reader }]) => reader.isFinished());
    if (isAlone && ended !== undefined && !areAllEnded) countsEach = true;
    if (countsEach) {
      if (ended === undefined) return;
      ended[1].isCounted = true;
      ready.push({ usage, sample: ended[0] });
      return;
    }
    const characters = all.reduce((sum, [, sample]) => sum + sample.characters, 0);
    const [first] = all;
    const oneCount = (first?.[1].characters ?? 0) / TOKEN_CHARACTERS;
    // In ratio, the count is closer to the estimate for one sample than to the estimate for all.
    const isOfOne = first !== undefined && characters > 0 && all.length > 1 && areAllEnded &&
      usage.completion ** 2 < oneCount * characters / TOKEN_CHARACTERS;
    ready.push(isOfOne ? { usage, sample: first[0] } : { usage });
  }

  return {
    add(json) {
      const completion = json as { choices?: unknown } | null;
      const choices = Array.isArray(completion?.choices) ? completion.choices : undefined;
      head.add(choices === undefined ? json : { ...completion, choices: [] });
      for (const choice of choices?.slice(0, count) ?? []) {
        addChoice({ ...completion }, choice);
        if (isFull) return cutOthers();
      }
      for (const { usage } of head.take()) {
        if (usage !== undefined) addUsage(usage, (choices ?? []).length === 0);
      }
    },
    end() {
      for (const [number, sample] of samples) {
        sample.reader.end();
        collect(number, sample);
      }
    },
    take: () => ready.splice(0),
    isFinished: () =>
      isFull ||
      samples.size > 0 && [...samples.values()].every(({ reader }) => reader.isFinished()),
    isFull: () => isFull,
    hasFalseFinish: () => [...samples.values()].some(({ reader }) => reader.hasFalseFinish()),
    hasEarlyFinish: () => [...samples.values()].some(({ reader }) => reader.hasEarlyFinish()),
  };
}
