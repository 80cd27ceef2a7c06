/**
 * Open WebUI in Chromium. It is large, so only `tests/clients/agents.sh` runs this test.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Page } from "playwright-core";
import { startBrowser } from "../../playground/browser/browser.ts";
import { createTestApp, TOKEN } from "../../support/app.ts";
import { reasonWithout, skippedFor } from "../../support/skip.ts";
import {
  type Call,
  isThinking,
  type Reply,
  startUpstream,
  step,
  type Upstream,
} from "../../support/upstream.ts";
import { waitFor } from "../../support/wait.ts";
import { startOpenWebUi } from "./server.ts";

const ANSWER = "The answer is 4.";

/** Longer than any answer takes to appear on a busy machine. */
const SHOWN_MS = 90_000;

/** A tool of Open WebUI's own kind. */
const ADDER = `class Tools:
    def add(self, a: int, b: int) -> str:
        """
        Adds two numbers.
        :param a: The first number.
        :param b: The second number.
        """
        return f"The sum is {a + b}."
`;

const PICKED = JSON.stringify({ tool_calls: [{ name: "add", parameters: { a: 2, b: 2 } }] });

function reply(call: Call): Reply {
  if (isThinking(call)) return { content: step("Add", "Two and two.", "final_answer") };
  const { messages, tools } = call.body;
  const [first] = messages;
  const text = JSON.stringify(messages);
  if (first.content.startsWith("Available Tools: ")) return { content: PICKED };
  if (isUtility(call)) return { content: "{}" };
  if (text.includes("STALL")) return { content: ["The "], end: "stall" };
  const result = messages.some(({ role }: { role: string }) => role === "tool");
  if (text.includes("TIME") && tools !== undefined && !result) {
    return { toolCalls: [{ id: "call_1", name: "get_current_timestamp", arguments: "{}" }] };
  }
  return { content: ANSWER };
}

/** Whether a call is about a title or tags. Questions about files are tasks as well. */
function isUtility({ body }: Call): boolean {
  return /### Task:(?!\\nRespond to the user query)/.test(JSON.stringify(body.messages));
}

/** Calls about the user's question. */
const ofQuestion = ({ calls }: Upstream): Call[] => calls.filter((call) => !isUtility(call));

async function ask(page: Page, url: string, model: string, question: string, file?: string) {
  await page.goto(`${url}/?models=${model}`);
  const input = page.locator("#chat-input");
  await input.waitFor({ timeout: SHOWN_MS });
  await page.getByRole("button", { name: `Selected model: ${model}`, exact: true })
    .waitFor({ timeout: SHOWN_MS });
  if (file !== undefined) {
    const uploaded = page.waitForResponse(/\/api\/v1\/files\//, { timeout: SHOWN_MS });
    await page.locator("input[type=file]").first().setInputFiles(file);
    await uploaded;
  }
  await input.click();
  await page.keyboard.type(question);
  await page.keyboard.press("Enter");
}

const answered = (page: Page) =>
  page.locator("#continue-response-button").waitFor({ timeout: SHOWN_MS });

Deno.test({
  ...skippedFor(reasonWithout("open-webui") ?? reasonWithout("chromium"), "Open WebUI"),
  // Playwright keeps pipes and timers open until the process ends.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    await using upstream = startUpstream(reply);
    const app = await createTestApp({ upstream: upstream.url });
    await using server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      (request) => app.handle(request),
    );
    await using webUi = await startOpenWebUi(`http://127.0.0.1:${server.addr.port}/v1`, TOKEN);
    await webUi.post("/api/v1/tools/create", {
      id: "adder",
      name: "Adder",
      content: ADDER,
      meta: { description: "Adds." },
    });
    await webUi.post("/api/v1/models/create", {
      id: "legacy",
      base_model_id: "o1",
      name: "legacy",
      meta: { toolIds: ["adder"] },
      params: { function_calling: "legacy" },
    });
    const browser = await startBrowser();
    await using _closing = { [Symbol.asyncDispose]: () => browser.close() };
    const page = await (await browser.newContext({ viewport: { width: 1200, height: 900 } }))
      .newPage();
    // What is new in this version.
    const letsGo = page.getByRole("button", { name: "Okay, Let's Go!" });
    await page.addLocatorHandler(letsGo, () => letsGo.click());
    const shown = () => page.locator("#messages-container").innerText();

    await t.step("folds the thinking above the answer", async () => {
      await ask(page, webUi.url, "o1", "What is 2 + 2?");
      await answered(page);
      assertMatch(await shown(), /Thought for [^]*The answer is 4\./);
      assert(!(await shown()).includes("Two and two."));
      await page.getByText(/^Thought for/).click();
      await page.getByText("Two and two.").first().waitFor();
    });

    await t.step("continues an answer in one call", async () => {
      upstream.calls.length = 0;
      await page.locator("#continue-response-button").click();
      await page.getByText(/(The answer is 4\.\s*){2}/).waitFor({ timeout: SHOWN_MS });
      const [continued, ...others] = ofQuestion(upstream);
      assertEquals(others, []);
      const { role, content } = continued!.body.messages.at(-1);
      assertEquals(role, "assistant");
      assertStringIncludes(content, ANSWER);
    });

    await t.step("sends the text of a file, which is reasoned about", async () => {
      const file = await Deno.makeTempFile({ suffix: ".txt" });
      await Deno.writeTextFile(file, "The secret number is 4711.");
      upstream.calls.length = 0;
      await ask(page, webUi.url, "o1", "What is in the file?", file);
      await answered(page);
      await Deno.remove(file);
      const [thinking] = ofQuestion(upstream);
      assert(isThinking(thinking!));
      assertStringIncludes(JSON.stringify(thinking!.body.messages), "The secret number is 4711.");
      assertStringIncludes(await shown(), ANSWER);
    });

    await t.step("stops the upstream", async () => {
      upstream.calls.length = 0;
      await ask(page, webUi.url, "o1", "STALL What is 2 + 2?");
      await page.getByText("The", { exact: true }).waitFor({ timeout: SHOWN_MS });
      const stalled = ofQuestion(upstream).at(-1)!;
      // A click would wait until the button no longer moves.
      await page.getByRole("button", { name: "Stop", exact: true }).dispatchEvent("click");
      await waitFor("the upstream to be left", stalled.left);
    });

    await t.step("runs a native tool", async () => {
      upstream.calls.length = 0;
      await ask(page, webUi.url, "o1", "TIME What is 2 + 2?");
      await answered(page);
      assertMatch(await shown(), /get_current_timestamp[^]*The answer is 4\./);
      const { messages } = ofQuestion(upstream).at(-1)!.body;
      const result = messages.find(({ role }: { role: string }) => role === "tool");
      assertMatch(JSON.stringify(result), /timestamp/);
    });

    await t.step("lets the model choose a legacy tool without reasoning", async () => {
      upstream.calls.length = 0;
      await ask(page, webUi.url, "legacy", "What is 2 + 2?");
      await answered(page);
      const [picker, ...others] = ofQuestion(upstream);
      assert(!isThinking(picker!));
      assertEquals(picker!.body.messages.at(-1).content, "Query: What is 2 + 2?");
      assert(isThinking(others[0]!));
      assertStringIncludes(JSON.stringify(others[0]!.body.messages), "The sum is 4.");
    });
  },
});
