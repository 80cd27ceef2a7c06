/**
 * Renders a model's text as safe elements: Markdown and mathematics, but no HTML of its own.
 *
 * @module
 */
import DOMPurify, { type Config } from "dompurify";
import { Marked, type Token, type Tokens } from "marked";
import { h } from "../dom/elements.ts";
import { translate } from "../language/translate.ts";
import { finishCode, finishMath } from "./extras.ts";

/** Forty list or quotation marks before a line's text only occur in an attack. */
const NESTED_REGEXP = /^[ \t]*(?:(?:[-*+>]|\d{1,9}[.)])[ \t]*){40}/m;

/** Indentation this deep nests lists too deeply to render. */
const DEEP_REGEXP = /^[ \t]{120,}[-*+\d]/m;

/** `$…$` by Pandoc's rules, `$$…$$`, `\(…\)` and `\[…\]`. */
const INLINE_MATH_REGEXP =
  /^(?:\$\$((?:\\.|[^\\$]){1,4000}?)\$\$|\$(?![\s$])((?:\\.|[^\\$\n]){1,1000}?)(?<!\s)\$(?!\d)|\\\(([^]{1,2000}?)\\\)|\\\[([^]{1,4000}?)\\\])/;
const BLOCK_MATH_REGEXP = /^(?:\$\$([^]{1,8000}?)\$\$|\\\[([^]{1,8000}?)\\\])[ \t]*(?:\n|$)/;

const escapeHtml = (text: string) =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const mathHtml = ({ text, display }: Tokens.Generic) =>
  `<code class="${display ? "tex display" : "tex"}">${escapeHtml(text)}</code>`;

const marked = new Marked({ gfm: true, async: false }, {
  extensions: [
    {
      name: "blockMath",
      level: "block",
      start: (src) => {
        const index = src.search(/\n(?:\$\$|\\\[)/);
        return index < 0 ? undefined : index + 1;
      },
      tokenizer: (src) => {
        const match = BLOCK_MATH_REGEXP.exec(src);
        if (match === null) return undefined;
        return { type: "blockMath", raw: match[0], text: match[1] ?? match[2], display: true };
      },
      renderer: mathHtml,
    },
    {
      name: "inlineMath",
      level: "inline",
      start: (src) => {
        const index = src.search(/\$|\\[([]/);
        return index < 0 ? undefined : index;
      },
      tokenizer: (src) => {
        const match = INLINE_MATH_REGEXP.exec(src);
        if (match === null) return undefined;
        const [raw, dollars, dollar, round, square] = match;
        const display = dollars !== undefined || square !== undefined;
        return { type: "inlineMath", raw, text: dollars ?? dollar ?? round ?? square, display };
      },
      renderer: mathHtml,
    },
  ],
  // HTML is not recognised: it stays text.
  tokenizer: { html: () => undefined, tag: () => undefined },
  renderer: {
    checkbox: ({ checked }) => checked ? "☑ " : "☐ ",
    image({ href, text }) {
      if (isOwnImage(href)) return `<img src="${escapeHtml(href)}" alt="${escapeHtml(text)}">`;
      return `<a href="${escapeHtml(href)}">${escapeHtml(text || href)}</a>`;
    },
  },
});

/**
 * Whether a picture is part of the text or on this server. Loading another one would tell its server
 * that someone reads the answer.
 */
function isOwnImage(href: string) {
  if (/^data:image\/(?:png|jpeg|webp|gif);base64,/i.test(href)) return true;
  return URL.canParse(href, document.baseURI) &&
    new URL(href, document.baseURI).origin === location.origin;
}

const SANITIZE: Config & { RETURN_DOM_FRAGMENT: true } = {
  RETURN_DOM_FRAGMENT: true,
  ALLOWED_TAGS:
    "a img p br hr h1 h2 h3 h4 h5 h6 strong em del code pre blockquote ul ol li table thead tbody tr th td"
      .split(" "),
  ALLOWED_ATTR: ["href", "src", "alt", "title", "class", "start", "align"],
  ADD_URI_SAFE_ATTR: ["start", "align"],
  FORBID_ATTR: ["style"],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
};

/**
 * Splits Markdown into blocks, whose `raw` texts add up to the whole text. Returns undefined if it
 * should be shown as plain text.
 */
export function blocksOf(text: string): Token[] | undefined {
  if (NESTED_REGEXP.test(text) || DEEP_REGEXP.test(text)) return undefined;
  try {
    return marked.lexer(text);
  } catch {
    return undefined;
  }
}

/** Renders blocks as elements. Returns undefined if they should be shown as plain text. */
export function elementsOf(blocks: Token[]): DocumentFragment | undefined {
  let fragment;
  try {
    fragment = DOMPurify.sanitize(marked.parser(blocks), SANITIZE);
  } catch {
    return undefined;
  }
  for (const link of fragment.querySelectorAll("a")) finishLink(link);
  finishMath(fragment);
  finishCode(fragment);
  for (const table of fragment.querySelectorAll("table")) {
    const frame = h("div.scroll", {
      tabindex: 0,
      role: "group",
      "aria-label": translate("Table"),
    });
    table.replaceWith(frame);
    frame.append(table);
  }
  return fragment;
}

export const plain = (text: string) => h("p.plain", text);

function finishLink(link: HTMLAnchorElement) {
  if (!/^(?:https?|mailto):/i.test(link.getAttribute("href") ?? "")) {
    link.replaceWith(...link.childNodes);
    return;
  }
  link.target = "_blank";
  link.rel = "noopener noreferrer";
}
