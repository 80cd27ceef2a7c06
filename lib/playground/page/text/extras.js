/**
 * Formulas and highlighted code. Their libraries are loaded when a text first needs them; until
 * then, a text shows the source.
 *
 * @module
 */
import { copy } from "../clipboard.js";
import { h } from "../dom.js";
import { translate } from "../language/language.js";

/** Longer code is not highlighted, because that would take longer than a frame. */
const MAX_CODE = 20_000;

/** @type {typeof import("./math.js") | undefined} */
let math;
/** @type {typeof import("./highlight.js") | undefined} */
let highlight;

/** @param {ParentNode} root */
export function finishMath(root) {
  const formulas = root.querySelectorAll("code.tex");
  if (formulas.length === 0) return;
  if (math === undefined) {
    import("./math.js").then((loaded) => {
      math = loaded;
      finishMath(document);
    }, () => {});
    return;
  }
  for (const code of formulas) {
    const element = math.formula(code.textContent ?? "", code.classList.contains("display"));
    if (element !== undefined) code.replaceWith(element);
    else code.classList.remove("tex");
  }
}

/** @param {ParentNode} root */
export function finishCode(root) {
  for (const pre of root.querySelectorAll("pre")) {
    if (!pre.parentElement?.classList.contains("code-block")) frame(pre);
  }
  const blocks = root.querySelectorAll('pre code[class^="language-"]');
  if (blocks.length === 0) return;
  if (highlight === undefined) {
    import("./highlight.js").then((loaded) => {
      highlight = loaded;
      finishCode(document);
    }, () => {});
    return;
  }
  for (const code of blocks) {
    const text = code.textContent ?? "";
    const parts = text.length > MAX_CODE ? undefined : highlight.parts(text, languageOf(code));
    if (parts !== undefined) code.replaceChildren(parts);
    code.className = "highlighted";
  }
}

/** @param {Element} code */
const languageOf = (code) => code.className.replace("language-", "");

/**
 * Puts the language and a button for copying above code.
 *
 * @param {HTMLPreElement} pre
 */
function frame(pre) {
  const code = pre.querySelector("code");
  pre.tabIndex = 0;
  const block = h(
    "div",
    { class: "code-block" },
    h(
      "div",
      { class: "code-head" },
      h("span", {}, code === null ? "" : languageOf(code)),
      h("button", {
        type: "button",
        class: "quiet",
        onclick: (/** @type {Event} */ { currentTarget }) =>
          copy(pre.textContent ?? "", currentTarget),
      }, translate("Copy")),
    ),
  );
  pre.replaceWith(block);
  block.append(pre);
}
