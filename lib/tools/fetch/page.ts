import { lookup } from "node:dns/promises";
import { startOf } from "../../text.ts";
import { ToolFailure } from "../failure.ts";
import type { ToolContext, ToolResult } from "../tool.ts";
import { htmlText } from "./html_text.ts";
import { getPage, type Network, type Page, type RequestLimits } from "./request.ts";

const systemNetwork: Network = { resolve: (host) => lookup(host, { all: true }) };

const HTML_TYPES = ["text/html", "application/xhtml+xml"];

/** Types that are text besides `text/*`. */
const TEXT_REGEXP = /^(?:text\/.*|application\/(?:.*\+)?(?:json|xml|yaml|javascript|x-ndjson))$/;

const CHARSET_REGEXP = /<meta[^>]{0,200}?charset=["']?([\w-]{1,40})/i;

const MAX_TITLE_CHARACTERS = 300;

/** Returns the text of a page, with its title and final address at the top. */
export async function readPage(
  url: string,
  maxCharacters: number,
  limits: RequestLimits,
  { clock, signal }: Pick<ToolContext, "clock" | "signal">,
  network: Network = systemNetwork,
): Promise<ToolResult> {
  const page = await getPage(url, network, limits, signal);
  const isHtml = HTML_TYPES.includes(page.mediaType);
  if (!isHtml && !TEXT_REGEXP.test(page.mediaType)) {
    throw new ToolFailure("The page is not text.");
  }
  const source = decode(page, isHtml);
  const { title, text } = isHtml
    ? await htmlText(source, clock, signal)
    : { title: "", text: source };
  const shownTitle = startOf(title.trim(), MAX_TITLE_CHARACTERS) || page.url.hostname;
  const shownText = startOf(text.trim(), maxCharacters);
  const isCut = page.isCut || shownText.length < text.trim().length;
  return {
    content: [{
      type: "text",
      text: `${shownTitle}\n${page.url.href}\n\n${shownText}` +
        (isCut ? "\n\n(The page continues; only its beginning is shown.)" : ""),
    }],
    citations: [{ url: page.url.href, title: shownTitle }],
  };
}

function decode({ bytes, charset }: Page, isHtml: boolean): string {
  const declared = isHtml
    ? CHARSET_REGEXP.exec(new TextDecoder("latin1").decode(bytes.subarray(0, 1_024)))?.[1]
    : undefined;
  try {
    return new TextDecoder(charset ?? declared ?? "utf-8").decode(bytes);
  } catch {
    // The declared encoding is unknown.
    return new TextDecoder().decode(bytes);
  }
}
