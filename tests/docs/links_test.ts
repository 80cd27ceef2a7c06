import { assert, assertEquals } from "@std/assert";
import { configJsonSchema } from "../../scripts/docs.ts";
import { headingsOf, linksOf, type Page, proseOf, readPages, ROOT } from "./markdown.ts";

const PAGES = await readPages();
const pageAt = (path: string) => PAGES.find((page) => page.path === path);

/** Returns what is wrong with a link, or undefined for a valid one. */
async function faultOf(page: Page, link: string): Promise<string | undefined> {
  // Other sites are not contacted.
  if (/^https?:\/\//.test(link)) return URL.canParse(link) ? undefined : "is not a URL";
  const [path, anchor] = link.split("#");
  const target = path === "" ? new URL(page.path, ROOT) : new URL(path!, new URL(page.path, ROOT));
  try {
    await Deno.stat(target);
  } catch {
    return "points to a missing file";
  }
  if (anchor === undefined) return undefined;
  const other = pageAt(target.pathname.slice(ROOT.pathname.length));
  const anchors = other === undefined ? [] : headingsOf(other).map((heading) => heading.anchor);
  return anchors.includes(decodeURIComponent(anchor)) ? undefined : "points to a missing heading";
}

for (const page of PAGES) {
  Deno.test(`every link in ${page.path} is valid`, async () => {
    for (const link of linksOf(page)) {
      assertEquals(await faultOf(page, link), undefined, link);
    }
  });

  Deno.test(`every file that ${page.path} mentions exists`, async () => {
    const named = proseOf(page).matchAll(
      /`((?:lib|tests|docs|deploy|scripts|\.github)\/[^`\s]+)`/g,
    );
    for (const [, path] of named) {
      if (/NAME|\*/.test(path!)) continue;
      await Deno.stat(new URL(path!, ROOT)).catch(() => assert(false, `no ${path}`));
    }
  });

  Deno.test(`every link reference in ${page.path} is defined, and every definition used`, () => {
    const prose = proseOf(page);
    const used = new Set([...prose.matchAll(/\]\[([\w-]+)\]/g)].map(([, name]) => name));
    const defined = new Set([...prose.matchAll(/^\[([\w-]+)\]: /gm)].map(([, name]) => name));
    assertEquals([...used].sort(), [...defined].sort());
  });
}

Deno.test("every setting that the pages mention exists", () => {
  const { properties = {} } = configJsonSchema();
  for (const page of PAGES) {
    const names = proseOf(page).matchAll(
      /`(server|routing|metrics|traces|log|limits)\.(\w+)(?:: [^`]+)?`/g,
    );
    for (const [, section, name] of names) {
      assert(name! in properties[section!]!.properties!, `${section}.${name} in ${page.path}`);
    }
  }
});

Deno.test("the README and llms.txt list every page of docs/", async () => {
  const llms = {
    path: "docs/llms.txt",
    text: await Deno.readTextFile(new URL("docs/llms.txt", ROOT)),
  };
  const pages = PAGES.map(({ path }) => path).filter((path) => path.startsWith("docs/"));
  assertEquals(linksOf(llms).map((link) => `docs/${link}`).sort(), pages.sort());
  const linked = linksOf(pageAt("README.md")!).map((link) => link.split("#")[0]);
  assertEquals(pages.filter((path) => !linked.includes(path)), []);
});

Deno.test("the README has at most 1,300 words", () => {
  assert(pageAt("README.md")!.text.trim().split(/\s+/).length <= 1_300);
});
