import { assertEquals } from "@std/assert";
import { startUpstream } from "../support/upstream.ts";
import { waitUntil } from "../support/wait.ts";
import { ask, browserTest, openPage } from "./browser/browser.ts";
import { pressKey } from "./browser/in_page.js";

const YAML = `
upstreams: { scripted: { base_url: UPSTREAM } }
models:
  plain: { strategy: direct, upstream: scripted, model: m }
`;

browserTest("single keys do what the list of shortcuts describes", async (browser) => {
  await using upstream = startUpstream(({ index }) => ({ content: `answer ${index}` }));
  await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML });
  const { page } = open;
  const { keyboard } = page;
  const pressed = (name: string) =>
    page.getByRole("button", { name, exact: true }).getAttribute("aria-pressed");

  // In the field, keys are text.
  await keyboard.type("nis?");
  assertEquals(await page.getByLabel("Your question").inputValue(), "nis?");
  await keyboard.press("Enter");
  await page.locator(".answer").getByText("answer 0").waitFor();
  await page.locator(".turn-actions").waitFor();

  await keyboard.press("Escape");
  for (
    const [key, name] of [["b", "Chats"], ["o", "Settings"], ["l", "Events"], ["m", "Compare"]]
  ) {
    await keyboard.press(key!);
    assertEquals(await pressed(name!), "true", name);
    await keyboard.press(key!);
    assertEquals(await pressed(name!), "false", name);
  }
  await keyboard.press("o");
  await keyboard.press("Escape");
  assertEquals(await pressed("Settings"), "false");
  await keyboard.press("r");
  await page.locator(".answer").getByText("answer 1").waitFor();
  await page.getByText("2/2").waitFor();
  await keyboard.press("e");
  await page.getByLabel("Edit the question").fill("other");
  await page.locator(".edit").getByRole("button", { name: "Send" }).click();
  await page.getByText("3/3").waitFor();
  await page.locator(".answer").getByText("answer 2").waitFor();
  await page.locator(".turn-actions").waitFor();
  await keyboard.press("c");
  await page.getByText("Copied").waitFor();
  await keyboard.press("s");
  await page.locator('input[type="search"]:focus').waitFor();
  await keyboard.press("i");
  await page.locator(".title").waitFor();
  await page.locator(".title").focus();
  await keyboard.press("i");
  await page.locator("#question:focus").waitFor();
  await keyboard.press("Escape");
  await keyboard.press("n");
  await page.getByText("Ask, and watch it think.").waitFor();
  assertEquals(open.faults, []);
});

browserTest("? lists the shortcuts, and they can be switched off", async (browser) => {
  await using upstream = startUpstream(() => ({ content: "fine" }));
  await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML });
  const { page } = open;
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  const dialog = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await dialog.waitFor();
  assertEquals(await dialog.locator("dt").count(), 15);
  // Within the dialog, keys do nothing.
  await page.keyboard.press("o");
  await dialog.getByLabel("Enable single-key shortcuts").uncheck();
  await page.keyboard.press("Escape");
  assertEquals(await page.getByRole("dialog").count(), 0);
  await page.keyboard.press("o");
  const settings = page.getByRole("button", { name: "Settings" });
  assertEquals(await settings.getAttribute("aria-pressed"), "false");
  await settings.click();
  await page.getByRole("button", { name: "Keyboard shortcuts" }).click();
  await dialog.getByLabel("Enable single-key shortcuts").check();
  await dialog.getByRole("button", { name: "Close" }).click();
  await page.keyboard.press("o");
  assertEquals(await settings.getAttribute("aria-pressed"), "false");
  assertEquals(open.faults, []);
});

browserTest(
  "keys of the browser, of input methods and of menus are left alone",
  async (browser) => {
    await using upstream = startUpstream(() => ({ content: "fine" }));
    await using open = await openPage(browser, { upstream: upstream.url, yaml: YAML });
    const { page } = open;
    await ask(page, "Well?");
    await page.locator(".turn-actions").waitFor();
    const cases: [
      name: string,
      selector: string,
      init: Record<string, unknown>,
    ][] = [
      ["Ctrl+N", "#log", { key: "n", ctrlKey: true }],
      ["Alt+N", "#log", { key: "n", altKey: true }],
      ["Meta+N", "#log", { key: "n", metaKey: true }],
      ["Shift+N", "#log", { key: "N", shiftKey: true }],
      ["a key that is held down", "#log", { key: "n", repeat: true }],
      ["a composition", "#log", { key: "n", isComposing: true }],
      ["a composition in Safari", "#log", { key: "n", keyCode: 229 }],
      ["a menu's letter", "#effort", { key: "n" }],
      ["text", "#question", { key: "n" }],
    ];
    for (const [name, selector, init] of cases) {
      assertEquals(await page.evaluate(pressKey, { selector, init }), true, name);
    }
    assertEquals(await page.locator(".turn").count(), 1);
    // On a keyboard of another script, the place of the key counts.
    const init = { key: "т", code: "KeyN" };
    assertEquals(await page.evaluate(pressKey, { selector: "#log", init }), false);
    await waitUntil("a new conversation", async () => await page.locator(".turn").count() === 0);
  },
);
