/**
 * Copies a text and shows the outcome on the button for a moment.
 *
 * @param {string} text
 * @param {EventTarget | null} button
 */
export async function copy(text, button) {
  if (!(button instanceof HTMLElement)) return;
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Can't copy here";
  }
  setTimeout(() => button.textContent = label, 1500);
}
