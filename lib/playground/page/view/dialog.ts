/**
 * The dialogs that show how answers came about. Loaded when one is opened first.
 *
 * @module
 */
import { h } from "../dom.js";
import type { Answer, Labelled } from "../chat/turns.ts";
import { translate } from "../language/language.js";
import { comparisonOf } from "./comparison.ts";
import { reasoningView } from "./reasoning.ts";
import { VIEW_STYLE } from "./style.ts";

const sheet = new CSSStyleSheet();
sheet.replaceSync(VIEW_STYLE);
document.adoptedStyleSheets.push(sheet);

/** Shows the calls of one answer. */
export function showReasoning(answer: Answer): void {
  openDialog(translate("Reasoning of {name}", { name: answer.name }), reasoningView(answer, true));
}

/** Shows two of several answers side by side, at first those at these places. */
export function showDifferences(answers: readonly Labelled[], first: number, second: number): void {
  const content = h("div", {});
  let controller = new AbortController();
  const selects = [first, second].map((chosen, index) => {
    const select = h(
      "select",
      { onchange: show },
      ...answers.map(({ label }, place) => h("option", { value: place }, label)),
    );
    select.value = String(chosen);
    return h("label", {}, `${index === 0 ? "A" : "B"} `, select);
  });
  function show(): void {
    controller.abort();
    controller = new AbortController();
    const [left, right] = selects.map((label) =>
      answers[Number(label.querySelector("select")!.value)]!
    );
    content.replaceChildren(comparisonOf(left!, right!, controller.signal));
  }
  show();
  openDialog(
    translate("Differences"),
    h("div", {}, h("p", { class: "view-choice" }, ...selects), content),
    () => controller.abort(),
  );
}

function openDialog(title: string, content: HTMLElement, onClose = () => {}): void {
  const heading = h("h2", { id: "view-title" }, title);
  const dialog = h(
    "dialog",
    { class: "view-dialog", "aria-labelledby": "view-title" },
    h(
      "header",
      {},
      heading,
      h("button", {
        type: "button",
        class: "quiet close",
        "aria-label": translate("Close"),
        onclick: () => dialog.close(),
      }, "×"),
    ),
    content,
  );
  dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
  dialog.addEventListener("close", () => {
    onClose();
    dialog.remove();
  });
  document.body.append(dialog);
  dialog.showModal();
}
