import { h } from "./elements.ts";
import { translate } from "../language/translate.ts";

/** Creates a button that copies a text, and shows the outcome for a moment. */
export function copyButton(
  text: () => string,
  properties: Record<string, unknown> = {},
): HTMLElement {
  const button = h(
    "button",
    { type: "button", class: "quiet", onclick: copy, ...properties },
    translate("Copy"),
  );
  async function copy() {
    const isCopied = await write(text());
    button.textContent = isCopied ? translate("Copied") : translate("Can't copy here");
    setTimeout(() => button.textContent = translate("Copy"), 1500);
  }
  return button;
}

/** Returns whether the text was copied. */
async function write(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Browsers have no clipboard on plain HTTP, except on localhost.
    return copySelected(text);
  }
}

function copySelected(text: string) {
  const focused = document.activeElement;
  const field = h("textarea.hidden", { "aria-hidden": "true" });
  field.value = text;
  // Elements outside an open dialog can't be selected.
  (document.querySelector("dialog[open]") ?? document.body).append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return copied;
}
