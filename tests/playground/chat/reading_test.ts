import { assertEquals, assertMatch } from "@std/assert";
import type { Locator, Page } from "playwright-core";
import { pieces, startUpstream } from "../../support/upstream.ts";
import { waitUntil } from "../../support/wait.ts";
import { ask, browserTest, openPage } from "../browser/browser.ts";
import { allStored, isAtTop, styleOf } from "../browser/in_page.js";

const YAML = `
upstreams: { scripted: { base_url: UPSTREAM } }
models:
  plain: { strategy: direct, upstream: scripted, model: m }
  other: { strategy: direct, upstream: scripted, model: n }
`;

/** A name that is no secure origin; this machine answers. */
const LAN_HOST = "box.lan.example";

const DOT =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const LONG = Array.from({ length: 80 }, (_, i) => `Paragraph ${i}.`).join("\n\n");

async function waitUntilInView(page: Page, element: Locator): Promise<void> {
  const { height } = page.viewportSize()!;
  let y: number | undefined;
  await waitUntil(() => `an element in view instead of at ${y} of ${height}`, async () => {
    y = (await element.boundingBox())?.y;
    return y !== undefined && y > 0 && y < height;
  });
}

browserTest("a new question scrolls into view, even after scrolling up", async (browser) => {
  await using upstream = startUpstream([{ content: LONG }]);
  await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML });
  const { page } = open;
  await ask(page, "First?");
  await page.getByText(/ s in total$/).waitFor();
  await page.locator("#log").press("Home");
  await page.waitForFunction(isAtTop);
  await ask(page, "Second?");
  await page.getByText(/ s in total$/).nth(1).waitFor();
  await waitUntilInView(page, page.locator(".figures").nth(1));
});

browserTest("each of several answers scrolls by itself below its name", async (browser) => {
  await using upstream = startUpstream(({ body }) => ({
    content: body.model === "m" ? LONG : "Short.",
  }));
  await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML });
  const { page } = open;
  await page.getByRole("button", { name: "Compare" }).click();
  await ask(page, "Which?");
  await page.locator(".figures").nth(1).waitFor();
  for (const lane of await page.locator(".lane").all()) {
    for (const part of [".who", ".figures"]) await waitUntilInView(page, lane.locator(part));
  }
});

browserTest("Enter while an answer is written keeps the text, with a reason", async (browser) => {
  const gate = Promise.withResolvers<void>();
  await using upstream = startUpstream([{
    content: pieces("one two three"),
    gate: (frame: number) => frame === 2 ? gate.promise : undefined,
  }]);
  await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML });
  const { page } = open;
  await ask(page, "First?");
  await page.locator(".answer").getByText("one").waitFor();
  await ask(page, "Second?");
  await page.getByText("Wait for the answer, or press Escape to stop it.").waitFor();
  assertEquals(await page.getByLabel("Your question").inputValue(), "Second?");
  gate.resolve();
  await page.getByText(/ s in total$/).waitFor();
  assertEquals(upstream.calls.length, 1);
});

browserTest("a stopped answer shows its approximate number of tokens", async (browser) => {
  await using upstream = startUpstream([{
    content: pieces("one two three four"),
    gate: (frame: number) => frame === 3 ? new Promise<void>(() => {}) : undefined,
  }]);
  await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML });
  const { page } = open;
  await ask(page, "Count.");
  await page.locator(".answer").getByText("one").waitFor();
  await page.keyboard.press("Escape");
  await page.getByText("Stopped.").waitFor();
  assertMatch(await page.locator(".figures").innerText(), /≈ [1-9]\d* tokens/);
});

browserTest("the page works on plain HTTP at an address of the local network", async (browser) => {
  await using upstream = startUpstream([{ content: "Text:\n\n```js\nlet a = 1;\n```" }]);
  await using open = await openPage(browser, {
    upstream: upstream.url,
    yaml: YAML,
    host: LAN_HOST,
  });
  const { page } = open;
  // There, browsers have no clipboard and no random UUIDs.
  assertEquals(await page.evaluate("[isSecureContext, typeof navigator.clipboard]"), [
    false,
    "undefined",
  ]);
  await ask(page, "Code?");
  await page.getByText(/ s in total$/).waitFor();
  const question = page.getByLabel("Your question");
  for (
    const [place, copied] of [[".code-head", "let a = 1;\n"], [
      ".actions",
      "Text:\n\n```js\nlet a = 1;\n```",
    ]] as const
  ) {
    await page.locator(place).getByRole("button", { name: "Copy" }).click();
    await page.locator(place).getByText("Copied").waitFor();
    await question.fill("");
    await question.press("Control+v");
    assertEquals(await question.inputValue(), copied);
  }
  await waitUntil(
    "the conversation to be stored",
    async () => (await page.evaluate(allStored)).includes("let a = 1;"),
  );
  await page.reload();
  await page.locator(".answer").getByText("Text:").waitFor();
  // Browsers ignore this header there, and say so.
  const isIgnored = (fault: string) => fault.startsWith("The Cross-Origin-Opener-Policy header");
  assertEquals([open.foreignRequests, open.faults.filter((fault) => !isIgnored(fault))], [[], []]);
}, [`--host-resolver-rules=MAP ${LAN_HOST} 127.0.0.1`]);

browserTest("tables stay aligned and break no words; code is highlighted", async (browser) => {
  const text = "| internationalisation | number |\n|:--|--:|\n| a | 12 |\n\n" +
    "```js\nconst a = 1;\n```\n\n$x \\in \\mathbb{R}$ and $\\sin x$";
  await using upstream = startUpstream([{ content: text }]);
  await using open = await openPage(browser, {
    upstream: upstream.url,
    yaml: YAML,
    context: { viewport: { width: 340, height: 700 } },
  });
  const { page } = open;
  await ask(page, "Show.");
  await page.locator(".highlighted .hljs-keyword").waitFor();
  await page.locator("math").nth(1).waitFor();
  const head = await page.locator("th").first().evaluate(styleOf);
  assertEquals([head.overflowWrap, head.height < 60], ["normal", true]);
  const number = page.locator("td").nth(1);
  assertEquals((await number.evaluate(styleOf)).textAlign, "-webkit-right");
  assertMatch((await page.locator("math").first().textContent())!, /ℝ/);
  assertEquals(await page.locator("math mo[rspace]").count(), 1);
  assertEquals([open.foreignRequests, open.faults], [[], []]);
});

browserTest("pictures in a text are shown if they contact no other server", async (browser) => {
  const text = `![dot](${DOT}) ![own](/playground/icon.svg) ![far](https://a.example/x.png) ` +
    "![script](data:image/svg+xml;base64,PHN2Zy8+)";
  await using upstream = startUpstream([{ content: text }]);
  await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML });
  const { page } = open;
  await ask(page, "Pictures?");
  await page.getByText(/ s in total$/).waitFor();
  const images = page.locator(".answer img");
  assertEquals(await images.evaluateAll((all) => all.map((image) => image.getAttribute("alt"))), [
    "dot",
    "own",
  ]);
  assertEquals(await page.locator(".answer a").allInnerTexts(), ["far"]);
  assertEquals([open.foreignRequests, open.faults], [[], []]);
});
