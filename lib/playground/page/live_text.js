/**
 * A text that is shown while it is written.
 *
 * @module
 */
import { h } from "./dom.js";
import { blocksOf, elementsOf, markdown, plain } from "./markdown.js";

/** Least time between two looks at a text, in milliseconds. */
const LEAST_MS = 50;

/** The share of the time that goes into it at most is one in so many. */
const SHARE = 8;

/**
 * @typedef {object} LiveText
 * @property {(text: string) => void} push adds text
 * @property {() => void} end shows the whole once more: nothing follows
 * @property {() => string} text all of it
 */

/**
 * Shows a growing text as Markdown. Blocks that are complete are set once and left alone; the last
 * one is set again as it grows, and the less often the longer that takes: the work stays in
 * proportion to the text's length and time.
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
  let pause = LEAST_MS;
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
    pause = Math.max(LEAST_MS, (performance.now() - start) * SHARE);
  }

  return {
    push(more) {
      // The reader of Markdown turns them into line breaks of its own, which would shift its blocks.
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
