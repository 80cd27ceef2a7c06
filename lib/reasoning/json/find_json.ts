import { tryParse } from "../../json.ts";

/**
 * Finds the JSON in a model's text, which may have a code fence or prose around it.
 *
 * @returns its text and value; undefined if the text has no JSON.
 */
export function findJson(text: string): { json: string; value: unknown } | undefined {
  const trimmed = text.trim();
  const fenced = trimmed.split("```").filter((_, i) => i % 2 === 1)
    .map((block) => block.replace(/^json\b/i, "").trim());
  const bracketed = [["{", "}"], ["[", "]"]].map(([open, close]) =>
    trimmed.slice(Math.max(0, trimmed.indexOf(open!)), trimmed.lastIndexOf(close!) + 1)
  );
  for (const json of [trimmed, ...fenced, ...bracketed]) {
    const value = tryParse(json);
    if (value !== undefined) return { json, value };
  }
  return undefined;
}
