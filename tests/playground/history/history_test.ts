import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Buffer } from "node:buffer";
import type { Page } from "playwright-core";
import { TOKEN } from "../../support/app.ts";
import { startUpstream } from "../../support/upstream.ts";
import { waitUntil } from "../../support/wait.ts";
import { ask, browserTest, openPage, waitForTexts } from "../browser/browser.ts";
import { allStored, storeConversations } from "../browser/in_page.js";
import { assertShortTasks, longestTask } from "../browser/tasks.ts";

const YAML = `
upstreams: { scripted: { base_url: UPSTREAM } }
models:
  plain: { strategy: direct, upstream: scripted, model: m }
`;

/** Asks a question and waits until the answer can be asked again. */
async function askAndWait(page: Page, question: string): Promise<void> {
  const turns = await page.locator(".turn-actions").count();
  await ask(page, question);
  await page.locator(".turn-actions").nth(turns).waitFor();
}

/** Waits until the browser has stored a text: a reload could come before that. */
async function waitUntilStored(page: Page, text: string): Promise<void> {
  await waitUntil(
    `${text} to be stored`,
    async () => (await page.evaluate(allStored)).includes(text),
  );
}

browserTest(
  "a reload keeps the conversation, and its next question continues it",
  async (browser) => {
    await using upstream = startUpstream(({ index }) => ({
      content: `answer ${index}`,
      reasoning: [`thought ${index}`],
    }));
    await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML });
    const { page } = open;
    await askAndWait(page, "one");
    await waitUntilStored(page, "answer 0");
    await page.reload();
    await page.locator(".answer").getByText("answer 0").waitFor();
    assertMatch(await page.locator(".thinking").textContent() ?? "", /thought 0/);
    assertMatch(await page.locator(".figures").innerText(), /15 tokens/);
    await askAndWait(page, "two");
    assertEquals(upstream.calls[1]!.body.messages, [
      { role: "user", content: "one" },
      { role: "assistant", content: "answer 0" },
      { role: "user", content: "two" },
    ]);
    assertEquals((await page.evaluate(allStored)).includes(TOKEN), false);
    assertEquals([open.foreignRequests, open.faults], [[], []]);
  },
);

browserTest(
  "a question can be asked again, changed, and its branches compared",
  async (browser) => {
    await using upstream = startUpstream(({ index }) => ({ content: `answer ${index}` }));
    await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML });
    const { page } = open;
    await askAndWait(page, "one");
    await askAndWait(page, "two");
    await page.getByRole("button", { name: "Retry" }).nth(1).click();
    await page.getByText("2/2").waitFor();
    await page.locator(".answer").getByText("answer 2").waitFor();
    assertEquals(upstream.calls[2]!.body.messages, upstream.calls[1]!.body.messages);
    await page.getByRole("button", { name: "Edit" }).nth(1).click();
    await page.getByLabel("Edit the question").fill("three");
    await page.locator(".edit").getByRole("button", { name: "Send" }).click();
    await page.getByText("3/3").waitFor();
    await page.locator(".answer").getByText("answer 3").waitFor();
    assertEquals(upstream.calls[3]!.body.messages.at(-1), { role: "user", content: "three" });
    await page.getByLabel("Earlier version").click();
    await page.locator(".answer").getByText("answer 2").waitFor();
    assertEquals(await page.locator(".turn").count(), 2);
    await askAndWait(page, "four");
    assertEquals(
      upstream.calls[4]!.body.messages.map(({ content }: { content: string }) => content),
      ["one", "answer 0", "two", "answer 2", "four"],
    );
  },
);

browserTest("conversations can be found, renamed, exported and deleted", async (browser) => {
  await using upstream = startUpstream(({ index }) => ({ content: `answer ${index}` }));
  await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML });
  const { page } = open;
  await askAndWait(page, "About apples");
  await page.getByRole("button", { name: "New chat" }).click();
  await askAndWait(page, "About <b>pears</b>");
  await page.getByRole("button", { name: "Chats" }).click();
  const panel = page.getByRole("complementary", { name: "Conversations" });
  const titles = panel.locator(".title");
  await waitForTexts(titles, ["About <b>pears</b>", "About apples"]);
  await panel.getByLabel("Search conversations").fill("APPLE");
  await waitForTexts(titles, ["About apples"]);
  await titles.first().click();
  await page.locator(".answer").getByText("answer 0").waitFor();
  await panel.getByLabel("Rename About apples").click();
  await panel.getByLabel("New name").fill("Fruit");
  await page.keyboard.press("Enter");
  await panel.getByLabel("Search conversations").fill("");
  await titles.getByText("Fruit").waitFor();
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    panel.getByRole("button", { name: "Export Markdown" }).click(),
  ]);
  assertEquals(file.suggestedFilename(), "Fruit.md");
  const text = await Deno.readTextFile(await file.path());
  assertStringIncludes(text, "# Fruit\n\n## Question\n\nAbout apples\n\n## plain\n\nanswer 0");
  const [json] = await Promise.all([
    page.waitForEvent("download"),
    panel.getByRole("button", { name: "Export JSON" }).click(),
  ]);
  const [{ question, answers: [answer] }] = JSON.parse(await Deno.readTextFile(await json.path()));
  assertEquals([question.text, answer.parts[0]], ["About apples", { content: "answer 0" }]);
  await panel.locator("li", { hasText: "Fruit" }).hover();
  await panel.getByLabel("Delete Fruit").click();
  await page.getByText("Ask, and watch it think.").waitFor();
  await waitForTexts(titles, ["About <b>pears</b>"]);
  for (const name of ["Delete all conversations", "Press again to delete all"]) {
    await panel.getByText(name).click();
  }
  await page.getByText("All conversations were deleted.").waitFor();
  assertEquals((await page.evaluate(allStored)).includes("pears"), false);
  assertEquals([open.foreignRequests, open.faults], [[], []]);
});

browserTest("storing can be switched off", async (browser) => {
  await using upstream = startUpstream([{ content: "fine" }]);
  await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML });
  const { page } = open;
  await page.getByRole("button", { name: "Chats" }).click();
  await page.getByLabel("Store conversations in this browser").uncheck();
  await askAndWait(page, "secret words");
  assertEquals((await page.evaluate(allStored)).includes("secret"), false);
  await page.reload();
  await page.getByText("Ask, and watch it think.").waitFor();
  await page.getByRole("button", { name: "Chats" }).click();
  assert(!await page.getByLabel("Store conversations in this browser").isChecked());
});

browserTest("settings reach the model, and the theme is kept", async (browser) => {
  await using upstream = startUpstream([{ content: "fine" }]);
  await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML });
  const { page } = open;
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByLabel("System prompt").fill("Be brief.");
  await page.getByLabel("Temperature").fill("0.5");
  await page.getByLabel("Maximum tokens").fill("100");
  await page.getByLabel("Theme").selectOption("dark");
  await page.locator("#files").setInputFiles([
    { name: "note.md", mimeType: "text/markdown", buffer: Buffer.from("# Note") },
  ]);
  await page.getByText("note.md attached.").waitFor();
  await askAndWait(page, "Why?");
  const { messages, temperature, max_completion_tokens, max_tokens } = upstream.calls[0]!.body;
  assertEquals(messages, [
    { role: "system", content: "Be brief." },
    { role: "user", content: "note.md:\n\n````\n# Note\n````\n\nWhy?" },
  ]);
  assertEquals([temperature, max_completion_tokens ?? max_tokens], [0.5, 100]);
  await page.reload();
  await page.locator('[data-theme="dark"]').waitFor({ state: "attached" });
});

browserTest(
  "500 conversations are listed and searched without a frame of over 100 ms",
  async (browser) => {
    await using upstream = startUpstream([{ content: "Hi." }]);
    await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML });
    const { page } = open;
    await page.evaluate(storeConversations, 500);
    const entries = page.locator("#history li");
    const search = page.getByLabel("Search conversations");
    await assertShortTasks(() =>
      longestTask(browser, page, async () => {
        await page.reload();
        await page.getByRole("button", { name: "Chats" }).click();
        await entries.nth(499).waitFor({ state: "attached" });
        await search.fill("conversation 499");
        await entries.nth(1).waitFor({ state: "detached" });
        await search.fill("conversation");
        await entries.nth(499).waitFor({ state: "attached" });
      })
    );
    assertEquals(await entries.count(), 500);
    assertEquals(await entries.last().locator(".title").innerText(), "Conversation 499");
  },
);
