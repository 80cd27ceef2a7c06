import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  type Block,
  blocksOf,
  headingsOf,
  linksOf,
  type Page,
  readPage,
  tablesOf,
} from "./markdown.ts";

const ENGLISH = await readPage("README.md");
const CHINESE = await readPage(".github/README.zh.md");

/** Removes comments and texts from a block, as they are translated. */
function untranslated({ kind, text, notRun }: Block): unknown {
  const isText = kind === "text";
  return {
    kind,
    isRun: notRun === undefined,
    text: isText ? text : text.replace(/(?:^|(?<= ))# (?!.*\.(?:ya?ml|service)$).*$/gm, "#"),
  };
}

/** Returns what a row must not translate: code and numbers. */
function facts(row: readonly string[]): string[] {
  return row.flatMap((cell) => cell.match(/`[^`]+`|\d+(?:[.,]\d+)*/g) ?? []).sort();
}

Deno.test("the Chinese README has the same commands and examples", () => {
  assertEquals(blocksOf(CHINESE).map(untranslated), blocksOf(ENGLISH).map(untranslated));
});

Deno.test("the Chinese README has the same tables: rows, code and numbers", () => {
  const [chinese, english] = [CHINESE, ENGLISH].map((page) =>
    tablesOf(page).map((table) => table.map((row) => [row.length, ...facts(row)]))
  );
  assert(english!.length > 0);
  for (const [i, table] of english!.entries()) assertEquals(chinese![i], table);
  assertEquals(chinese!.length, english!.length);
});

Deno.test("the Chinese README has the same sections and links", () => {
  const levels = (page: Page) => headingsOf(page).map(({ level }) => level);
  assertEquals(levels(CHINESE), levels(ENGLISH));
  const elsewhere = (page: Page) => linksOf(page).filter((link) => /^https?:/.test(link)).sort();
  assertEquals(elsewhere(CHINESE), elsewhere(ENGLISH));
  const files = (page: Page) =>
    new Set(
      linksOf(page).filter((link) => !/^https?:|^#|README/.test(link)).map((link) =>
        link.replace(/^(\.\.\/|\.github\/)/, "")
      ),
    );
  assertEquals(files(CHINESE), files(ENGLISH));
});

Deno.test("each README links to the other and to the settings", () => {
  const [head] = ENGLISH.text.split("\n## ");
  assertStringIncludes(head!, "(.github/README.zh.md)");
  assertStringIncludes(CHINESE.text.split("\n## ")[0]!, "(../README.md)");
  assert(linksOf(ENGLISH).includes("docs/settings.md"));
  assert(linksOf(CHINESE).includes("../docs/settings.md"));
});
