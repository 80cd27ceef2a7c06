import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  type Block,
  blocksOf,
  headingsOf,
  linksOf,
  type Page,
  proseOf,
  readPage,
  tablesOf,
} from "./markdown.ts";

const ENGLISH = await readPage("README.md");
const CHINESE = await readPage(".github/README.zh.md");

/** The page without what is generated, which is not translated. */
function written({ path, text }: Page): Page {
  return { path, text: text.replace(/<!-- settings:start -->[^]*<!-- settings:end -->/, "") };
}

/** A block without the words for people, which are translated. */
function bare({ kind, text, notRun }: Block): unknown {
  const isText = kind === "text";
  return {
    kind,
    isRun: notRun === undefined,
    text: isText ? text : text.replace(/(?:^|(?<= ))# (?!.*\.(?:ya?ml|service)$).*$/gm, "#"),
  };
}

/** What of a row must not be translated: names in code, and numbers. */
function facts(row: readonly string[]): string[] {
  return row.flatMap((cell) => cell.match(/`[^`]+`|\d+(?:[.,]\d+)*/g) ?? []).sort();
}

Deno.test("the Chinese README has the same commands and examples", () => {
  assertEquals(blocksOf(CHINESE).map(bare), blocksOf(ENGLISH).map(bare));
});

Deno.test("the Chinese README has the same tables: names, figures and rows", () => {
  const [chinese, english] = [CHINESE, ENGLISH].map((page) =>
    tablesOf(written(page)).map((table) => table.map((row) => [row.length, ...facts(row)]))
  );
  assert(english!.length > 7);
  for (const [i, table] of english!.entries()) assertEquals(chinese![i], table);
  assertEquals(chinese!.length, english!.length);
});

Deno.test("the Chinese README has the same sections and leads to the same places", () => {
  const levels = (page: Page) => headingsOf(written(page)).map(({ level }) => level);
  assertEquals(levels(CHINESE), levels(ENGLISH));
  const elsewhere = (page: Page) =>
    linksOf(written(page)).filter((link) => /^https?:/.test(link)).sort();
  assertEquals(elsewhere(CHINESE), elsewhere(ENGLISH));
  const files = (page: Page) =>
    new Set(
      linksOf(written(page)).filter((link) => !/^https?:|^#|README/.test(link)).map((link) =>
        link.replace(/^(\.\.\/|\.github\/)/, "")
      ),
    );
  assertEquals(files(CHINESE), files(ENGLISH));
});

Deno.test("each README leads to the other, and the Chinese one to the settings", () => {
  const [head] = ENGLISH.text.split("\n## ");
  assertStringIncludes(head!, "(.github/README.zh.md)");
  assertStringIncludes(CHINESE.text.split("\n## ")[0]!, "(../README.md)");
  assert(linksOf(CHINESE).includes("../README.md#settings"));
  assertEquals(proseOf(CHINESE).includes("settings:start"), false);
});
