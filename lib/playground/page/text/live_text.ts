import type { Token } from "marked";
import { h } from "../dom/elements.ts";
import { finishCode } from "./extras.ts";
import { blocksOf, elementsOf, plain } from "./markdown.ts";

/** Minimum time between two renderings of text that arrives, in milliseconds. */
const MIN_PAUSE_MS = 50;

/** The pause after a rendering, as a multiple of the time that it took. */
const PAUSE_FACTOR = 8;

/** Characters that are rendered at once. Longer blocks are divided. */
const WINDOW = 8_000;

/** Time after which the page gets a turn, in milliseconds. */
const SLICE_MS = 12;

/** More text is shown as it is. */
const MAX_MARKDOWN = 400_000;

/** Longer definitions of links are ignored. */
const MAX_DEFINITIONS = 8_000;

const FENCE_REGEXP = /^ {0,3}(?:```|~~~)[^\n]*\n/;

/**
 * Shows a growing text as Markdown. Complete blocks are rendered once. The last block is rendered
 * again as it grows, less often the longer that takes, and long texts are rendered in parts, so the
 * page stays responsive.
 */
export function createLiveText(element: HTMLElement) {
  const tail = h("div.tail");
  element.append(tail);
  let text = "";
  /** Length of the text that is rendered for good. */
  let settled = 0;
  /** What the rest must be read after: the first line of code that was divided. */
  let opening = "";
  /** The code that the rest continues, and its growing part. */
  let divided: { code: HTMLElement; part: HTMLElement } | undefined;
  /** Definitions of links, which blocks before and after them use. */
  let definitions = "";
  let hasAllDefinitions = false;
  let timer: number | undefined;
  let pause = MIN_PAUSE_MS;
  let ended = false;

  /** Renders in turns, until all text that has arrived is shown. */
  function show() {
    timer = undefined;
    const start = performance.now();
    let hasMore = true;
    while (hasMore && performance.now() - start < SLICE_MS) hasMore = showNext();
    pause = Math.max(MIN_PAUSE_MS, (performance.now() - start) * PAUSE_FACTOR);
    if (hasMore) timer = setTimeout(show);
  }

  /** Renders the next part; returns whether more text is waiting. */
  function showNext() {
    const isLast = text.length - settled <= WINDOW;
    const isFinal = isLast && ended;
    const rest = text.slice(settled, settled + WINDOW);
    const before = opening === "" ? definitions : opening;
    const read = settled > MAX_MARKDOWN ? undefined : blocksOf(before + rest);
    const blocks = read && (opening === "" ? without(read, before.length) : read);
    if (blocks === undefined) settle(plain(rest), isLast && !ended ? 0 : rest.length);
    else {
      if (divided !== undefined) continueCode(blocks, isLast);
      let last = blocks.length - 1;
      while (last > 0 && blocks[last]?.type === "space") last--;
      const complete = isFinal ? blocks.splice(0) : blocks.splice(0, Math.max(0, last));
      if (complete.length > 0) settleBlocks(complete);
      else if (!isLast && blocks[0] !== undefined) divide(blocks[0], rest);
      tail.replaceChildren(elementsOf(blocks) ?? plain(text.slice(settled)));
    }
    if (!isFinal) return !isLast;
    // The first blocks were rendered before the definitions had arrived.
    if (definitions === "" || hasAllDefinitions) return false;
    hasAllDefinitions = true;
    settled = 0;
    element.replaceChildren(tail);
    return true;
  }

  /** @param length of the text of the content; 0 if it may grow. */
  function settle(content: Node, length: number) {
    settled += length;
    if (length === 0) return tail.replaceChildren(content);
    tail.replaceChildren();
    tail.before(content);
  }

  function settleBlocks(blocks: Token[]) {
    const raw = blocks.map((block) => block.raw).join("");
    settle(elementsOf(blocks) ?? plain(raw), raw.length);
    for (const block of blocks) {
      if (block.type !== "def" || hasAllDefinitions) continue;
      const definition = `${block.raw.trim()}\n\n`;
      if (definitions.length + definition.length <= MAX_DEFINITIONS) definitions += definition;
    }
  }

  /** Settles a part of a block that is longer than a window. */
  function divide(block: Token, rest: string) {
    const fence = block.type === "code" ? FENCE_REGEXP.exec(rest)?.[0] : undefined;
    const cut = endOfPart(block, rest);
    const part = rest.slice(0, cut);
    const elements = elementsOf(blocksOf(part) ?? []) ?? plain(part);
    const code = elements.querySelector("code");
    settle(elements, cut);
    if (fence !== undefined && cut >= fence.length && code !== null) continueIn(code, fence);
  }

  function continueIn(code: HTMLElement, fence: string) {
    // Highlighting it now would replace the parts.
    code.className = "";
    const part = h("span.part");
    code.append(part);
    divided = { code, part };
    opening = fence;
  }

  /** Shows the first block as the continuation of code; removes it if it is settled. */
  function continueCode(blocks: Token[], isLast: boolean) {
    const [block] = blocks;
    if (divided === undefined || block === undefined || !("text" in block)) return;
    const { code, part } = divided;
    const fence = opening;
    part.textContent = block.text;
    blocks.shift();
    const isComplete = blocks.length > 0 || isLast && ended;
    if (isLast && !isComplete) return;
    const line = block.raw.lastIndexOf("\n") + 1;
    const end = isComplete || line <= fence.length ? block.raw.length : line;
    if (!isComplete) part.textContent = block.raw.slice(fence.length, end);
    settled += end - fence.length;
    divided = undefined;
    opening = "";
    if (!isComplete) return continueIn(code, fence);
    const language = /^[ `~]*(\S*)/.exec(fence)?.[1];
    if (language) code.className = `language-${language}`;
    finishCode(element);
  }

  return {
    push(more: string): void {
      // marked turns carriage returns into line feeds, which would shift the ends of its blocks.
      text += more.replaceAll("\r", "");
      timer ??= setTimeout(() => requestAnimationFrame(show), pause);
    },
    /** Renders the rest, the first part of it at once. Nothing may be pushed afterwards. */
    end(): void {
      if (ended) return;
      ended = true;
      clearTimeout(timer);
      show();
    },
    /** All text so far. */
    text: () => text,
  };
}

/** Removes the blocks of a text of this length that was put before the others. */
function without(blocks: Token[], length: number) {
  let end = 0;
  let count = 0;
  while (end < length && count < blocks.length) end += blocks[count++]?.raw.length ?? 0;
  const left = blocks.slice(count);
  // The last of them may have taken line breaks that follow it.
  if (end > length) left.unshift({ type: "space", raw: " ".repeat(end - length) });
  return left;
}

/** Where to divide a long block: after an item of a list, a line, or a word. */
function endOfPart(block: Token, rest: string) {
  if (block.type === "list" && block.items.length > 1) {
    // At the end of a text, the length of `raw` is not exact.
    const start = rest.lastIndexOf(block.items.at(-1).raw.trimEnd());
    if (start > 0) return start;
  }
  const isLines = ["code", "blockquote", "table", "list"].includes(block.type);
  return rest.lastIndexOf(isLines ? "\n" : " ") + 1 || rest.length;
}
