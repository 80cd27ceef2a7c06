import { BASE_URL } from "../api.js";
import { copy } from "../clipboard.js";
import { h } from "../dom.js";
import { codeExamples } from "./examples.js";

/**
 * Creates the dialog that opens the dialog for a request as code.
 *
 * @param {object} elements
 * @param {HTMLDialogElement} elements.dialog
 * @param {HTMLElement} elements.tabs
 * @param {HTMLElement} elements.text
 * @param {HTMLElement} elements.copyButton
 * @returns {(body: Record<string, unknown>) => void} opens the dialog for a request
 */
export function createCodeDialog({ dialog, tabs, text, copyButton }) {
  copyButton.addEventListener("click", () => copy(text.textContent ?? "", copyButton));
  dialog.querySelector(".close")?.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });

  return (body) => {
    const codes = Object.entries(codeExamples(body, BASE_URL));
    const buttons = codes.map(([name], i) =>
      h("button", {
        type: "button",
        role: "tab",
        id: `code-tab-${i}`,
        "aria-controls": text.id,
        onclick: () => choose(i),
      }, name)
    );

    /** @param {number} chosen */
    function choose(chosen) {
      for (const [i, button] of buttons.entries()) {
        button.setAttribute("aria-selected", String(i === chosen));
        button.tabIndex = i === chosen ? 0 : -1;
      }
      text.textContent = codes[chosen]?.[1] ?? "";
      text.setAttribute("aria-labelledby", `code-tab-${chosen}`);
    }

    tabs.onkeydown = ({ key }) => {
      const step = key === "ArrowRight" ? 1 : key === "ArrowLeft" ? -1 : 0;
      const current = buttons.findIndex((button) => button.tabIndex === 0);
      if (step === 0) return;
      const next = (current + step + buttons.length) % buttons.length;
      choose(next);
      buttons[next]?.focus();
    };
    tabs.replaceChildren(...buttons);
    choose(0);
    dialog.showModal();
  };
}
