import { BASE_URL } from "../api/requests.ts";
import { copyButton } from "../dom/clipboard.ts";
import { h, openDialog } from "../dom/elements.ts";
import { translate } from "../language/translate.ts";
import { type Body, codeExamples } from "./examples.ts";

/** Shows a request as code. */
export function showCode(body: Body): void {
  const codes = Object.entries(codeExamples(body, BASE_URL));
  const text = h("pre", { id: "code-text", role: "tabpanel", tabindex: 0 });
  const tabs = codes.map(([name], i) =>
    h("button", {
      type: "button",
      role: "tab",
      id: `code-tab-${i}`,
      "aria-controls": text.id,
      onclick: () => choose(i),
    }, name)
  );

  function choose(chosen: number): void {
    for (const [i, tab] of tabs.entries()) {
      tab.setAttribute("aria-selected", String(i === chosen));
      tab.tabIndex = i === chosen ? 0 : -1;
    }
    text.textContent = codes[chosen]![1];
    text.setAttribute("aria-labelledby", `code-tab-${chosen}`);
  }

  function move({ key }: KeyboardEvent): void {
    const step = key === "ArrowRight" ? 1 : key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    const current = tabs.findIndex((tab) => tab.tabIndex === 0);
    const next = (current + step + tabs.length) % tabs.length;
    choose(next);
    tabs[next]!.focus();
  }

  choose(0);
  openDialog(
    "dialog",
    translate("This request as code"),
    h("div.tabs", {
      role: "tablist",
      "aria-label": translate("Programming languages"),
      onkeydown: move,
    }, ...tabs),
    text,
    h(
      "footer",
      h("p", translate("Set the environment variable O1_API_KEY to your key.")),
      copyButton(() => text.textContent, { class: "primary" }),
    ),
  );
}
