import { h } from "../dom.js";
import { blocksOf, elementsOf, markdown, plain } from "./markdown.js";

/** Minimum time between two renderings, in milliseconds. */
const MIN_PAUSE_MS = 50;

/** The pause after a rendering, as a multiple of the time that it took. */
const PAUSE_FACTOR = 8;

/**
 * @typedef {object} LiveText
 * @property {(text: string) => void} push appends text
 * @property {() => void} end renders the whole text once more; nothing may be pushed afterwards
 * @property {() => string} text all text so far
 */

/**
 * Shows a growing text as Markdown. Complete blocks are rendered once. The last block is rendered
 * again as it grows, less often the longer that takes, so the page stays responsive.
 *
 * @param {HTMLElement} element
 * @returns {LiveText}
 */
export function createLiveText(element) {
  const tail = h("div", { class: "tail" });
  element.append(tail);
  let text = "";
  let settled = 0;
  /** @type {number | undefined} */
  let timer;
  let pause = MIN_PAUSE_MS;
  let ended = false;

  function show() {
    timer = undefined;
    if (ended) return;
    const start = performance.now();
    const rest = text.slice(settled);
    const blocks = blocksOf(rest);
    if (blocks === undefined) tail.replaceChildren(plain(rest));
    else {
      let last = blocks.length - 1;
      while (last > 0 && blocks[last]?.type === "space") last--;
      const complete = blocks.slice(0, last);
      if (complete.length > 0) {
        const elements = elementsOf(complete);
        if (elements !== undefined) tail.before(elements);
        settled += complete.reduce((sum, { raw }) => sum + raw.length, 0);
      }
      const growing = blocks.slice(last);
      tail.replaceChildren(elementsOf(growing) ?? plain(text.slice(settled)));
    }
    pause = Math.max(MIN_PAUSE_MS, (performance.now() - start) * PAUSE_FACTOR);
  }

  return {
    push(more) {
      // marked turns carriage returns into line feeds, which would shift the ends of its blocks.
      text += more.replaceAll("\r", "");
      timer ??= setTimeout(() => requestAnimationFrame(show), pause);
    },
    end() {
      if (ended) return;
      ended = true;
      clearTimeout(timer);
      element.replaceChildren(markdown(text));
    },
    text: () => text,
  };
}
