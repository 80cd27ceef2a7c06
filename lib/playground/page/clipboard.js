import { h } from "./dom.js";
import { translate } from "./language/language.js";

/**
 * Copies a text and shows the outcome on the button for a moment.
 *
 * @param {string} text
 * @param {EventTarget | null} button
 */
export async function copy(text, button) {
  if (!(button instanceof HTMLElement)) return;
  const isCopied = await write(text);
  const label = button.firstChild;
  if (!(label instanceof Text)) return;
  const { data } = label;
  label.data = isCopied ? translate("Copied") : translate("Can't copy here");
  setTimeout(() => label.data = data, 1500);
}

/**
 * @param {string} text
 * @returns {Promise<boolean>} whether it was copied
 */
async function write(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Browsers have no clipboard on plain HTTP, except on localhost.
    return copySelected(text);
  }
}

/** @param {string} text */
function copySelected(text) {
  const focused = document.activeElement;
  const field = h("textarea", { class: "hidden", "aria-hidden": "true" });
  field.value = text;
  // Elements outside an open dialog can't be selected.
  (document.querySelector("dialog[open]") ?? document.body).append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return copied;
}
