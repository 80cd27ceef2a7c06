import { assert, assertEquals } from "@std/assert";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { pieces, startUpstream, step } from "../support/upstream.ts";
import { ask, browserTest, openPage } from "./browser/browser.ts";
import { audit } from "./browser/in_page.js";

const YAML = `
upstreams: { scripted: { base_url: UPSTREAM, price: { input: 1, output: 2 } } }
models:
  o1: { strategy: steps, upstream: scripted, model: m, options: { min_steps: 1 } }
  votes: { strategy: vote, upstream: scripted, model: m }
`;

const ANSWER = `# Heading

It is **4**, see [a page](https://example.com) and \`code\`.

\`\`\`js
${"let four = 2 + 2; ".repeat(20)}
\`\`\`

| a | b |
| - | - |
| 1 | 2 |

- [x] done
- [ ] to do

> A quotation.

$$x = \\frac{-b \\pm \\sqrt{b^2 - 4ac}}{2a}$$

FINAL ANSWER: 4`;

interface Finding {
  id: string;
  nodes: string[];
}

/** Runs axe-core and returns its findings. */
async function findings(page: Page): Promise<string[]> {
  const { violations, passes } = await page.evaluate(audit);
  assert(passes > 15, "axe-core has checked the page");
  return violations.map(({ id, nodes }: Finding) => `${id}: ${nodes.join(" ")}`);
}

for (const colorScheme of ["light", "dark"] as const) {
  for (
    const [size, viewport] of [["desktop", { width: 1280, height: 860 }], ["phone", {
      width: 390,
      height: 844,
    }]] as const
  ) {
    browserTest(
      `the page is accessible and fits the window: ${colorScheme}, ${size}`,
      async (browser) => {
        await using upstream = startUpstream(({ body }) => ({
          content: body.messages[0].content.includes('"next_action"') &&
              !String(body.messages.at(-1).content).includes("final answer")
            ? pieces(step("Think **hard**", "It is $2 + 2$.", "final_answer"))
            : ANSWER,
        }));
        await using open = await openPage(browser, {
          upstream: upstream.url,
          yaml: YAML,
          enter: false,
          script: axe.source,
          context: { viewport, colorScheme },
        });
        const { page } = open;
        await page.getByLabel("API key").waitFor();
        assertEquals(await findings(page), [], "the key form");
        await page.getByLabel("API key").fill("wrong");
        await page.keyboard.press("Enter");
        await page.getByText("Incorrect API key").waitFor();
        assertEquals(await findings(page), [], "the key form with an error");
        await page.getByLabel("API key").fill("test-token-4711");
        await page.keyboard.press("Enter");
        await page.getByLabel("Your question").waitFor();
        assertEquals(await findings(page), [], "the empty page");
        await page.getByRole("button", { name: "Compare" }).click();
        await page.getByLabel("Column 2", { exact: true }).selectOption("votes");
        await ask(page, "What is 2 + 2?");
        await page.locator(".figures").nth(1).waitFor();
        for (const summary of await page.locator(".step summary, .candidate summary").all()) {
          await summary.click();
        }
        await page.getByRole("button", { name: "Events" }).click();
        assertEquals(await findings(page), [], "answers side by side");
        const over = await page.locator("body").evaluate((body) =>
          body.scrollWidth - body.clientWidth
        );
        assertEquals(over, 0, "nothing is wider than the window");
        await page.getByRole("button", { name: "Code", exact: true }).first().click();
        assertEquals(await findings(page), [], "the code");
        await page.keyboard.press("Escape");
        const dir = await Deno.makeTempDir({ prefix: "o1-api-playground-" });
        await page.screenshot({ path: `${dir}/${colorScheme}-${size}.png` });
        console.log(`a picture is in ${dir}`);
        assertEquals([open.foreignRequests, open.faults], [[], []]);
      },
    );
  }
}
