/**
 * Keeps model text from closing a block that it stands in.
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
 * Creates a filter that breaks the closing tag of this name, also one that comes in pieces, by a
 * zero-width space behind its `<`.
 */
export function createTagGuard(tag: string): TagGuard {
  const closing = `</${tag}`;
  const found = new RegExp(`<(?=/${tag})`, "gi");
  let held = "";
  return {
    push(text) {
      const all = held + text;
      const from = all.lastIndexOf("<");
      const cut = from >= 0 && all.length - from < closing.length &&
        closing.startsWith(all.slice(from).toLowerCase());
      held = cut ? all.slice(from) : "";
      const whole = cut ? all.slice(0, from) : all;
      return whole.includes("</") ? whole.replace(found, "<\u200b") : whole;
    },
    end() {
      const rest = held;
      held = "";
      return rest;
    },
  };
}
