import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Buffer } from "node:buffer";
import { TOKEN } from "../support/app.ts";
import { pieces, startUpstream, step } from "../support/upstream.ts";
import { ask, browserTest, openPage } from "./browser/browser.ts";
import { addPicture, pressKey, splitStreams, storedData } from "./browser/in_page.js";

const YAML = `
upstreams:
  scripted: { base_url: UPSTREAM, retry: { base_ms: 1, max_ms: 50 }, price: { input: 1000, output: 2000 } }
models:
  o1: { strategy: steps, upstream: scripted, model: m, options: { min_steps: 1 } }
  plain: { strategy: direct, upstream: scripted, model: m }
  votes: { strategy: vote, upstream: scripted, model: m }
`;

const PNG = Uint8Array.from(
  atob(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  ),
  (character) => character.charCodeAt(0),
);

browserTest(
  "the page asks for the key and keeps it in its tab only",
  async (browser) => {
    await using upstream = startUpstream([{ content: "x" }]);
    await using open = await openPage(browser, { upstream: upstream.url, enter: false });
    const { page } = open;
    const key = page.getByLabel("API key");
    assertEquals(await key.getAttribute("type"), "password");
    await page.locator("#key:focus").waitFor();
    await key.fill("wrong-key-4711");
    await page.keyboard.press("Enter");
    await page.getByText("Incorrect API key provided: wr***11.").waitFor();
    await key.fill(TOKEN);
    await page.keyboard.press("Enter");
    const question = page.getByLabel("Your question");
    await question.waitFor();
    await page.locator("#question:focus").waitFor();
    await page.reload();
    await question.waitFor();
    assertEquals(await page.evaluate(storedData), [[TOKEN], [], ""]);
    await page.getByRole("button", { name: "Forget key" }).click();
    await key.waitFor();
    assertEquals(await page.evaluate(storedData), [[], [], ""]);
    assertEquals([open.foreignRequests, open.faults], [[], []]);
  },
);

browserTest(
  "an answer streams; its steps are open while they are written, then close",
  async (browser) => {
    const gate = Promise.withResolvers<void>();
    await using upstream = startUpstream(({ index }) =>
      [
        {
          content: [
            '{"title": "Understand", "content": "Add **two',
            ' and** two.", "next_action": "continue"}',
          ],
          gate: (frame: number) => frame === 2 ? gate.promise : undefined,
        },
        { content: pieces(step("Compute", "It is $2 + 2 = 4$.", "final_answer")) },
        {
          content: pieces(
            "The answer is **4**.\n\n```js\nlet four = 4;\n```\n\n$$\\frac{8}{2}$$\n",
          ),
        },
      ][index]!
    );
    await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML });
    const { page } = open;
    await ask(page, "What is 2 + 2?");
    const first = page.locator("details.step").first();
    await first.getByText("Understand").waitFor();
    await first.getByText("Add **two").waitFor();
    assertEquals(await first.getAttribute("open"), "");
    gate.resolve();
    await page.getByText(/ s in total$/).waitFor();
    const steps = page.locator("details.step");
    assertEquals(await steps.count(), 2);
    assertEquals(await page.locator("details.step[open]").count(), 0);
    await first.locator("summary").press("Enter");
    assertEquals(await first.locator("strong").innerText(), "two and");
    await first.locator("summary").press("Enter");
    assertEquals(await first.getAttribute("open"), null);
    assertMatch(await page.locator(".thinking > summary").innerText(), /^Thought for .* 2 steps$/);
    assertEquals(await steps.nth(1).locator("math").count(), 1);
    const answer = page.locator(".answer");
    assertEquals(await answer.locator("strong").innerText(), "4");
    assertEquals((await answer.locator("pre code").innerText()).trim(), "let four = 4;");
    assertEquals(await answer.locator("math mfrac").count(), 1);
    const figures = await page.locator(".figures").innerText();
    for (const fact of [/25 tokens \(10 thinking\)/, /3 calls/, /\$0\.06/]) {
      assertMatch(figures, fact);
    }
    const { messages, reasoning } = upstream.calls[0]!.body;
    assertEquals([messages.at(-1), reasoning], [
      { role: "user", content: "What is 2 + 2?" },
      undefined,
    ]);
    assertEquals([open.foreignRequests, open.faults], [[], []]);
  },
);

browserTest("a step that the reader has opened stays open when it ends", async (browser) => {
  const gate = Promise.withResolvers<void>();
  await using upstream = startUpstream(({ index }) =>
    index === 0
      ? {
        content: pieces(step("Understand", "Add two and two.")),
        gate: (frame: number) => frame === 9 ? gate.promise : undefined,
      }
      : index === 1
      ? { content: step("Compute", "It is 4.", "final_answer") }
      : { content: "The answer is 4." }
  );
  await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML });
  const { page } = open;
  await ask(page, "What is 2 + 2?");
  const first = page.locator("details.step.live");
  await first.getByText("Understand").waitFor();
  // Closes it, and opens it again.
  for (let i = 0; i < 2; i++) await first.locator("summary").click();
  gate.resolve();
  await page.getByText(/ s in total$/).waitFor();
  const steps = page.locator("details.step");
  assertEquals(
    [await steps.nth(0).getAttribute("open"), await steps.nth(1).getAttribute("open")],
    ["", null],
  );
});

// Parts of one byte divide characters; those of 61 bytes hold the end of an event and the next.
for (const size of [1, 61]) {
  browserTest(
    `events that are split between reads of ${size} bytes are complete`,
    async (browser) => {
      const content = "Zwölf – 十二 – 🎉.";
      await using upstream = startUpstream([{ content: pieces(content, 3) }]);
      const script = `(${splitStreams})(${size})`;
      await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML, script });
      const { page } = open;
      await page.getByLabel("Model").selectOption("plain");
      await ask(page, "What is 3 * 4?");
      await page.getByText(/ s in total$/).waitFor();
      assertEquals(await page.locator(".answer").innerText(), content);
      assertEquals(open.faults, []);
    },
  );
}

browserTest("Enter that ends the composition of an input method does not send", async (browser) => {
  await using upstream = startUpstream([{ content: "Hello." }]);
  await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML });
  const { page } = open;
  await page.getByLabel("Model").selectOption("plain");
  await page.getByLabel("Your question").fill("こんにちは");
  // As Chromium and Firefox report it, and as Safari does.
  for (const init of [{ isComposing: true }, { keyCode: 229 }]) {
    const enter = { selector: "#question", init: { key: "Enter", ...init } };
    assertEquals(await page.evaluate(pressKey, enter), true);
  }
  assertEquals([await page.locator(".turn").count(), upstream.calls.length], [0, 0]);
  await page.keyboard.press("Enter");
  await page.getByText("Hello.").first().waitFor();
  assertEquals(upstream.calls[0]!.body.messages, [{ role: "user", content: "こんにちは" }]);
});

for (const how of ["Stop", "Escape"]) {
  browserTest(`${how} stops the work upstream`, async (browser) => {
    await using upstream = startUpstream([{
      content: ["So ", "far"],
      gate: (frame) => frame === 2 ? new Promise(() => {}) : undefined,
    }]);
    await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML });
    const { page } = open;
    await page.getByLabel("Model").selectOption("plain");
    await ask(page, "Go on for ever");
    await page.locator(".answer").getByText("So").waitFor();
    assertEquals(upstream.open, 1);
    if (how === "Stop") await page.getByRole("button", { name: "Stop" }).click();
    else await page.keyboard.press("Escape");
    await upstream.calls[0]!.left;
    await page.getByText("Stopped.").first().waitFor();
    assertEquals(await page.locator(".answer").innerText(), "So");
    await page.locator("#question:focus").waitFor();
    assertEquals([upstream.open, open.foreignRequests, open.faults], [0, [], []]);
  });
}

browserTest(
  "comparing asks models and strategies at once, each with its figures",
  async (browser) => {
    const together = Promise.withResolvers<void>();
    await using upstream = startUpstream(({ index }) => {
      if (index === 1) together.resolve();
      return { before: together.promise, content: "The answer is 4.\n\nFINAL ANSWER: 4" };
    });
    await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML });
    const { page } = open;
    await page.getByRole("button", { name: "Compare" }).click();
    await page.getByLabel("Column 1", { exact: true }).selectOption("plain");
    await page.getByLabel("Column 2", { exact: true }).selectOption("strategy:vote");
    for (const column of [3, 4]) {
      await page.getByRole("button", { name: "Add a column" }).click();
      await page.getByLabel(`Column ${column}`, { exact: true }).selectOption("plain");
    }
    assertEquals(await page.getByRole("button", { name: "Add a column" }).count(), 0);
    await page.getByRole("button", { name: "Remove column 4" }).click();
    await ask(page, "What is 2 + 2?");
    await page.locator(".figures").nth(2).waitFor();
    const lanes = page.locator(".lane");
    assertEquals(await lanes.count(), 3);
    // The question and its buttons end where the answers end.
    const rightOf = (selector: string) =>
      page.locator(selector).last().evaluate((element) => element.getBoundingClientRect().right);
    const right = await rightOf(".lane");
    assertEquals([await rightOf(".question"), await rightOf(".turn-actions")], [right, right]);
    assertEquals(await page.locator(".who").allInnerTexts(), ["plain", "vote · o1", "plain"]);
    for (const text of await page.locator(".figures").allInnerTexts()) {
      assertMatch(text, /tokens.*\$0\.\d+.* s in total/s);
    }
    const vote = lanes.nth(1);
    assertMatch(await vote.locator(".tally").innerText(), /^(\d) of \1 agree on 4/);
    const votes = await vote.locator(".candidate").count();
    assert(votes >= 3, `${votes} candidates`);
    const label = await vote.locator("progress").getAttribute("aria-label");
    assertEquals(label, `${votes} of ${votes} for 4`);
    await vote.locator(".candidate summary").first().click();
    await vote.locator(".candidate .prose").first().getByText("The answer is 4.").waitFor();
    assertEquals([open.foreignRequests, open.faults], [[], []]);
  },
);

browserTest("pictures can be chosen, pasted or dropped", async (browser) => {
  await using upstream = startUpstream([{ content: "A dot." }]);
  await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML });
  const { page } = open;
  await page.getByLabel("Model").selectOption("plain");
  await page.locator("#files").setInputFiles([
    { name: "dot.png", mimeType: "image/png", buffer: Buffer.from(PNG) },
    { name: "note.txt", mimeType: "text/plain", buffer: Buffer.from(PNG) },
  ]);
  await page.getByText("note.txt is neither text nor a PNG, JPEG, WebP or GIF.").waitFor();
  await page.locator("#notice.problem").waitFor();
  for (const kind of ["paste", "drop"]) {
    await page.evaluate(addPicture, { kind, bytes: [...PNG] });
    await page.getByAltText(`${kind}.png`).waitFor();
    // A success is not shown as a problem.
    await page.locator("#notice:not(.problem)", { hasText: `${kind}.png attached.` }).waitFor();
  }
  await page.getByRole("button", { name: "Remove drop.png" }).click();
  await ask(page, "What is this?");
  await page.getByText("A dot.").first().waitFor();
  const url = `data:image/png;base64,${btoa(String.fromCharCode(...PNG))}`;
  assertEquals(upstream.calls[0]!.body.messages.at(-1).content, [
    { type: "text", text: "What is this?" },
    { type: "image_url", image_url: { url } },
    { type: "image_url", image_url: { url } },
  ]);
  assertEquals(await page.locator(".question img").count(), 2);
  assertEquals(await page.locator("#attachments li").count(), 0);
  assertEquals([open.foreignRequests, open.faults], [[], []]);
});

browserTest(
  "a conversation continues until a new chat; Shift+Enter adds a line",
  async (browser) => {
    await using upstream = startUpstream(({ index }) => ({ content: `answer ${index}` }));
    await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML });
    const { page } = open;
    await page.getByLabel("Model").selectOption("plain");
    await page.getByLabel("Effort").selectOption("high");
    await page.getByLabel("Your question").pressSequentially("one");
    await page.keyboard.press("Shift+Enter");
    await page.keyboard.type("two");
    await page.keyboard.press("Enter");
    await page.getByText("answer 0").first().waitFor();
    await page.locator("#send").waitFor();
    await ask(page, "three");
    await page.getByText("answer 1").first().waitFor();
    await page.locator("#send").waitFor();
    assertEquals(upstream.calls[0]!.body.messages, [{ role: "user", content: "one\ntwo" }]);
    assertEquals(upstream.calls[1]!.body.messages, [
      { role: "user", content: "one\ntwo" },
      { role: "assistant", content: "answer 0" },
      { role: "user", content: "three" },
    ]);
    await page.getByRole("button", { name: "New chat" }).click();
    assertEquals(await page.locator(".turn").count(), 0);
    await ask(page, "four");
    await page.getByText("answer 2").first().waitFor();
    assertEquals(upstream.calls[2]!.body.messages, [{ role: "user", content: "four" }]);
  },
);

browserTest(
  "errors show the server's message and are left out of the next question",
  async (browser) => {
    await using upstream = startUpstream([
      {
        status: 429,
        body: '{"error": {"message": "slow down"}}',
        headers: { "retry-after": "3600" },
      },
      { content: ["half"], finish: null, end: "cut" },
      { content: "fine" },
    ]);
    await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML });
    const { page } = open;
    await page.getByLabel("Model").selectOption("plain");
    await ask(page, "one");
    await page.locator(".notes [role=alert]").waitFor();
    assertMatch(await page.locator(".notes [role=alert]").innerText(), /^429 · .*rate limit/i);
    await ask(page, "two");
    await page.locator(".notes [role=alert]").nth(1).waitFor();
    assertMatch(await page.locator(".notes [role=alert]").nth(1).innerText(), /upstream/i);
    assertEquals(await page.locator(".answer").nth(1).innerText(), "half");
    await ask(page, "three");
    await page.getByText("fine").first().waitFor();
    assertEquals(
      upstream.calls.at(-1)!.body.messages.map(({ content }: { content: string }) => content),
      ["two", "half", "three"],
    );
    assertEquals([open.foreignRequests, open.faults], [[], []]);
  },
);

browserTest("the drawer shows the latest raw events", async (browser) => {
  const words = Array.from({ length: 3000 }, (_, i) => `w${i} `);
  await using upstream = startUpstream([{ content: words }]);
  await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML });
  const { page } = open;
  await page.getByLabel("Model").selectOption("plain");
  await page.getByRole("button", { name: "Events" }).click();
  await ask(page, "Say much");
  await page.getByText(/ s in total$/).waitFor();
  await page.locator("#raw", { hasText: '"o1":{"type":"usage"' }).waitFor();
  assertMatch(await page.locator("#raw-count").innerText(), /^the last \d+ of \d{4} events$/);
  const raw = await page.locator("#raw").innerText();
  assert(raw.split("\n").length <= 800);
  assertEquals(raw.includes(TOKEN), false);
});

browserTest("the request can be shown as code with the keyboard only", async (browser) => {
  await using upstream = startUpstream([{ content: "fine" }]);
  await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML });
  const { page } = open;
  await page.getByLabel("Model").selectOption("plain");
  await ask(page, "It's me");
  await page.getByRole("button", { name: "Code", exact: true }).press("Enter");
  const text = page.locator("#code-text");
  assertStringIncludes(await text.innerText(), "It'\\''s me");
  await page.getByRole("tab", { name: "curl" }).focus();
  for (const word of ['"openai"', "from openai import OpenAI", "createOpenAICompatible"]) {
    await page.keyboard.press("ArrowRight");
    assertStringIncludes(await text.innerText(), word);
    assertEquals((await text.innerText()).includes(TOKEN), false);
  }
  await page.keyboard.press("Escape");
  assertEquals(await page.getByRole("dialog").count(), 0);
});
