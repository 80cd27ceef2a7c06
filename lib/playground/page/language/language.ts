/**
 * The language of the interface. English is written in the code and in `index.html`; the table of
 * another language has a translation of each English text, and is loaded when it is needed.
 *
 * @module
 */
import { type Table, useTable } from "./translate.ts";

interface Language {
  /** For the attribute `lang`. */
  tag: string;
  load: () => Promise<Table>;
}

const ENGLISH: Language = { tag: "en", load: () => Promise.resolve({}) };

const LANGUAGES: Readonly<Record<string, Language>> = {
  en: ENGLISH,
  zh: { tag: "zh-Hans", load: async () => (await import("./chinese.ts")).CHINESE },
};

/** Name in local storage; absent for the browser's language. */
const LANGUAGE_ITEM = "o1-api.language";

/** Attributes with text for the reader. */
const ATTRIBUTES = ["aria-label", "alt", "placeholder"];

/** The reader's choice: `en`, `zh`, or an empty string for the browser's language. */
export const chosenLanguage = () => localStorage.getItem(LANGUAGE_ITEM) ?? "";

/** Translates the page, and remembers the choice. */
export async function chooseLanguage(choice: string): Promise<void> {
  if (choice === "") localStorage.removeItem(LANGUAGE_ITEM);
  else localStorage.setItem(LANGUAGE_ITEM, choice);
  await showLanguage();
}

/**
 * Shows the chosen language, or else the first of the browser's that the page has. Must be called
 * before anything is added to the page.
 */
export async function startLanguage(): Promise<void> {
  const all = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_ALL);
  for (let node: Node | null = all.root; node; node = all.nextNode()) keepText(node);
  if (language() !== ENGLISH) await showLanguage();
}

/** Each translates one text of `index.html`. */
const setters: ((table: Table) => void)[] = [];

function keepText(node: Node): void {
  const element = node instanceof Element ? node : node.parentElement;
  if (element === null || element.closest("script, [translate=no]") !== null) return;
  if (node instanceof Text) {
    const text = node.data.trim().replace(/\s+/g, " ");
    if (text === "") return;
    const before = node.data.slice(0, -node.data.trimStart().length);
    const after = node.data.slice(node.data.trimEnd().length);
    setters.push((table) => node.data = before + (table[text] ?? text) + after);
  }
  if (node !== element) return;
  for (const name of ATTRIBUTES) {
    const text = element.getAttribute(name);
    if (text) setters.push((table) => element.setAttribute(name, table[text] ?? text));
  }
}

function language(): Language {
  const wanted = [chosenLanguage(), ...navigator.languages].map((tag) => tag.split("-", 1)[0]!);
  return wanted.map((name) => LANGUAGES[name]).find((found) => found !== undefined) ?? ENGLISH;
}

async function showLanguage(): Promise<void> {
  const wanted = language();
  let loaded: Table;
  try {
    loaded = await wanted.load();
  } catch {
    // Without the table, the page stays as it is.
    return;
  }
  // The reader may have chosen again meanwhile.
  if (language() !== wanted) return;
  document.documentElement.lang = wanted.tag;
  for (const set of setters) set(loaded);
  useTable(loaded);
}
