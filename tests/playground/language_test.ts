import { assert, assertEquals } from "@std/assert";
import { CHINESE } from "../../lib/playground/page/language/chinese.ts";
import { startUpstream } from "../support/upstream.ts";
import { ask, browserTest, openPage } from "./browser/browser.ts";
import { loadedFiles } from "./browser/in_page.js";

const PAGE = new URL("../../lib/playground/page/", import.meta.url);

const YAML = `
upstreams: { scripted: { base_url: UPSTREAM } }
models:
  plain: { strategy: direct, upstream: scripted, model: m }
`;

async function* sourcesIn(folder: URL): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* sourcesIn(new URL(`${name}/`, folder));
    else if (name.endsWith(".ts")) yield await Deno.readTextFile(new URL(name, folder));
  }
}

/** The texts that the code translates. */
async function textsInCode(): Promise<string[]> {
  const texts: string[] = [];
  for await (const source of sourcesIn(PAGE)) {
    for (const [call, literal] of source.matchAll(/\btranslate\(\s*("(?:[^"\\]|\\.)*"|\S*)/g)) {
      if (literal!.startsWith('"')) texts.push(JSON.parse(literal!));
      else assertEquals(call, "translate(text:", "a text must be a literal");
    }
  }
  return texts;
}

/** The texts and attributes of the page's own markup. */
async function textsInMarkup(): Promise<string[]> {
  const html = (await Deno.readTextFile(new URL("index.html", PAGE)))
    .replace(/<(\w+)[^>]* translate="no"[^>]*>[^]*?<\/\1>/g, "<br>");
  const body = html.slice(html.indexOf("<body"));
  return [...body.matchAll(/>([^<]+)<|\s(?:aria-label|alt|placeholder)="([^"]+)"/g)]
    .map(([, text, attribute]) => (text ?? attribute)!.trim().replace(/\s+/g, " "))
    .filter((text) => /\p{L}/u.test(text));
}

const placeholders = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();

Deno.test("each text of the page has a Chinese translation, and no translation is unused", async () => {
  const texts = new Set([...await textsInCode(), ...await textsInMarkup()]);
  assert(texts.size > 60);
  assertEquals(Object.keys(CHINESE).sort(), [...texts].sort());
  for (const [text, translation] of Object.entries(CHINESE)) {
    assertEquals(placeholders(translation), placeholders(text), text);
    assert(/\p{Script=Han}|^[^a-z]*$/u.test(translation), translation);
  }
});

browserTest("a Chinese browser gets a Chinese page", async (browser) => {
  await using upstream = startUpstream([{ content: "好。" }]);
  await using open = await openPage(browser, {
    upstream: upstream.url,
    yaml: YAML,
    enter: false,
    context: { locale: "zh-CN" },
  });
  const { page } = open;
  await page.getByLabel("API 密钥").fill("test-token-4711");
  await page.keyboard.press("Enter");
  await page.getByLabel("你的问题").fill("好吗？");
  await page.keyboard.press("Enter");
  await page.getByText(/^总用时 .* 秒$/).waitFor();
  assertEquals(await page.locator("html").getAttribute("lang"), "zh-Hans");
  assertEquals([open.foreignRequests, open.faults], [[], []]);
});

browserTest("the language can be chosen, and the choice is kept", async (browser) => {
  await using upstream = startUpstream([{ content: "Fine." }]);
  await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML });
  const { page } = open;
  const tables = async () =>
    (await page.evaluate(loadedFiles)).filter((url: string) => url.includes("/chinese")).length;
  await ask(page, "Well?");
  await page.getByText(/ s in total$/).waitFor();
  assertEquals(await page.locator("html").getAttribute("lang"), "en");
  assertEquals(await tables(), 0);
  await page.getByLabel("Your question").fill("unfinished");
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByLabel("Language", { exact: true }).selectOption("zh");
  await page.getByText(/^总用时 .* 秒$/).waitFor();
  assertEquals(await tables(), 1);
  assertEquals(await page.getByLabel("你的问题").inputValue(), "unfinished");
  await page.reload();
  await page.getByRole("button", { name: "设置" }).click();
  await page.getByLabel("语言", { exact: true }).selectOption("en");
  await page.getByRole("button", { name: "Settings" }).waitFor();
  assertEquals(await page.locator("html").getAttribute("lang"), "en");
  assertEquals([open.foreignRequests, open.faults], [[], []]);
});
