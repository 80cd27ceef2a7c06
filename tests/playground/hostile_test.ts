import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { pieces, startUpstream, step } from "../support/upstream.ts";
import { ask, browserTest, openPage } from "./browser/browser.ts";

const YAML = `
upstreams: { scripted: { base_url: UPSTREAM } }
models:
  plain: { strategy: direct, upstream: scripted, model: m }
  o1: { strategy: steps, upstream: scripted, model: m, options: { min_steps: 1 } }
`;

/** Texts that would change the page if any of them ran. */
const ATTACKS = [
  "<script>document.title = 'owned'</script>",
  "<img src=x onerror=\"document.title = 'owned'\">",
  "<img src='http://evil.example/a.png'>",
  "<svg onload=\"document.title = 'owned'\"><circle r=1 /></svg>",
  "<math><mtext></table><mglyph><style><img src=x onerror=document.title='owned'></style>",
  "<iframe srcdoc='<script>parent.document.title=1</script>'></iframe>",
  "<a href='javascript:document.title=1'>html link</a>",
  "<p style='position:fixed;inset:0;background:url(http://evil.example/b.png)'>over</p>",
  "<form action='http://evil.example'><button>send</button></form>",
  "<base href='http://evil.example/'>",
  "<meta http-equiv='refresh' content='0;url=http://evil.example'>",
  "<details ontoggle=\"document.title='owned'\" open><summary>x</summary></details>",
  "[js](javascript:document.title='owned')",
  "[js2](JaVaScRiPt&colon;alert(1))",
  "[data](data:text/html,<script>alert(1)</script>)",
  "[file](file:///etc/passwd) [relative](/v1/models) [vb](vbscript:x)",
  "![picture](http://evil.example/c.png)",
  "![data](data:image/svg+xml,<svg onload=alert(1)>)",
  '[title](https://example.com "\\" onmouseover=document.title=1 x=\\"")',
  "<https://example.org/auto> and <javascript:alert(1)>",
  "`<b>code</b>`",
  '```"><script>document.title=1</script>\n<script>document.title="owned"</script>\n```',
  "| a | <script>1</script> |\n| - | - |\n| <img src=x onerror=1> | b |",
  "$\\href{javascript:alert(1)}{x}$ and $\\includegraphics{http://evil.example/d.png}$",
  "$\\htmlStyle{background: red}{x}$ $\\def\\a{\\a\\a}\\a$ $\\frac{1$ $$\\begin{matrix} 1 $$",
  "$\\rule{1e9em}{1e9em}$ $\\color{red; background: url(http://evil.example/e.png)}{x}$",
];

browserTest(
  "a model's text stays text, in the answer, the thinking and its titles",
  async (browser) => {
    const text = ATTACKS.join("\n\n");
    await using upstream = startUpstream(({ index }) =>
      index === 0
        ? { content: pieces(step(`${ATTACKS[0]} ${ATTACKS[1]}`, text, "final_answer"), 40) }
        : { content: pieces(text, 7) }
    );
    await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML });
    const { page } = open;
    await page.getByLabel("Model").selectOption("o1");
    await ask(page, "<script>document.title = 'owned'</script>");
    await page.getByText(/ s in total$/).waitFor();
    await page.locator(".step summary").first().click();
    for (const place of [".answer", ".step .prose"]) {
      const shown = page.locator(place).first();
      assertEquals(
        await shown.locator(
          "script, img, svg, iframe, form, input, base, meta, style, details, [style], button:not(.code-head > button)",
        )
          .count(),
        0,
        place,
      );
      const names = await shown.locator("*").evaluateAll((all) =>
        all.flatMap((element) => element.getAttributeNames())
      );
      assertEquals(names.filter((name) => /^(on|style|src|data-|formaction)/.test(name)), []);
      const links = await shown.locator("a").evaluateAll((all) =>
        all.map((a) => ["href", "rel", "target"].map((name) => a.getAttribute(name)))
      );
      for (const [href, rel, target] of links) {
        assert(/^(https?|mailto):/.test(href!), href!);
        assertEquals([rel, target], ["noopener noreferrer", "_blank"]);
      }
      const hrefs = links.map(([href]) => href);
      for (const href of ["evil.example/c.png", "example.com", "example.org/auto"]) {
        assert(hrefs.some((shownHref) => shownHref!.endsWith(href)), href);
      }
      const words = await shown.innerText();
      for (const attack of [ATTACKS[0]!, ATTACKS[3]!, ATTACKS[7]!]) {
        assertStringIncludes(words.replace(/[‘’]/g, "'"), attack);
      }
      assertStringIncludes(words, "\\frac{1");
    }
    assertStringIncludes(await page.locator(".step .name").first().innerText(), ATTACKS[0]!);
    assertEquals(await page.title(), "o1-api playground");
    assertEquals([open.foreignRequests, open.faults], [[], []]);
  },
);

/** Texts that take exponential time in a careless parser. */
const HUGE: Record<string, string> = {
  "a line of 300 kB": "x".repeat(300_000),
  "10 kB of lists in lists": "- ".repeat(5_000),
  "lists indented ever deeper": Array.from({ length: 140 }, (_, i) => `${"  ".repeat(i)}- a`).join(
    "\n",
  ),
  "10 kB of quotations": ">".repeat(10_000),
  "emphasis without end": "*a **b ".repeat(3_000),
  "brackets without end": "[".repeat(10_000) + "](".repeat(2_000),
  "dollars without end": "$a ".repeat(5_000) + "\\(".repeat(5_000),
  "ticks without end": Array.from({ length: 200 }, (_, i) => "`".repeat(i)).join(" "),
  "a table of many columns": `|${"a|".repeat(2_000)}\n|${"-|".repeat(2_000)}\n|${
    "b|".repeat(2_000)
  }`,
  "an open fence": "```\n" + "line\n".repeat(20_000),
  "200 kB of paragraphs": "Some **words** and `code`.\n\n".repeat(7_000),
};

browserTest("huge and malformed texts don't block the page", async (browser) => {
  let text = "";
  await using upstream = startUpstream(() => ({ content: pieces(text, 997) }));
  await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML });
  const { page } = open;
  page.setDefaultTimeout(90_000);
  for (const [name, huge] of Object.entries(HUGE)) {
    text = huge;
    await page.getByRole("button", { name: "New chat" }).click();
    await ask(page, name);
    await page.locator(".figures").waitFor();
    const shown = await page.locator(".answer").evaluate((element) => element.textContent!.length);
    assert(shown > 0, name);
    // Times out if the page is busy.
    await page.getByLabel("Your question").fill("still there");
    const width = await page.locator("#log").evaluate((log) => log.scrollWidth - log.clientWidth);
    assertEquals(width, 0, `${name} is wider than the page`);
  }
  assertEquals([open.foreignRequests, open.faults], [[], []]);
});
