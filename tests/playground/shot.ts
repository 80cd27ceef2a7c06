import axe from "axe-core";
import { ask, openPage, startBrowser } from "./browser.ts";
import { audit } from "./in_page.js";
const browser = await startBrowser();
const which = Deno.args[0] ?? "settings";
const YAML = `
upstreams: { demo: { base_url: "demo:", price: { input: 0.15, output: 0.6 } } }
tools: { fetch: { } }
models:
  o1: { strategy: steps, upstream: demo, model: demo, tools: [code, fetch], options: { min_steps: 2 } }
  votes: { strategy: vote, upstream: demo, model: demo }
  demo: { strategy: direct, upstream: demo, model: demo }
`;
try {
  for (
    const [name, context] of Object.entries({
      desktop: { viewport: { width: 1180, height: 830 } },
      dark: { viewport: { width: 1180, height: 830 }, colorScheme: "dark" as const },
      phone: { viewport: { width: 390, height: 844 } },
      zh: { viewport: { width: 390, height: 844 }, locale: "zh-CN" },
      zhdesk: {
        viewport: { width: 1180, height: 830 },
        locale: "zh-CN",
        colorScheme: "dark" as const,
      },
    })
  ) {
    await using open = await openPage(browser, {
      upstream: "demo:",
      yaml: YAML,
      context,
      script: axe.source,
      enter: false,
    });
    const { page } = open;
    await page.locator("#key").fill("test-token-4711");
    await page.keyboard.press("Enter");
    await page.locator("#question").waitFor();
    const mod = await import(`/tmp/wt-ops/shots/${which}.ts`);
    await mod.default(page, ask, async (label: string) => {
      await page.screenshot({ path: `/tmp/wt-ops/${which}-${name}-${label}.png` });
      const { violations } = await page.evaluate(audit);
      console.log(name, label, JSON.stringify(violations), open.faults, open.foreignRequests);
    }, name);
  }
} finally {
  await browser.close();
}
