import { closestString, levenshteinDistance } from "@std/text";

/** Returns the name most similar to the given one, or undefined if none is similar. */
export function nearest(given: string, names: readonly string[]): string | undefined {
  // A long text is not a typo, and computing the distance takes quadratic time.
  if (names.length === 0 || given.length > 100) return undefined;
  const closest = closestString(given, names);
  const maxDistance = Math.min(3, Math.ceil(given.length / 3));
  return levenshteinDistance(given, closest) <= maxDistance ? closest : undefined;
}

/** Ends a message about an unknown name: with the nearest name, or else with all names. */
export function suggestion(given: string, names: readonly string[]): string {
  const meant = nearest(given, names);
  if (meant !== undefined) return `; did you mean '${meant}'?`;
  return names.length === 0 ? "; no name is valid here" : `; valid names: ${names.join(", ")}`;
}
