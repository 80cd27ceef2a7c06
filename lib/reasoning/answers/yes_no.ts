/**
 * Reads yes or no from the answer to a question that asks for it.
 *
 * @module
 */

const VERB = /^(?:is|are|am|was|were|do|does|did|has|have|had|can|could|will|would|should|must)$/;
const NEGATION = /\b(?:not|never|cannot|no longer)\b|n['’]t\b/i;

/** Longest question and longest answer that are read, in characters. */
const MAX_QUESTION = 1_000;
const MAX_ANSWER = 100_000;

export interface YesNoQuestion {
  /** Its first word, such as "is". */
  verb: string;
  /** The other words and the numbers, without articles. */
  words: ReadonlySet<string>;
  /** Whether it asks for yes or no in words, so that nothing else can be the answer. */
  isExplicit: boolean;
}

/** Returns the last question of a text if its answer is yes or no. */
export function yesNoQuestion(text: string): YesNoQuestion | undefined {
  const end = text.slice(-MAX_QUESTION);
  const isExplicit = /\byes or no\b/i.test(end);
  const question = end.split(/(?<=[?!\n])|(?<=\.)\s/).findLast((part) => part.includes("?"));
  const [verb = "", ...words] = wordsOf((question ?? "").replace(/\byes or no\b/i, ""));
  // "Is it A or B?" and "Can you count …?" ask for something else.
  if (!VERB.test(verb) || words.includes("or") || words[0] === "you") return undefined;
  return { verb, words: new Set(words), isExplicit };
}

/** Returns "yes" or "no": as it is said, or as the last statement about the question implies. */
export function readYesNo(text: string, question: YesNoQuestion): "yes" | "no" | undefined {
  const clauses = text.slice(-MAX_ANSWER).split(/[.:;!?]\s|[.:;!?]?\n|[.!?]$/);
  for (const clause of clauses.toReversed()) {
    const words = wordsOf(clause);
    const stated =
      words.length <= 2 || /answer is$|^(?:so|answer)$/.test(words.slice(0, -1).join(" "))
        ? words.at(-1)
        : undefined;
    const said = [words[0], stated].find((word) => word === "yes" || word === "no");
    if (said === "yes" || said === "no") return said;
    if (isAbout(words, question)) return NEGATION.test(clause) ? "no" : "yes";
  }
  return undefined;
}

/** Whether a statement has all numbers and at least half of the words of the question. */
function isAbout(statement: readonly string[], { verb, words }: YesNoQuestion): boolean {
  const own = new Set(statement);
  const shared = [...words].filter((word) => own.has(word));
  const isComplete = [...words].every((word) => !/\d/.test(word) || own.has(word));
  // "Does 3 divide 6?" is answered by "3 divides 6", "can" by "can't" too.
  const hasVerb = /^(?:do|does|did)$/.test(verb) ||
    statement.some((word) => word.startsWith(verb) && word.length <= verb.length + 3);
  return isComplete && hasVerb && shared.length > 0 && shared.length * 2 >= words.size;
}

/** Words and numbers in lower case, without articles. */
function wordsOf(text: string): string[] {
  const words = text.toLowerCase().match(/\d+(?:[.,/]+\d+)*|\p{L}+(?:[’']+\p{L}+)*/gu) ?? [];
  return words.filter((word) => !/^(?:a|an|the)$/.test(word));
}
