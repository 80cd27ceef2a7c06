/**
 * The page's libraries; `deno task vendor` makes one file of them.
 *
 * @module
 */
export { default as DOMPurify } from "dompurify";
export { default as katex } from "katex";
export { Marked } from "marked";
