import DOMPurify from "dompurify";
import hljs from "highlight.js/lib/common";

/**
 * Returns code with its keywords, strings and so on in elements of their own; undefined for an
 * unknown language.
 */
export function parts(code: string, language: string) {
  if (hljs.getLanguage(language) === undefined) return undefined;
  const { value } = hljs.highlight(code, { language, ignoreIllegals: true });
  return DOMPurify.sanitize(value, {
    RETURN_DOM_FRAGMENT: true,
    ALLOWED_TAGS: ["span"],
    ALLOWED_ATTR: ["class"],
  });
}
