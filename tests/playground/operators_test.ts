import { assert, assertEquals } from "@std/assert";
import axe from "axe-core";
import { createMemoryStore } from "../../lib/store/memory/store.ts";
import { sha256 } from "../support/sha256.ts";
import { startUpstream } from "../support/upstream.ts";
import { waitForLongDay } from "../support/wait.ts";
import { ask, browserTest, openPage } from "./browser/browser.ts";
import { audit } from "./browser/in_page.js";

const ALICE = "key-alice-4711";

const YAML = `
upstreams:
  main:
    base_url: UPSTREAM
    price: { input: 1000, output: 2000 }
    retry: { max_attempts: 1 }
models:
  plain: { strategy: direct, upstream: main, model: m }
  other: { strategy: direct, upstream: main, model: m }
keys:
  - { name: alice, sha256: ${await sha256(ALICE)}, daily_usd: 5 }
`;

browserTest("an operator sees usage by key and model, and upstream health", async (browser) => {
  await using upstream = startUpstream(({ index }) =>
    index === 3 ? { status: 500, body: '{"error":{"message":"<b>broken</b>"}}' } : { content: "Hi" }
  );
  await using open = await openPage(browser, {
    upstream: upstream.url,
    yaml: YAML,
    script: axe.source,
  });
  const { page } = open;
  await waitForLongDay();
  for (const [turns, model] of ["plain", "plain", "other", "other"].entries()) {
    await page.getByLabel("Model").selectOption(model);
    await ask(page, "Well?");
    await page.locator(".turn-actions").nth(turns).waitFor();
  }
  await page.getByRole("button", { name: "Usage" }).click();
  const dialog = page.getByRole("dialog", { name: "Usage" });
  const usage = dialog.getByRole("table", { name: "Usage" });
  const models = usage.locator("tbody td:nth-child(2)");
  await usage.waitFor();
  assertEquals((await models.allInnerTexts()).toSorted(), ["other", "plain"]);
  const requests = usage.getByRole("button", { name: "Requests" });
  await requests.click();
  assertEquals(
    await usage.getByRole("columnheader", { name: "Requests" }).getAttribute("aria-sort"),
    "descending",
  );
  await usage.getByRole("button", { name: "Model" }).click();
  assertEquals(await models.allInnerTexts(), ["other", "plain"]);
  await usage.getByRole("button", { name: "Model" }).click();
  assertEquals(await models.allInnerTexts(), ["plain", "other"]);
  const plain = await usage.locator("tbody tr").first().locator("td").allInnerTexts();
  assertEquals(plain, ["default", "plain", "2", "20", "0", "10", "$0.04"]);

  const upstreams = dialog.getByRole("table", { name: "Upstreams in the last 15 minutes" });
  const cells = await upstreams.locator("tbody td").allInnerTexts();
  assertEquals(cells.slice(0, 6), ["main", "in use", "0", "4", "1", "0"]);
  const errors = await dialog.getByRole("table", { name: "Latest errors" }).locator("tbody td")
    .allInnerTexts();
  assertEquals([errors.length, ...errors.slice(1, 5)], [6, "main", "m", "upstream_error", "500"]);
  await dialog.getByRole("table", { name: "Budgets" }).getByText("alice").waitFor();

  const [file] = await Promise.all([
    page.waitForEvent("download"),
    dialog.getByRole("button", { name: "Save as CSV" }).click(),
  ]);
  const lines = (await Deno.readTextFile(await file.path())).trim().split("\r\n");
  assertEquals(lines[0], "day,key,model,requests,input_tokens,cached_tokens,output_tokens,cost");
  assertEquals(lines.slice(1).map((line) => line.replace(/^[\d-]+,/, "")).toSorted(), [
    "default,other,2,10,0,5,0.02",
    "default,plain,2,20,0,10,0.04",
  ]);

  await dialog.getByLabel("Group by").selectOption("key");
  assertEquals(await usage.locator("tbody tr").count(), 1);
  const results = await page.evaluate(audit);
  assertEquals(results.violations, []);
  // On a phone, each label stays on the line of its field.
  await page.setViewportSize({ width: 390, height: 844 });
  for (const name of ["From", "To", "Group by"]) {
    const label = (await dialog.locator("label", { hasText: name }).boundingBox())!;
    const field = (await dialog.getByLabel(name, { exact: true }).boundingBox())!;
    assert(label.y >= field.y && label.y < field.y + field.height, name);
  }
  await dialog.getByLabel("From").fill("2020-01-01");
  await dialog.getByText("the period must have 1 to 366 days").waitFor();
  await dialog.getByLabel("To").fill("2020-01-31");
  await dialog.getByText("No usage in this period.").waitFor();
  assert(await dialog.getByRole("button", { name: "Save as CSV" }).isDisabled());
  await page.keyboard.press("Escape");
  assertEquals(await page.getByRole("dialog").count(), 0);
  assertEquals([open.foreignRequests, open.faults], [[], []]);
});

browserTest(
  "a key sees only its own usage, and the code is loaded when it is needed",
  async (browser) => {
    await using upstream = startUpstream(() => ({ content: "Hi" }));
    await using open = await openPage(browser, {
      upstream: upstream.url,
      yaml: YAML,
      enter: false,
    });
    const { page } = open;
    await page.getByLabel("API key").fill(ALICE);
    await page.keyboard.press("Enter");
    await page.getByLabel("Model").selectOption("plain");
    await ask(page, "Well?");
    await page.locator(".turn-actions").waitFor();
    const scripts: string[] = [];
    page.on("request", (request) => {
      if (request.resourceType() === "script") scripts.push(request.url());
    });
    await page.getByRole("button", { name: "Usage" }).click();
    const dialog = page.getByRole("dialog", { name: "Usage" });
    await dialog.getByRole("table", { name: "Usage" }).waitFor();
    assert(scripts.length > 0);
    assertEquals(
      await dialog.getByRole("table").locator("caption").allInnerTexts(),
      ["Usage", "Budgets"],
    );
    assertEquals(await dialog.getByRole("alert").count(), 0);
    assertEquals(open.faults, []);
  },
);

browserTest("names that look like formulas are text in the CSV", async (browser) => {
  const store = createMemoryStore({ now: Date.now });
  await waitForLongDay();
  const day = new Date().toISOString().slice(0, 10);
  const used = { requests: 1, input_tokens: 1, cached_tokens: 0, output_tokens: 1 };
  await store.write([{
    key: { collection: "usage", id: `${day} @evil` },
    value: JSON.stringify({ '=1+1,"x"': used }),
    ttlMs: 86_400_000,
    ifVersion: null,
  }]);
  await using open = await openPage(browser, {
    upstream: "demo:",
    yaml: 'upstreams: { demo: { base_url: "demo:" } }',
    store,
  });
  const { page } = open;
  await page.getByRole("button", { name: "Usage" }).click();
  const dialog = page.getByRole("dialog", { name: "Usage" });
  await dialog.getByText("@evil").waitFor();
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    dialog.getByRole("button", { name: "Save as CSV" }).click(),
  ]);
  const text = await Deno.readTextFile(await file.path());
  assertEquals(text.split("\r\n")[1], `${day},'@evil,"'=1+1,""x""",1,1,0,1,`);
});
