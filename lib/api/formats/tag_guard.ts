/**
 * Keeps model text from closing a block that it stands in, or opening one inside.
 *
 * @module
 */

/** A streaming filter. */
export interface TagGuard {
  /** Takes the next characters; gives out what is safe. */
  push(text: string): string;
  /** What was held back. */
  end(): string;
}

/**
 * Creates a filter that breaks the tags of this name, also those that come in pieces, by a
 * zero-width space behind their `<`. Opening tags are broken too: readers of HTML count them.
 */
export function createTagGuard(tag: string): TagGuard {
  const starts = [`<${tag}`, `</${tag}`];
  const found = new RegExp(`<(?=/?${tag})`, "gi");
  let held = "";
  return {
    push(text) {
      const all = held + text;
      const from = all.lastIndexOf("<");
      const last = from < 0 ? "" : all.slice(from).toLowerCase();
      const cut = last !== "" &&
        starts.some((start) => last.length < start.length && start.startsWith(last));
      held = cut ? all.slice(from) : "";
      const whole = cut ? all.slice(0, from) : all;
      return from < 0 ? whole : whole.replace(found, "<\u200b");
    },
    end() {
      const rest = held;
      held = "";
      return rest;
    },
  };
}
