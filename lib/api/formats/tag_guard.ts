/**
 * Creates a filter that keeps model text from opening or closing the block it is written into.
 * It inserts a zero-width space after the `<` of each tag of this name, even if the tag arrives
 * in pieces. Opening tags are broken too, because HTML parsers count them.
 */
export function createTagGuard(tag: string) {
  const starts = [`<${tag}`, `</${tag}`];
  const tags = new RegExp(`<(?=/?${tag})`, "gi");
  let held = "";
  return {
    /** Returns the text that is safe so far; the start of a possible tag is held back. */
    push(text: string): string {
      const all = held + text;
      const from = all.lastIndexOf("<");
      if (from < 0) {
        held = "";
        return all;
      }
      const last = all.slice(from).toLowerCase();
      const isPartial = starts.some((start) =>
        last.length < start.length && start.startsWith(last)
      );
      held = isPartial ? all.slice(from) : "";
      return (isPartial ? all.slice(0, from) : all).replace(tags, "<\u200b");
    },
    end(): string {
      const rest = held;
      held = "";
      return rest;
    },
  };
}
