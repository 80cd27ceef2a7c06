import { assert, assertEquals } from "@std/assert";
import type { Locator, Page } from "playwright-core";
import { startUpstream } from "../../support/upstream.ts";
import { ask, browserTest, openPage } from "../browser/browser.ts";
import { idle } from "../browser/in_page.js";
import { assertShortTasks, longestTask } from "../browser/tasks.ts";

const YAML = `
upstreams: { scripted: { base_url: UPSTREAM } }
models:
  plain: { strategy: direct, upstream: scripted, model: m }
`;

const LENGTH = 200_000;
const numbered = (count: number, line: (number: number) => string) =>
  Array.from({ length: count }, (_, index) => line(index));

const PARTS = numbered(
  870,
  (i) =>
    `## Part ${i}\n\nA paragraph with **bold words**, \`code\` and [a link](https://example.com/${i}), which goes on for a while so that it has some length.\n\n- one\n- two\n\n\`\`\`js\nconst value = compute(${i});\n\`\`\`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n`,
).join("");
const CODE = numbered(5_500, (i) => `const value${i} = compute(${i}, "${i}");`).join("\n");
const ITEMS = numbered(4_000, (i) => `item ${i} of a list, with a few more words`);
const WORDS = numbered(30_000, (i) => `w${i}`).join(" ");

const pieces = (text: string) => text.match(/[^]{1,200}/g)!;

interface Case {
  text: string;
  /** The last element, which is there when all is rendered. */
  last(page: Page): Locator;
  check(page: Page): Promise<void>;
}

const CASES: Record<string, Case> = {
  "of many blocks": {
    text: PARTS,
    last: (page) => page.locator(".answer table").nth(869),
    async check(page) {
      assertEquals(await page.locator(".answer h2").count(), 870);
      assertEquals(await page.locator(".answer table").count(), 870);
      assertEquals(await page.locator(".answer .code-block").count(), 870);
    },
  },
  "of one block of code": {
    text: `Code:\n\n\`\`\`js\n${CODE}\n\`\`\`\n\nThat is **all**.`,
    last: (page) => page.locator(".answer strong"),
    async check(page) {
      assertEquals(await page.locator(".answer .code-block").count(), 1);
      const shown = await page.locator(".answer pre").evaluate((pre) => pre.textContent);
      assertEquals(shown, `${CODE}\n`.slice(0, shown!.length));
      assert(CODE.length - shown!.length < 2);
      assertEquals(await page.locator(".answer strong").innerText(), "all");
    },
  },
  "of one list": {
    text: ITEMS.map((item, index) => `${index + 1}. ${item}`).join("\n"),
    last: (page) => page.locator(".answer li").nth(3_999),
    async check(page) {
      const items = await page.locator(".answer li").evaluateAll((all) =>
        all.map((item) => item.textContent?.trim())
      );
      assertEquals(items, ITEMS);
      // Lists that continue another have its numbers.
      const last = page.locator(".answer ol").last();
      const [start, count] = [await last.getAttribute("start"), await last.locator("li").count()];
      assertEquals(Number(start) + count, 4_001);
    },
  },
  "of one paragraph": {
    text: WORDS,
    last: (page) => page.locator(".answer p").filter({ hasText: "w29999" }),
    async check(page) {
      const shown = await page.locator(".answer").evaluate((answer) =>
        [...answer.querySelectorAll("p")].map((part) => part.textContent).join(" ")
      );
      assertEquals(shown.split(/\s+/), WORDS.split(" "));
    },
  },
};

for (const [name, { text, last, check }] of Object.entries(CASES)) {
  browserTest(`an answer of 200 kB ${name} causes no frame of over 100 ms`, async (browser) => {
    assert(text.length > LENGTH * 0.8 && text.length < LENGTH * 1.3, String(text.length));
    await assertShortTasks(async () => {
      await using upstream = startUpstream([{ content: pieces(text) }]);
      await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML });
      const { page } = open;
      const longest = await longestTask(browser, page, async () => {
        await ask(page, "Write.");
        await page.locator(".turn-actions").waitFor({ timeout: 300_000 });
        await last(page).waitFor({ state: "attached" });
        // Tasks after the end, which render the rest.
        await page.evaluate(idle);
      });
      await check(page);

      const reopened = await longestTask(browser, page, async () => {
        await page.reload();
        await last(page).waitFor({ state: "attached" });
        await page.evaluate(idle);
      });
      await check(page);
      assertEquals([open.foreignRequests, open.faults], [[], []]);
      return Math.max(longest, reopened);
    });
  });
}

browserTest("links may be defined after the text that uses them", async (browser) => {
  const blocks = numbered(300, (i) => `Paragraph ${i}, as [shown][proof] elsewhere.`).join("\n\n");
  const text = `${blocks}\n\n[proof]: https://example.com/proof\n\nThe end, see [proof].`;
  await using upstream = startUpstream([{ content: pieces(text) }]);
  await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML });
  await ask(open.page, "Prove.");
  await open.page.locator(".turn-actions").waitFor();
  const links = open.page.locator(".answer a[href='https://example.com/proof']");
  await links.nth(300).waitFor();
  assertEquals(await links.count(), 301);
  assertEquals(await open.page.locator(".answer p").count(), 301);
});
