import type { Shortcut } from "./dialog.ts";

/** Name in local storage; absent unless the reader has switched the keys off. */
const OFF_ITEM = "o1-api.shortcuts";

/**
 * Runs a shortcut when its key is pressed without Ctrl, Alt or Meta, which belong to the browser, and
 * while nothing is typed.
 */
export function createShortcuts(shortcuts: readonly Shortcut[]) {
  document.addEventListener("keydown", (event) => {
    if (!isOn() || event.defaultPrevented || event.repeat || isTyping(event)) return;
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const pressed = keyOf(event);
    const shortcut = shortcuts.find(({ key }) => key === pressed);
    if (shortcut === undefined) return;
    event.preventDefault();
    shortcut.run();
  });

  return {
    /** Lists the shortcuts in a dialog. */
    async show(): Promise<void> {
      const { showShortcuts } = await import("./dialog.ts");
      showShortcuts(shortcuts, { isOn, turn });
    },
  };
}

const isOn = () => localStorage.getItem(OFF_ITEM) === null;

function turn(enabled: boolean): void {
  if (enabled) localStorage.removeItem(OFF_ITEM);
  else localStorage.setItem(OFF_ITEM, "off");
}

/** Whether the key belongs to a field, to an input method or to a dialog. */
function isTyping({ target, isComposing, keyCode }: KeyboardEvent): boolean {
  if (isComposing || keyCode === 229 || !(target instanceof Element)) return true;
  return target.closest("input:not([type=checkbox]), select, textarea") !== null ||
    document.querySelector("dialog[open]") !== null;
}

/** The character; on keyboards of other scripts, the letter in the key's place. */
function keyOf({ key, code, shiftKey }: KeyboardEvent): string {
  if (/^[a-z]$/i.test(key)) return shiftKey ? "" : key.toLowerCase();
  const letter = /^Key([A-Z])$/.exec(code)?.[1];
  return letter !== undefined && key.length === 1 && !shiftKey ? letter.toLowerCase() : key;
}
