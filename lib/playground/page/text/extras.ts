/**
 * Formulas and highlighted code. Their libraries are loaded when a text first needs them; until
 * then, a text shows the source.
 *
 * @module
 */
import { copyButton } from "../dom/clipboard.ts";
import { h } from "../dom/elements.ts";

/** Longer code is not highlighted, because that would take longer than a frame. */
const MAX_CODE = 20_000;

let math: typeof import("./math.ts") | undefined;
let highlight: typeof import("./highlight.ts") | undefined;

export function finishMath(root: ParentNode) {
  const formulas = root.querySelectorAll("code.tex");
  if (formulas.length === 0) return;
  if (math === undefined) {
    import("./math.ts").then((loaded) => {
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

export function finishCode(root: ParentNode) {
  for (const pre of root.querySelectorAll("pre")) {
    if (!pre.parentElement?.classList.contains("code-block")) frame(pre);
  }
  const blocks = root.querySelectorAll('pre code[class^="language-"]');
  if (blocks.length === 0) return;
  if (highlight === undefined) {
    import("./highlight.ts").then((loaded) => {
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

const languageOf = (code: Element) => code.className.replace("language-", "");

/** Puts the language and a button for copying above code. */
function frame(pre: HTMLPreElement) {
  const code = pre.querySelector("code");
  pre.tabIndex = 0;
  const block = h(
    "div.code-block",
    h(
      "div.code-head",
      h("span", code === null ? "" : languageOf(code)),
      copyButton(() => pre.textContent),
    ),
  );
  pre.replaceWith(block);
  block.append(pre);
}
