/**
 * The page's libraries, which `deno task vendor` bundles into one file.
 *
 * @module
 */
export { default as DOMPurify } from "dompurify";
export { default as katex } from "katex";
export { Marked } from "marked";
