import { assertEquals, assertStringIncludes } from "@std/assert";
import { TOKEN } from "../support/app.ts";
import { startUpstream } from "../support/upstream.ts";
import { ask, browserTest, openPage } from "./browser/browser.ts";

const YAML = `
upstreams: { scripted: { base_url: UPSTREAM } }
server: { max_samples: 6 }
models:
  steps: { strategy: steps, upstream: scripted, model: m, options: { min_steps: 2 }, tools: [code, fetch] }
  vote: { strategy: vote, upstream: scripted, model: m }
tools: { fetch: {} }
`;

/** What a request of the page sends as `reasoning`. */
interface Sent {
  strategy?: string;
  [option: string]: unknown;
}

browserTest("the settings offer what the server lists for a strategy", async (browser) => {
  await using upstream = startUpstream(() => ({ content: "The answer is 4.\n\nFINAL ANSWER: 4" }));
  await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML });
  const { page } = open;
  const sent: Sent[] = [];
  page.on("request", (request) => {
    if (request.method() !== "POST") return;
    const { events: _, calls: _calls, ...reasoning } = JSON.parse(request.postData()!).reasoning;
    sent.push(reasoning);
  });
  const askAndWait = async () => {
    const turns = await page.locator(".turn-actions").count();
    await ask(page, "What is 2 + 2?");
    await page.locator(".turn-actions").nth(turns).waitFor();
  };
  await page.getByRole("button", { name: "Settings" }).click();
  const panel = page.getByRole("complementary", { name: "Settings" });
  assertEquals(await panel.getByLabel("min_steps").getAttribute("placeholder"), "default: 2");
  assertEquals(await panel.getByRole("checkbox").count(), 2);
  await panel.getByLabel("fetch").uncheck();
  await panel.getByLabel("re2").selectOption("on");

  await page.getByLabel("Model").selectOption("vote");
  assertEquals(await panel.getByLabel("min_steps").count(), 0);
  assertEquals(await panel.getByRole("checkbox").count(), 0);
  const samples = panel.getByLabel("max_samples");
  assertEquals(await samples.getAttribute("max"), "6");
  await samples.fill("2");
  await panel.getByLabel("finalize").selectOption("synthesize");
  await askAndWait();
  assertEquals(sent, [{ max_samples: 2, finalize: "synthesize" }]);

  // Each column sends the options of its own strategy, and what was entered before is kept.
  await page.getByRole("button", { name: "Compare" }).click();
  await page.getByLabel("Column 2", { exact: true }).selectOption("steps");
  assertEquals(await panel.getByRole("group").count(), 4);
  await askAndWait();
  assertEquals(sent.slice(1), [
    { max_samples: 2, finalize: "synthesize" },
    { re2: true, tools: ["code"] },
  ]);
  assertEquals([open.foreignRequests, open.faults], [[], []]);
});

browserTest("a value that the server rejects is explained at its field", async (browser) => {
  await using upstream = startUpstream(() => ({ content: "fine" }));
  await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML });
  const { page } = open;
  const panel = page.getByRole("complementary", { name: "Settings" });
  await page.getByLabel("Model").selectOption("vote");
  await page.getByRole("button", { name: "Settings" }).click();
  const cases = [
    ["max_samples", "7", "expected at most 6"],
    ["max_samples", "1.5", "expected a whole number"],
    ["Temperature", "9", "expected at most 2"],
  ] as const;
  for (const [label, value, message] of cases) {
    const field = panel.getByLabel(label, { exact: true });
    await field.fill(value);
    // The panel opens again where the fault is.
    await panel.getByRole("button", { name: "Close" }).click();
    await ask(page, "What is 2 + 2?");
    await panel.getByRole("alert").waitFor();
    assertStringIncludes(await panel.getByRole("alert").innerText(), message);
    const description = await field.getAttribute("aria-describedby");
    assertStringIncludes(description!, await panel.getByRole("alert").getAttribute("id") ?? "none");
    assertEquals(await field.getAttribute("aria-invalid"), "true");
    await field.fill("");
    assertEquals(await panel.getByRole("alert").count(), 0);
    assertEquals(await field.getAttribute("aria-invalid"), null);
  }
  assertEquals(upstream.calls.length, 0);
  assertEquals((await page.locator("body").innerText()).includes(TOKEN), false);
  assertEquals(open.faults, []);
});
