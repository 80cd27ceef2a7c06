import axe from "axe-core";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Page } from "playwright-core";
import { startUpstream, step } from "../../support/upstream.ts";
import { ask, browserTest, openPage } from "../browser/browser.ts";
import { audit } from "../browser/in_page.js";
import { assertShortTasks, longestTask } from "../browser/tasks.ts";

const YAML = `
upstreams:
  scripted: { base_url: UPSTREAM, use_n: false, price: { input: 1000, output: 2000 } }
models:
  votes: { strategy: vote, upstream: scripted, model: m, options: { wave: 2, max_samples: 2 } }
  o1: { strategy: steps, upstream: scripted, model: m, options: { min_steps: 1 } }
  plain: { strategy: direct, upstream: scripted, model: m }
`;

const ATTACK =
  "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>";

async function assertAccessible(page: Page): Promise<void> {
  await page.evaluate(axe.source);
  const { violations, passes } = await page.evaluate(audit);
  assertEquals([violations, passes > 10], [[], true]);
}

const DEVICES = [
  ["on a desktop", { viewport: { width: 1280, height: 800 }, colorScheme: "light" }],
  ["on a phone at night", { viewport: { width: 390, height: 844 }, colorScheme: "dark" }],
] as const;

for (const [device, context] of DEVICES) {
  browserTest(`the reasoning view shows every call with its prompt ${device}`, async (browser) => {
    await using upstream = startUpstream(({ index }) => ({
      // The first vote would decide, and cancel the other call; so the first sample has no answer.
      content: `2 + 2.\n\n${ATTACK}${index === 0 ? "" : "\n\nFINAL ANSWER: 4"}`,
      // A bar that can be seen in the timeline, even if the rest of the run takes seconds.
      before: new Promise((resolve) => setTimeout(resolve, index * 300)),
    }));
    await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML, context });
    const { page } = open;
    const title = await page.title();
    await ask(page, "What is 2 + 2?");
    const button = page.getByRole("button", { name: "Reasoning" });
    await button.press("Enter");
    const view = page.getByRole("dialog", { name: "Reasoning of votes" });
    await view.waitFor();
    const labels = await view.locator(".view-timeline li .view-label").allInnerTexts();
    // Either sample may be the first to end.
    assertEquals(labels.map((label) => label.replace(/^(Candidate) · [12]$/, "$1")).sort(), [
      ...["Candidate", "Candidate", "Step"],
      "Votes · 1 of 2 agree on 4",
      "Votes · No answer could be read in 1 sample.",
      ...["sample 1", "sample 2"],
    ]);
    const facts = await view.locator("dd").allInnerTexts();
    assertEquals(facts.slice(0, 5), ["2", "0", "20", "10", "$0.04"]);
    // Bars are placed by the style sheet, which the page's policy must not block.
    for (const kind of ["wait", "call"]) {
      const located = await view.locator(`.view-bar.view-${kind}`).all();
      const bars = await Promise.all(located.map((bar) => bar.boundingBox()));
      assertEquals(bars.length, 2);
      for (const bar of bars) assert(bar!.width >= 2 && bar!.height > 4, JSON.stringify(bars));
      // The answer takes so little time that its bar may have the least width.
      if (kind === "wait") assert(bars.some((bar) => bar!.width > 2), JSON.stringify(bars));
    }

    await view.getByRole("link", { name: "sample 2" }).press("Enter");
    const entry = view.locator("details.view-entry[open]");
    assertEquals(await entry.locator("summary:focus").count(), 1);
    assertStringIncludes(await entry.locator("summary").innerText(), "10 + 5 tokens · $0.02");
    await entry.locator("pre").first().waitFor();
    const texts = (await entry.locator("pre").allInnerTexts()).join("\n");
    for (const text of ["What is 2 + 2?", ATTACK]) assertStringIncludes(texts, text);
    assertEquals(await entry.locator("img, script").count(), 0);
    await assertAccessible(page);
    assertEquals(new URL(page.url()).hash.startsWith("#chat="), true);

    await page.keyboard.press("Escape");
    await view.waitFor({ state: "detached" });
    assertEquals(await button.evaluate((element) => element.matches(":focus")), true);
    assertEquals([await page.title(), open.foreignRequests, open.faults], [title, [], []]);
  });

  browserTest(`two answers are compared word by word ${device}`, async (browser) => {
    await using upstream = startUpstream([
      { content: step("Add", "2 + 2", "final_answer") },
      { content: "The sum is 4." },
      { content: step("Read", "Two numbers.", "continue") },
      { content: step("Add", "2 + 2", "final_answer") },
      { content: `The sum is ${ATTACK}.` },
    ]);
    await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML, context });
    const { page } = open;
    await page.locator("#picks select").selectOption("o1");
    await ask(page, "What is 2 + 2?");
    await page.getByText(/ s in total$/).waitFor();
    assertEquals(await page.getByRole("button", { name: "Differences" }).count(), 0);
    await page.getByRole("button", { name: "Retry" }).click();
    await page.getByRole("button", { name: "Differences" }).click();
    const view = page.getByRole("dialog", { name: "Differences" });
    await view.getByText("1 difference").waitFor();
    assertEquals(await view.locator("del").allInnerTexts(), ["4"]);
    assertEquals(await view.locator("ins").allInnerTexts(), [ATTACK]);
    const row = (name: string) =>
      view.getByRole("row", { name: new RegExp(`^${name} `) }).locator("td").allInnerTexts();
    assertEquals(await row("Calls"), ["2", "3", "+1"]);
    assertEquals(await row("Cost"), ["$0.04", "$0.06", "+$0.02"]);
    assertEquals(await row("Tokens used by step calls"), ["15", "30", "+15"]);
    for (const summary of await view.locator(".view-pair > details > summary").all()) {
      await summary.press("Enter");
    }
    await view.locator(".view-timeline").nth(1).waitFor();
    await assertAccessible(page);
    await view.locator("select").nth(1).selectOption({ index: 0 });
    await view.getByText("The answers are the same.").waitFor();
    assertEquals([open.foreignRequests, open.faults], [[], []]);
  });
}

browserTest("long answers are compared without a frame of over 100 ms", async (browser) => {
  const words = Array.from({ length: 30_000 }, (_, index) => `w${index * 7919 % 30_011}`);
  const other = words.map((word, index) => index % 50 === 0 ? "changed" : word);
  const lines = (all: string[]) =>
    Array.from({ length: 600 }, (_, index) => all.slice(index * 50, index * 50 + 50).join(" "))
      .join("\n");
  await using upstream = startUpstream(({ index }) => ({ content: lines(index ? other : words) }));
  await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML });
  const { page } = open;
  await page.locator("#picks select").selectOption("plain");
  await ask(page, "Count.");
  await page.getByText(/ s in total$/).waitFor();
  await page.getByRole("button", { name: "Retry" }).click();
  const button = page.getByRole("button", { name: "Differences" });
  await button.waitFor();
  await assertShortTasks(() =>
    longestTask(browser, page, async () => {
      await button.click();
      // Looking for a text in the whole page would itself take longer than a frame.
      await page.locator(".view [role=status]").filter({ hasText: "600 differences" }).waitFor();
      await page.keyboard.press("Escape");
      await page.locator(".view").waitFor({ state: "detached" });
    })
  );
});
