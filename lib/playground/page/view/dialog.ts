/**
 * The dialogs that show how answers came about. Loaded when one is opened first.
 *
 * @module
 */
import { h, openDialog } from "../dom/elements.ts";
import type { Answer, Labelled } from "../chat/turns.ts";
import { translate } from "../language/translate.ts";
import { comparisonOf } from "./comparison.ts";
import { reasoningView } from "./reasoning.ts";
import { VIEW_STYLE } from "./style.ts";

const sheet = new CSSStyleSheet();
sheet.replaceSync(VIEW_STYLE);
document.adoptedStyleSheets.push(sheet);

/** Shows the calls of one answer. */
export function showReasoning(answer: Answer): void {
  openDialog(
    "view-dialog",
    translate("Reasoning of {name}", { name: answer.name }),
    reasoningView(answer, true),
  );
}

/**
 * Shows two of several answers side by side.
 *
 * @param first index of the answer that is shown on the left until the reader selects another.
 * @param second that on the right.
 */
export function showDifferences(answers: readonly Labelled[], first: number, second: number): void {
  const content = h("div");
  let controller = new AbortController();
  const selects = [first, second].map((chosen, index) => {
    const select = h(
      "select",
      { onchange: show },
      ...answers.map(({ label }, place) => h("option", { value: place }, label)),
    );
    select.value = String(chosen);
    return h("label", `${index === 0 ? "A" : "B"} `, select);
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
    "view-dialog",
    translate("Differences"),
    h("p.view-choice", ...selects),
    content,
  ).addEventListener("close", () => controller.abort());
}
