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

/**
 * Presses a key as browsers report it, for example within a composition.
 *
 * @param {{ selector: string, init: KeyboardEventInit }} press selector: of the element with focus
 * @returns {boolean} whether the page left the key to the browser
 */
export function pressKey({ selector, init }) {
  return document.querySelector(selector).dispatchEvent(
    new KeyboardEvent("keydown", { bubbles: true, cancelable: true, ...init }),
  );
}

/**
 * Makes the streams of responses arrive in parts of `size` bytes.
 *
 * @param {number} size
 */
export function splitStreams(size) {
  const { fetch } = globalThis;
  globalThis.fetch = async (...args) => {
    const response = await fetch(...args);
    if (!response.headers.get("content-type")?.startsWith("text/event-stream")) return response;
    const bytes = [];
    const split = new TransformStream({
      transform(part, controller) {
        bytes.push(...part);
        while (bytes.length >= size) controller.enqueue(Uint8Array.from(bytes.splice(0, size)));
      },
      flush: (controller) => controller.enqueue(Uint8Array.from(bytes)),
    });
    return new Response(response.body.pipeThrough(split), response);
  };
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

/** Whether the conversation is scrolled to its start. */
export const isAtTop = () => document.querySelector("#log")?.scrollTop === 0;

/**
 * How an element is shown.
 *
 * @param {Element} element
 */
export function styleOf(element) {
  const { overflowWrap, textAlign } = getComputedStyle(element);
  return { overflowWrap, textAlign, height: element.clientHeight };
}

/** Everything that the page has stored, except the tab's own storage, as JSON. */
export const allStored = () =>
  new Promise((resolve, reject) => {
    const opening = indexedDB.open("o1-api");
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const database = opening.result;
      const requests = [...database.objectStoreNames].map((name) =>
        database.transaction(name).objectStore(name).getAll()
      );
      requests.at(-1).onsuccess = () => {
        resolve(JSON.stringify([...requests.map(({ result }) => result), { ...localStorage }]));
        database.close();
      };
    };
  });

/** URLs of the files that the page has loaded. */
export const loadedFiles = () => performance.getEntriesByType("resource").map(({ name }) => name);

/** Resolves when the page has nothing to do. */
export const idle = () =>
  new Promise((resolve) => requestIdleCallback(() => resolve(true), { timeout: 2_000 }));

/**
 * Stores conversations without turns.
 *
 * @param {number} count
 */
export const storeConversations = (count) =>
  new Promise((resolve) => {
    const opening = indexedDB.open("o1-api");
    opening.onsuccess = () => {
      const transaction = opening.result.transaction("conversations", "readwrite");
      for (let i = 0; i < count; i++) {
        transaction.objectStore("conversations").put({
          id: `c${i}`,
          title: `Conversation ${i}`,
          at: count - i,
          leaf: `t${i}`,
          words: "word ".repeat(400),
        });
      }
      transaction.oncomplete = () => {
        opening.result.close();
        resolve(true);
      };
    };
  });
