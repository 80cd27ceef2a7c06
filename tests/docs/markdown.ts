/**
 * Reads blocks, tables, headings and links from the project's Markdown pages.
 *
 * @module
 */

export const ROOT = new URL("../../", import.meta.url);

export interface Page {
  /** Relative to the root of the project. */
  path: string;
  text: string;
}

/** A fenced block. */
export interface Block {
  /** For example `sh`. */
  kind: string;
  text: string;
  /** First line, from 1. */
  line: number;
  /** Reason from a comment `not run: …` before the block. */
  notRun?: string;
}

/** @param path relative to the root of the project. */
export async function readPage(path: string): Promise<Page> {
  return { path, text: await Deno.readTextFile(new URL(path, ROOT)) };
}

/** Returns all pages: the READMEs, the documentation, and how to contribute. */
export function readPages(): Promise<Page[]> {
  const docs = [...Deno.readDirSync(new URL("docs/", ROOT))].map(({ name }) => `docs/${name}`);
  const github = ["README.zh.md", "CONTRIBUTING.md", "SECURITY.md"].map((name) =>
    `.github/${name}`
  );
  const pages = docs.filter((path) => path.endsWith(".md")).sort();
  return Promise.all(["README.md", ...github, ...pages].map(readPage));
}

const FENCE_REGEXP = /^(?:<!-- not run: (.+) -->\n\n)?^(`{3,})(.*)\n([^]*?)^\2$/gm;

export function blocksOf({ text }: Page): Block[] {
  return [...text.matchAll(FENCE_REGEXP)].map(({ 1: notRun, 3: kind, 4: inner, index }) => ({
    kind: kind!,
    text: inner!,
    line: text.slice(0, index).split("\n").length,
    ...(notRun === undefined ? {} : { notRun }),
  }));
}

/** Returns the text without its blocks. */
export function proseOf({ text }: Page): string {
  return text.replaceAll(FENCE_REGEXP, "");
}

/** Returns the cells of each row of each table, without the rule below the header. */
export function tablesOf(page: Page): string[][][] {
  const tables = proseOf(page).match(/(?:^\|.*\|\n)+/gm) ?? [];
  return tables.map((table) =>
    table.trimEnd().split("\n").filter((row) => !/^\|(?: -+ \|)+$/.test(row)).map((row) =>
      row.slice(1, -1).split(/(?<!\\)\|/).map((cell) => cell.trim())
    )
  );
}

export interface Heading {
  level: number;
  title: string;
  /** Anchor that GitHub generates. */
  anchor: string;
}

export function headingsOf(page: Page): Heading[] {
  return [...proseOf(page).matchAll(/^(#+) (.+)$/gm)].map(([, marks, title]) => ({
    level: marks!.length,
    title: title!,
    anchor: title!.toLowerCase().replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, "").replaceAll(" ", "-"),
  }));
}

/** Returns the targets of all links and pictures, including link references. */
export function linksOf(page: Page): string[] {
  const text = proseOf(page);
  return [
    ...[...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!),
    ...[...text.matchAll(/^\[[^\]]+\]: (\S+)$/gm)].map(([, target]) => target!),
    ...[...text.matchAll(/ (?:href|src|srcset)="([^"]+)"/g)].map(([, target]) => target!),
  ];
}
