#!/usr/bin/env -S deno run --frozen --no-prompt --unstable-no-legacy-abort --config tests/deno.json --allow-net=127.0.0.1 --allow-read --allow-write --allow-env --allow-run --allow-sys
/**
 * Takes the README's pictures, light and dark: the demo model with and without thinking.
 *
 * It needs Debian's Chromium.
 *
 * @module
 */
import { ask, openPage, startBrowser } from "./browser/browser.ts";

const FILES = {
  light: new URL("../../.github/playground.png", import.meta.url),
  dark: new URL("../../.github/playground-dark.png", import.meta.url),
};

const browser = await startBrowser();
try {
  for (const colorScheme of ["light", "dark"] as const) {
    await using open = await openPage(browser, {
      upstream: "demo:",
      yaml: `
upstreams: { demo: { base_url: "demo:", price: { input: 0.15, output: 0.6 } } }
`,
      context: { viewport: { width: 1180, height: 830 }, deviceScaleFactor: 1.5, colorScheme },
    });
    const { page } = open;
    await page.getByRole("button", { name: "Compare" }).click();
    await page.getByLabel("Column 1", { exact: true }).selectOption("demo");
    await page.getByLabel("Column 2", { exact: true }).selectOption("o1");
    await ask(page, 'How many r are in "strawberry"?');
    await page.locator(".figures").nth(1).waitFor();
    for (const number of [1, 2]) await page.locator(".step summary").nth(number).click();
    await page.locator("#log").press("Home");
    await page.getByLabel("Your question").focus();
    await page.screenshot({ path: FILES[colorScheme].pathname, animations: "disabled" });
  }
} finally {
  await browser.close();
}
