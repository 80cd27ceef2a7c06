/**
 * The name that someone may have meant.
 *
 * @module
 */
import { closestString, levenshteinDistance } from "@std/text";

/** The known name nearest to the given one; undefined where none is near. */
export function nearest(
  given: string,
  known: readonly string[],
): string | undefined {
  // Long texts are no typing mistakes, and the distance takes quadratic time.
  if (known.length === 0 || given.length > 100) return undefined;
  const closest = closestString(given, known);
  const allowed = Math.min(3, Math.ceil(given.length / 3));
  return levenshteinDistance(given, closest) <= allowed ? closest : undefined;
}

/** Ends a message about an unknown name: the nearest known one, or all of them. */
export function suggestion(given: string, known: readonly string[]): string {
  const meant = nearest(given, known);
  if (meant !== undefined) return `; did you mean '${meant}'?`;
  return known.length === 0 ? "; none is known here" : `; known here: ${known.join(", ")}`;
}
