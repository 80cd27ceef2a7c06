const VERB = /^(?:is|are|am|was|were|do|does|did|has|have|had|can|could|will|would|should|must)$/;
const NEGATION = /\b(?:not|never|cannot|no longer)\b|n['’]t\b/i;

/** A question that asks for yes or no in words. */
const EXPLICIT = /\byes or no\b|\bja oder nein\b|\boui ou non\b|\bs[íi] o no\b|是[或还]|是不是/i;

const YES = /^(?:yes|yeah|yep|true|correct|ja|oui|sí|si|是|是的|对)$/;
const NO = /^(?:no|nope|false|incorrect|nein|non|不|不是|否)$/;

/** Words that each count as much as a digit. */
const NUMBER_WORD = /\d|^(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|all)$/;

/** What a clause that states nothing holds. */
const CONDITION = /\b(?:whether|if|determine|question|consider|suppose|assume)\b/i;

const CONCLUSION = /^\W{0,20}(?:so|therefore|thus|hence)\b/i;

/** Longest question and longest answer that are read, in characters. */
const MAX_QUESTION = 1_000;
const MAX_ANSWER = 100_000;

export interface YesNoQuestion {
  /** Its first word, such as "is"; empty in a language whose verbs are not known. */
  verb: string;
  /** The other words and the numbers, without articles. */
  words: ReadonlySet<string>;
  /** Whether it asks for yes or no in words, so that nothing else can be the answer. */
  isExplicit: boolean;
}

/** Returns the last question of a text if its answer is yes or no. */
export function yesNoQuestion(text: string): YesNoQuestion | undefined {
  const end = text.slice(-MAX_QUESTION);
  const isExplicit = EXPLICIT.test(end);
  const question = end.split(/(?<=[?!？\n])|(?<=\.)\s/).findLast((part) => /[?？]/.test(part));
  const [verb = "", ...words] = wordsOf((question ?? "").replace(/\byes or no\b/i, ""));
  // "Is it A or B?", "Can you count …?" and the German "Was ist …?" ask for something else.
  const isVerb = VERB.test(verb) && !words.includes("or") && words[0] !== "you" &&
    words[0] !== "ist" && words[0] !== "sind";
  if (isVerb) return { verb, words: new Set(words), isExplicit };
  return isExplicit ? { verb: "", words: new Set(), isExplicit } : undefined;
}

/**
 * Returns what "the answer is" is followed by, else the first yes or no that begins a clause, else
 * what a statement about the question implies: the last one after "so", or the first one.
 */
export function readYesNo(text: string, question: YesNoQuestion): "yes" | "no" | undefined {
  const end = text.slice(-MAX_ANSWER);
  const clauses = end.split(/[.:;!?？。！]\s|[。！？]|[.:;!?]?\n|[.!?]$|, (?:as|because|since) /);
  const stated = clauses.findLast((clause, i) => {
    const before = i === 0 ? "" : clauses[i - 1]!;
    return saidAfterAnswer(clause) !== undefined ||
      /\banswer(?: is)?\W*$/i.test(before) && saidAtStart(clause) !== undefined;
  });
  if (stated !== undefined) return saidAfterAnswer(stated) ?? saidAtStart(stated);
  const said = firstOf(clauses, saidAtStart);
  if (said !== undefined) return said;
  const statements = clauses.filter((clause) => isAbout(clause, question));
  const statement = statements.findLast((clause) => CONCLUSION.test(clause)) ?? statements[0];
  if (statement === undefined) return firstOf(clauses, saidInside);
  return NEGATION.test(statement) ? "no" : "yes";
}

const firstOf = <T>(clauses: readonly string[], read: (clause: string) => T | undefined) =>
  clauses.values().map(read).find((found) => found !== undefined);

const toAnswer = (word: string | undefined) =>
  word === undefined ? undefined : YES.test(word) ? "yes" : NO.test(word) ? "no" : undefined;

/** "Yes", "**No**, because …"; not "No divisor exists". */
function saidAtStart(clause: string): "yes" | "no" | undefined {
  const [, word] = /^\W{0,20}(?:so,? )?(\p{L}{1,9})[*_`"'”’)]{0,4}(?:[,.;:!?，。—–-]|$)/iu
    .exec(clause.trim()) ?? [];
  return toAnswer(word?.toLowerCase());
}

/** "In this sense, yes, …" and "…, no". */
function saidInside(clause: string): "yes" | "no" | undefined {
  return toAnswer(/, (yes|no)(?:,|$)/i.exec(clause)?.[1]?.toLowerCase());
}

/** "The answer to … is yes, …", "the answer, which is "Yes"", "so the answer is: It is not". */
function saidAfterAnswer(clause: string): "yes" | "no" | undefined {
  const [, word] = /\banswer\b[^\n]{0,200}?\b(?:is|would be)\b\W{0,6}(yes|no|true|false)\b/i
    .exec(clause) ?? [];
  return toAnswer(word?.toLowerCase());
}

/** Words of a question that its answers often leave out. */
const GENERIC = /^(?:number|really|actually|able|kind|type|have|has)$/;

/** "It is not", "they do". */
const SHORT_STATEMENT = /^(?:so )?(?:it|they|he|she|that) \w{2,6}(?: not)?$/;

/**
 * Whether a statement begins with the subject of the question and has its numbers and other words:
 * all if they are few, else two thirds.
 */
function isAbout(clause: string, { verb, words }: YesNoQuestion): boolean {
  if (words.size === 0 || CONDITION.test(clause)) return false;
  const statement = wordsOf(clause);
  // The question again.
  if (statement[0] === verb) return false;
  if (SHORT_STATEMENT.test(statement.join(" "))) {
    return statement[1 + Number(statement[0] === "so")] === verb;
  }
  const own = new Set(statement.flatMap((word) => [word, word.replace(/s$/, "")]));
  const has = (word: string) => own.has(word) || own.has(word.replace(/s$/, ""));
  const needed = [...words].filter((word) => !GENERIC.test(word));
  const shared = needed.filter(has);
  const isComplete = needed.every((word, i) => i > 0 && !NUMBER_WORD.test(word) || has(word));
  // "Does 3 divide 6?" is answered by "3 divides 6", "can" by "can't" too.
  const hasVerb = /^(?:do|does|did)$/.test(verb) ||
    statement.some((word) => word.startsWith(verb) && word.length <= verb.length + 3);
  return isComplete && hasVerb && shared.length * 3 >= needed.length * (needed.length <= 4 ? 3 : 2);
}

/** Words and numbers in lower case, without articles. */
function wordsOf(text: string): string[] {
  const words = text.toLowerCase().match(/\d+(?:[.,/]+\d+)*|\p{L}+(?:[’']+\p{L}+)*/gu) ?? [];
  return words.filter((word) => !/^(?:a|an|the)$/.test(word));
}
