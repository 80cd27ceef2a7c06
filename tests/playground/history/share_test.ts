import axe from "axe-core";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { startUpstream } from "../../support/upstream.ts";
import { ask, browserTest, openPage } from "../browser/browser.ts";
import { audit } from "../browser/in_page.js";

const YAML = `
upstreams: { scripted: { base_url: UPSTREAM } }
models:
  plain: { strategy: direct, upstream: scripted, model: m }
`;

/** Markup that would run or load something, or end the element that holds it. */
const ATTACK = [
  "<script>document.title = 'owned'</script>",
  "</title></style></div></body><img src=x onerror=\"document.title = 'owned'\">",
  "<img src='http://evil.example/a.png'><link rel=stylesheet href=http://evil.example/b.css>",
  "<meta http-equiv=refresh content='0;url=http://evil.example'> &lt;b&gt;",
].join("\n");

browserTest("a shared conversation is one file that shows markup as text", async (browser) => {
  await using upstream = startUpstream([{ content: ATTACK, reasoning: [ATTACK] }]);
  await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML });
  await ask(open.page, ATTACK);
  await open.page.locator(".turn-actions").waitFor();
  await open.page.getByRole("button", { name: "Chats" }).click();
  const [file] = await Promise.all([
    open.page.waitForEvent("download"),
    open.page.getByRole("button", { name: "Export HTML" }).click(),
  ]);
  const html = await Deno.readTextFile(await file.path());

  // The policy would hide a missing escape.
  const bare = html.replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, "");
  assertEquals(bare.length < html.length, true);
  await using context = await browser.newContext();
  const requests: string[] = [];
  context.on("request", (request) => requests.push(request.url()));
  const page = await context.newPage();
  await page.setContent(bare);
  assertEquals(await page.title(), ATTACK.split("\n")[0]);
  assertEquals(await page.locator("script, img, link, meta[http-equiv], [onerror]").count(), 0);
  for (const summary of ["Thinking", "Reasoning"]) {
    await page.locator("summary").getByText(summary, { exact: true }).click();
  }
  // The link opens the call, also without a script.
  await page.locator(".view-timeline").getByText("answer").click();
  await page.locator("details.view-entry > summary").click();
  const [prompt, thinking, output] = await page.locator(".view-body pre").allInnerTexts();
  for (const text of [prompt, thinking, output]) {
    assertStringIncludes(text!, ATTACK.split("\n")[1]!);
  }
  const bar = await page.locator(".view-timeline .view-call").nth(1).boundingBox();
  assertEquals(bar!.width > 1, true);
  const texts = await page.locator(".text").allInnerTexts();
  assertEquals(texts.length, 3);
  for (const text of texts) assertStringIncludes(text, ATTACK.split("\n")[1]!);
  assertEquals(requests, []);
  await page.evaluate(axe.source);
  const results = await page.evaluate(audit);
  assertEquals([results.violations, results.passes > 5], [[], true]);
  await context.close();
});
