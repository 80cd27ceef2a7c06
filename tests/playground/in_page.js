/**
 * What tests run inside the page; not part of the checked types, since it has the browser's.
 *
 * @module
 */

/** What the browser keeps of the page: the tab's store, the lasting one, cookies. */
export const kept = () => [
  Object.values(sessionStorage),
  Object.values(localStorage),
  document.cookie,
];

/**
 * Gives a picture to the page.
 *
 * @param {{ kind: string, bytes: number[] }} picture whether it is a `paste` or a `drop`
 */
export function give({ kind, bytes }) {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], `${kind}.png`, { type: "image/png" }));
  const init = { bubbles: true, cancelable: true };
  document.getElementById("question").dispatchEvent(
    kind === "paste"
      ? new ClipboardEvent("paste", { ...init, clipboardData: data })
      : new DragEvent("drop", { ...init, dataTransfer: data }),
  );
}

/** Checks the page with axe-core, which has to be there already: what is wrong, and how much is right. */
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
