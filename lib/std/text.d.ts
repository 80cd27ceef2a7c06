/** Types of the part of `@std/text` that is used here. */

/** The most similar of the words; throws for an empty list. */
export function closestString(
  givenWord: string,
  possibleWords: ReadonlyArray<string>,
): string;

/** Edits that turn one string into the other. */
export function levenshteinDistance(str1: string, str2: string): number;
