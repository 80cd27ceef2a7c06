/**
 * What the tests read of the project's Markdown files: blocks, tables, headings and links.
 *
 * @module
 */

/** The project's folder. */
export const ROOT = new URL("../../", import.meta.url);

/** A Markdown file. */
export interface Page {
  /** Its path from the project's folder. */
  path: string;
  /** Its text. */
  text: string;
}

/** A fenced block. */
export interface Block {
  /** Its kind, such as `sh`. */
  kind: string;
  /** What stands in it. */
  text: string;
  /** The line of its beginning, from 1. */
  line: number;
  /** Why it can't be run here, where a comment before it says so. */
  notRun?: string;
}

/** Reads a page by its path from the project's folder. */
export async function readPage(path: string): Promise<Page> {
  return { path, text: await Deno.readTextFile(new URL(path, ROOT)) };
}

const FENCE_REGEXP = /^(?:<!-- not run: (.+) -->\n\n)?^```(.*)\n([^]*?)^```$/gm;

/** The fenced blocks of a page, from its beginning to its end. */
export function blocksOf({ text }: Page): Block[] {
  return [...text.matchAll(FENCE_REGEXP)].map(({ 1: notRun, 2: kind, 3: inner, index }) => ({
    kind: kind!,
    text: inner!,
    line: text.slice(0, index).split("\n").length,
    ...(notRun === undefined ? {} : { notRun }),
  }));
}

/** A page's text without its blocks. */
export function proseOf({ text }: Page): string {
  return text.replaceAll(FENCE_REGEXP, "");
}

/** The cells of each table's rows, without the rule under the head. */
export function tablesOf(page: Page): string[][][] {
  const tables = proseOf(page).match(/(?:^\|.*\|\n)+/gm) ?? [];
  return tables.map((table) =>
    table.trimEnd().split("\n").filter((row) => !/^\|(?: -+ \|)+$/.test(row)).map((row) =>
      row.slice(1, -1).split(/(?<!\\)\|/).map((cell) => cell.trim())
    )
  );
}

/** A heading. */
export interface Heading {
  /** From 1, the page's own. */
  level: number;
  /** Its text. */
  title: string;
  /** What links to it name, as GitHub makes it. */
  anchor: string;
}

/** The headings of a page. */
export function headingsOf(page: Page): Heading[] {
  return [...proseOf(page).matchAll(/^(#+) (.+)$/gm)].map(([, marks, title]) => ({
    level: marks!.length,
    title: title!,
    anchor: title!.toLowerCase().replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, "").replaceAll(" ", "-"),
  }));
}

/** Where the links and pictures of a page lead, those of its references too. */
export function linksOf(page: Page): string[] {
  const text = proseOf(page);
  return [
    ...[...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!),
    ...[...text.matchAll(/^\[[^\]]+\]: (\S+)$/gm)].map(([, target]) => target!),
    ...[...text.matchAll(/ (?:href|src|srcset)="([^"]+)"/g)].map(([, target]) => target!),
  ];
}
