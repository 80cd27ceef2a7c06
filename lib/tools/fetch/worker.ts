/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
/** Thread that reads the text of one HTML page. Some pages take very long, so it may be ended. */
import { convert } from "html-to-text";

export interface HtmlText {
  title: string;
  text: string;
}

const SKIPPED = ["nav", "footer", "aside", "script", "style", "noscript", "template", "svg"];
const CONTROLS = ["button", "select", "input", "textarea", "dialog", "iframe", "img"];

const shared = { wordwrap: false, limits: { maxDepth: 200 } } as const;

self.onmessage = ({ data }: MessageEvent<string>) => {
  const title = convert(data.slice(0, 65_536), {
    ...shared,
    baseElements: { selectors: ["title"], returnDomByDefault: false },
  });
  const text = convert(data, {
    ...shared,
    baseElements: { selectors: ["main", "article"], orderBy: "occurrence" },
    selectors: [
      ...[...SKIPPED, ...CONTROLS].map((selector) => ({ selector, format: "skip" })),
      { selector: "a", options: { ignoreHref: true } },
      ...["h1", "h2", "h3", "h4", "h5", "h6"].map((selector) => (
        { selector, options: { uppercase: false } }
      )),
      { selector: "table", format: "dataTable", options: { uppercaseHeaderCells: false } },
    ],
  });
  self.postMessage({ title, text } satisfies HtmlText);
};
