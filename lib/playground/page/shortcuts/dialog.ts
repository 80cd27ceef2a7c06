import { h, openDialog } from "../dom/elements.ts";
import { translate } from "../language/translate.ts";

export interface Shortcut {
  /** A letter, or another character that no browser uses by itself. */
  key: string;
  /** What it does, in the reader's language. */
  text: () => string;
  run: () => void;
}

/** Shows the keys, and a switch for those that are single characters. */
export function showShortcuts(
  shortcuts: readonly Shortcut[],
  { isOn, turn }: { isOn: () => boolean; turn: (enabled: boolean) => void },
): void {
  const box = h("input", { type: "checkbox" });
  box.checked = isOn();
  box.addEventListener("change", () => turn(box.checked));
  openDialog(
    "dialog keys",
    translate("Keyboard shortcuts"),
    h(
      "dl",
      row(["Enter"], translate("Send the question")),
      row(["Shift", "Enter"], translate("Start a new line")),
      row(["Esc"], translate("Stop the answer, leave the field, or close the settings")),
    ),
    h("h3", translate("When not typing")),
    h("dl", ...shortcuts.map(({ key, text }) => row([key], text()))),
    h("label.keep", box, translate("Enable single-key shortcuts")),
  );
}

function row(keys: readonly string[], text: string): HTMLElement {
  return h("div", h("dt", ...keys.map((key) => h("kbd", key))), h("dd", text));
}
