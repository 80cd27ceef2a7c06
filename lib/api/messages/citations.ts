import type { AnswerParts } from "../../reasoning/events.ts";

/**
 * A source of a text, in the only form of the Messages API that names a web page.
 *
 * @see {@link https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/web-search-tool}
 */
export interface Citation {
  type: "web_search_result_location";
  url: string;
  title: string | null;
  /** Characters of the source; empty if the upstream sends none. */
  cited_text: string;
  /** Only Anthropic's own search has a place to refer to. */
  encrypted_index: "";
}

/** Maximum length of Anthropic's own citations. */
const MAX_CITED_CHARACTERS = 150;

/** Citations of one chunk that are passed on. */
const MAX_CITATIONS = 1_000;

/** Returns the web pages among the annotations of an answer. */
export function citationsOf({ message }: AnswerParts): Citation[] {
  const annotations = Array.isArray(message?.annotations) ? message.annotations : [];
  return annotations.slice(0, MAX_CITATIONS).flatMap((annotation): Citation[] => {
    const { url, title, content } = annotation?.url_citation ?? {};
    if (typeof url !== "string") return [];
    return [{
      type: "web_search_result_location",
      url,
      title: typeof title === "string" ? title : null,
      cited_text: typeof content === "string"
        ? [...content.slice(0, 2 * MAX_CITED_CHARACTERS)].slice(0, MAX_CITED_CHARACTERS).join("")
        : "",
      encrypted_index: "",
    }];
  });
}
