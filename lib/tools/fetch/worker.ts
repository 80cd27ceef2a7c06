/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
/** Thread that reads the text of one HTML page, because a long page takes long. */
import { convert } from "html-to-text";
import { cutWhereDeep } from "./nesting.ts";

export interface HtmlText {
  title: string;
  text: string;
}

const SKIPPED = ["nav", "footer", "aside", "script", "style", "noscript", "template", "svg"];
const CONTROLS = ["button", "select", "input", "textarea", "dialog", "iframe", "img"];

const shared = { wordwrap: false, limits: { maxDepth: 200 } } as const;

interface Builder {
  addInline(text: string): void;
}

/** Aligned columns, which the library can write, take much memory for a small page. */
function cell(
  { children }: { children: unknown },
  walk: (children: unknown, builder: Builder) => void,
  builder: Builder,
): void {
  walk(children, builder);
  builder.addInline(" | ");
}

self.onmessage = ({ data }: MessageEvent<string>) => {
  const title = convert(data.slice(0, 65_536), {
    ...shared,
    baseElements: { selectors: ["title"], returnDomByDefault: false },
  });
  const text = convert(cutWhereDeep(data), {
    ...shared,
    baseElements: { selectors: ["main", "article"], orderBy: "occurrence" },
    formatters: { cell },
    selectors: [
      ...[...SKIPPED, ...CONTROLS].map((selector) => ({ selector, format: "skip" })),
      { selector: "a", options: { ignoreHref: true } },
      ...["h1", "h2", "h3", "h4", "h5", "h6"].map((selector) => (
        { selector, options: { uppercase: false } }
      )),
      {
        selector: "tr",
        format: "block",
        options: { leadingLineBreaks: 1, trailingLineBreaks: 1 },
      },
      ...["td", "th"].map((selector) => ({ selector, format: "cell" })),
    ],
  });
  self.postMessage({ title, text } satisfies HtmlText);
};
