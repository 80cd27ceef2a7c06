/** Translations by the English text. */
export type Table = Readonly<Record<string, string>>;

let table: Table = {};
const listeners: (() => void)[] = [];

/**
 * The text in the reader's language, or in English while it has no translation.
 *
 * @param text in English, a literal: a test compares all of them with the tables.
 * @param values replace `{name}` in the text.
 */
export function translate(text: string, values: Record<string, string | number> = {}): string {
  return (table[text] ?? text).replace(/\{(\w+)\}/g, (name, key) => String(values[key] ?? name));
}

/** Calls a function each time the reader has chosen another language. */
export function onLanguage(listener: () => void): void {
  listeners.push(listener);
}

/** Translates from now on, and has what is shown translated again. */
export function useTable(loaded: Table): void {
  table = loaded;
  for (const listener of listeners) listener();
}
