/** Types of the part of `@std/text` that is used here. */

/** Returns the most similar word; throws if there are no words. */
export function closestString(givenWord: string, possibleWords: readonly string[]): string;

/** Returns the number of edits that turn one string into the other. */
export function levenshteinDistance(str1: string, str2: string): number;
