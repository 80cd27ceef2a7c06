/**
 * The dialog that shows a request as code.
 *
 * @module
 */
import { copy } from "./answer.js";
import { BASE_URL } from "./api.js";
import { codeOf } from "./code.js";
import { h } from "./dom.js";

/**
 * Prepares the dialog.
 *
 * @param {object} elements
 * @param {HTMLDialogElement} elements.dialog
 * @param {HTMLElement} elements.tabs
 * @param {HTMLElement} elements.text
 * @param {HTMLElement} elements.copyButton
 * @returns {(body: Record<string, unknown>) => void} shows a request
 */
export function createCodeDialog({ dialog, tabs, text, copyButton }) {
  copyButton.addEventListener("click", () => copy(text.textContent ?? "", copyButton));
  dialog.querySelector(".close")?.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });

  return (body) => {
    const codes = Object.entries(codeOf(body, BASE_URL));
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
      const at = buttons.findIndex((button) => button.tabIndex === 0);
      if (step === 0) return;
      const next = (at + step + buttons.length) % buttons.length;
      choose(next);
      buttons[next]?.focus();
    };
    tabs.replaceChildren(...buttons);
    choose(0);
    dialog.showModal();
  };
}
