/**
 * The language of the interface. English is written in the code and in `index.html`; the table of
 * another language has a translation of each English text, and is loaded when it is needed.
 *
 * @module
 */

/** @typedef {Readonly<Record<string, string>>} Table translations by the English text */

/**
 * @typedef {object} Language
 * @property {string} tag for the attribute `lang`
 * @property {() => Promise<Table>} load
 */

/** @type {Language} */
const ENGLISH = { tag: "en", load: () => Promise.resolve({}) };

/** @type {Readonly<Record<string, Language>>} */
const LANGUAGES = {
  en: ENGLISH,
  zh: { tag: "zh-Hans", load: async () => (await import("./chinese.ts")).CHINESE },
};

/** Name in local storage; absent for the browser's language. */
const LANGUAGE_ITEM = "o1-api.language";

/** Attributes with text for the reader. */
const ATTRIBUTES = ["aria-label", "alt", "placeholder"];

/** @type {Table} */
let table = {};
/** @type {(() => void)[]} */
const listeners = [];

/**
 * The text in the reader's language, or in English while it has no translation.
 *
 * @param {string} text in English, a literal: a test compares all of them with the tables
 * @param {Record<string, string | number>} [values] replace `{name}` in the text
 */
export function translate(text, values = {}) {
  return (table[text] ?? text).replace(/\{(\w+)\}/g, (name, key) => String(values[key] ?? name));
}

/**
 * Calls a function each time the reader has chosen another language.
 *
 * @param {() => void} listener
 */
export function onLanguage(listener) {
  listeners.push(listener);
}

/** The reader's choice: `en`, `zh`, or an empty string for the browser's language. */
export const chosenLanguage = () => localStorage.getItem(LANGUAGE_ITEM) ?? "";

/**
 * Translates the page, and remembers the choice.
 *
 * @param {string} choice
 */
export async function chooseLanguage(choice) {
  if (choice === "") localStorage.removeItem(LANGUAGE_ITEM);
  else localStorage.setItem(LANGUAGE_ITEM, choice);
  await showLanguage();
}

/**
 * Shows the chosen language, or else the first of the browser's that the page has. Must be called
 * before anything is added to the page.
 */
export async function startLanguage() {
  const all = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_ALL);
  for (let node = /** @type {Node | null} */ (all.root); node; node = all.nextNode()) {
    keepText(node);
  }
  if (language() !== ENGLISH) await showLanguage();
}

/**
 * Each translates one text of `index.html`.
 *
 * @type {(() => void)[]}
 */
const setters = [];

/** @param {Node} node */
function keepText(node) {
  const element = node instanceof Element ? node : node.parentElement;
  if (element === null || element.closest("script, [translate=no]") !== null) return;
  if (node instanceof Text) {
    const text = node.data.trim().replace(/\s+/g, " ");
    if (text === "") return;
    const before = node.data.slice(0, -node.data.trimStart().length);
    const after = node.data.slice(node.data.trimEnd().length);
    setters.push(() => node.data = before + (table[text] ?? text) + after);
  }
  if (node !== element) return;
  for (const name of ATTRIBUTES) {
    const text = element.getAttribute(name);
    if (text) setters.push(() => element.setAttribute(name, table[text] ?? text));
  }
}

/** @returns {Language} */
function language() {
  const wanted = [chosenLanguage(), ...navigator.languages].map((tag) =>
    tag.split("-", 1)[0] ?? ""
  );
  return wanted.map((name) => LANGUAGES[name]).find((found) => found !== undefined) ?? ENGLISH;
}

async function showLanguage() {
  const wanted = language();
  /** @type {Table} */
  let loaded;
  try {
    loaded = await wanted.load();
  } catch {
    // Without the table, the page stays as it is.
    return;
  }
  // The reader may have chosen again meanwhile.
  if (language() !== wanted) return;
  table = loaded;
  document.documentElement.lang = wanted.tag;
  for (const set of setters) set();
  for (const listener of listeners) listener();
}
