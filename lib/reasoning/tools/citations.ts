import type { AnswerParts, ReasoningEvent } from "../events.ts";

/** Pages that are looked for in an answer, and the start of it that is searched, in characters. */
const MAX_SOURCES = 200;
const MAX_TEXT = 100_000;

/** Collects the pages that tools have read, and finds those that the answer names. */
export function createCitations() {
  const titles = new Map<string, string>();
  let text = "";
  return {
    add(event: ReasoningEvent): void {
      if (event.type === "answer") {
        if (text.length < MAX_TEXT && titles.size > 0) text += event.text;
      } else if (event.type === "tool_output") {
        for (const { url, title } of event.citations ?? []) {
          if (titles.size < MAX_SOURCES) titles.set(url, title);
        }
      }
    },
    /** The annotations of the answer, in the form of Chat Completions; undefined without any. */
    parts(): AnswerParts | undefined {
      const annotations = [...titles].flatMap(([url, title]) => {
        const start = text.indexOf(url);
        // The start of a longer address is another page.
        if (start < 0 || /[\w/%?&=#-]/.test(text.charAt(start + url.length))) return [];
        const place = { start_index: start, end_index: start + url.length };
        return [{ type: "url_citation", url_citation: { ...place, url, title } }];
      });
      return annotations.length === 0 ? undefined : { message: { annotations } };
    },
  };
}
