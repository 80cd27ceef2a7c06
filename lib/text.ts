/** Parts of texts that never end within a character. */

/** Splits off the first half of a surrogate pair at the end of a text. */
export function splitPair(text: string): [whole: string, half: string] {
  const last = text.charCodeAt(text.length - 1);
  const at = last >= 0xd800 && last <= 0xdbff ? text.length - 1 : text.length;
  return [text.slice(0, at).toWellFormed(), text.slice(at)];
}

/** Returns the first `maxLength` UTF-16 units of a text. */
export function startOf(text: string, maxLength: number): string {
  return splitPair(text.slice(0, maxLength))[0];
}

/** Shortens a text to `maxLength` UTF-16 units, the last of which is an ellipsis. */
export function withEllipsis(text: string, maxLength: number): string {
  return text.length > maxLength ? `${startOf(text, maxLength - 1)}…` : text;
}

/**
 * Leaves out the middle of a text of over `maxLength` UTF-16 units.
 *
 * @param startShare share of these units that the start gets, 0 to 1.
 * @param mark returns the line for the middle, whose length it gets.
 */
export function withoutMiddle(
  text: string,
  maxLength: number,
  startShare: number,
  mark: (left: number) => string,
): string {
  if (text.length <= maxLength) return text;
  const startLength = Math.ceil(maxLength * startShare);
  const start = startOf(text, startLength);
  const end = text.slice(startLength - maxLength).replace(/^[\udc00-\udfff]/, "");
  return `${start}\n${mark(text.length - start.length - end.length)}\n${end}`;
}
