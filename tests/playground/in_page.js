/**
 * Functions that tests run inside the page. They use the browser's types, so they are not checked.
 *
 * @module
 */

/** Returns the contents of session storage, of local storage, and all cookies. */
export const storedData = () => [
  Object.values(sessionStorage),
  Object.values(localStorage),
  document.cookie,
];

/**
 * Pastes or drops a picture.
 *
 * @param {{ kind: string, bytes: number[] }} picture kind: `paste` or `drop`
 */
export function addPicture({ kind, bytes }) {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], `${kind}.png`, { type: "image/png" }));
  const init = { bubbles: true, cancelable: true };
  document.getElementById("question").dispatchEvent(
    kind === "paste"
      ? new ClipboardEvent("paste", { ...init, clipboardData: data })
      : new DragEvent("drop", { ...init, dataTransfer: data }),
  );
}

/** Runs axe-core, which must have been loaded before. */
export async function audit() {
  const { violations, passes } = await globalThis.axe.run(document);
  return {
    passes: passes.length,
    violations: violations.map(({ id, impact, nodes }) => ({
      id,
      impact,
      nodes: nodes.map(({ html }) => html.slice(0, 200)),
    })),
  };
}
