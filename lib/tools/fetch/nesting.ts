/** Deeper than the elements of any page that people read. */
const MAX_DEPTH = 1_000;

const TAG_REGEXP = /<(\/?)([a-z][^\s/>]{0,40})/gi;

/** Elements without an end. */
const VOID = new Set(
  "area base br col embed hr img input link meta param source track wbr".split(" "),
);

/** Elements that end where the element begins, if they are the innermost. */
const ENDS: Readonly<Record<string, readonly string[]>> = {
  p: ["p"],
  li: ["p", "li"],
  dt: ["p", "dt", "dd"],
  dd: ["p", "dt", "dd"],
  tr: ["p", "td", "th", "tr"],
  td: ["p", "td", "th"],
  th: ["p", "td", "th"],
  option: ["option"],
};

/**
 * Cuts a page where its elements are nested so deeply that the parser, whose time grows with the
 * square of the depth, would take minutes.
 */
export function cutWhereDeep(html: string): string {
  const open: string[] = [];
  for (const { 0: tag, 1: slash, 2: name, index } of html.matchAll(TAG_REGEXP)) {
    const element = name!.toLowerCase();
    if (VOID.has(element)) continue;
    if (slash === "/") {
      const at = open.lastIndexOf(element);
      if (at >= 0) open.length = at;
    } else {
      const ended = Object.hasOwn(ENDS, element) ? ENDS[element]! : [];
      while (ended.includes(open.at(-1) ?? "")) open.pop();
      open.push(element);
      if (open.length > MAX_DEPTH) return html.slice(0, index + tag.length);
    }
  }
  return html;
}
