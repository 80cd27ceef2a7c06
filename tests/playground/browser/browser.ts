/**
 * Opens the playground in Debian's Chromium, served by the app on its own port.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import fs from "node:fs";
import type { Store } from "../../../lib/store/store.ts";
import { createTestApp, TOKEN } from "../../support/app.ts";
import { findProgram, reasonWithout, skippedFor } from "../../support/skip.ts";
import { LIMIT_MS, waitUntil } from "../../support/wait.ts";

/** Lets Chromium run as root, and keeps it from contacting other hosts. */
export const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Without windows, the tests of the page take 80 s of CPU instead of 143. */
const executable = findProgram("chromium-headless-shell") ?? findProgram("chromium");

/** The browsers of this file's tests, by their flags. */
let browsers: Map<string, Browser> | undefined;

async function shareBrowser(flags: readonly string[]): Promise<Browser> {
  const name = flags.join(" ");
  const running = browsers!.get(name);
  // It may have crashed, or was closed after a failure.
  if (running?.isConnected()) return running;
  const browser = await startBrowser(flags);
  browsers!.set(name, browser);
  return browser;
}

function closeBrowsersAtEnd(): void {
  if (browsers !== undefined) return;
  const opened = browsers = new Map<string, Browser>();
  Deno.test.afterAll(async () => {
    for (const browser of opened.values()) await browser.close();
  });
}

/**
 * Registers a test with a browser that all tests of its file share, because a start takes longer than
 * most of them. It must close its pages. It is skipped without Chromium.
 */
export function browserTest(
  name: string,
  test: (browser: Browser) => Promise<void>,
  flags: readonly string[] = [],
): void {
  closeBrowsersAtEnd();
  Deno.test({
    ...skippedFor(executable === undefined ? reasonWithout("chromium") : undefined, name),
    // Playwright keeps pipes and timers open until the process ends.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const browser = await shareBrowser(flags);
      try {
        await test(browser);
        assertEquals(browser.contexts().length, 0, "the test closes its pages");
      } catch (error) {
        await browser.close();
        throw error;
      }
    },
  });
}

export async function startBrowser(flags: readonly string[] = []): Promise<Browser> {
  // Playwright looks for Windows below /proc as it loads, where Deno's existsSync throws.
  const { existsSync } = fs;
  fs.existsSync = (path) => !String(path).startsWith("/proc/") && existsSync(path);
  const { chromium } = await import("playwright-core");
  fs.existsSync = existsSync;
  return chromium.launch({
    executablePath: executable ?? "chromium",
    headless: true,
    timeout: LIMIT_MS,
    args: [...FLAGS, ...flags],
  });
}

export interface OpenPage extends AsyncDisposable {
  page: Page;
  url: string;
  /** URLs of requests to other origins, except `data:` and `blob:`. */
  foreignRequests: string[];
  /** Errors and policy violations from the console. */
  faults: string[];
}

export interface OpenOptions {
  /** Base URL of the upstream. */
  upstream: string;
  /** Further settings of config.yaml. */
  yaml?: string;
  store?: Store;
  context?: BrowserContextOptions;
  /** A script that runs before the page's own; the policy would block it later. */
  script?: string;
  /** Name of the host in the page's address; the browser must resolve it. Default: 127.0.0.1. */
  host?: string;
  /** Whether to enter the key. Default: true. */
  enter?: boolean;
}

export async function openPage(browser: Browser, options: OpenOptions): Promise<OpenPage> {
  const app = await createTestApp(options);
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request) => app.handle(request),
  );
  const url = `http://${options.host ?? "127.0.0.1"}:${server.addr.port}/`;
  const context = await browser.newContext({ reducedMotion: "reduce", ...options.context });
  context.setDefaultTimeout(LIMIT_MS);
  if (options.script !== undefined) await context.addInitScript({ content: options.script });
  const page = await context.newPage();
  const foreignRequests: string[] = [];
  const faults: string[] = [];
  context.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (!["data:", "blob:"].includes(protocol) && `${origin}/` !== url) {
      foreignRequests.push(request.url());
    }
  });
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    const text = message.text();
    // Chromium reports an HTTP status like 401, which the test expects, as a failed load.
    if (message.type() === "error" && !text.startsWith("Failed to load resource")) {
      faults.push(text);
    }
  });
  await page.goto(url);
  if (options.enter !== false) {
    await page.getByLabel("API key").fill(TOKEN);
    await page.keyboard.press("Enter");
    await page.getByLabel("Your question").waitFor();
  }
  return {
    page,
    url,
    foreignRequests,
    faults,
    async [Symbol.asyncDispose]() {
      await context.close();
      await app.drain(0);
      await server.shutdown();
    },
  };
}

/** Waits until elements have these texts: the page may still read from its database, or render. */
export async function waitForTexts(elements: Locator, texts: readonly string[]): Promise<void> {
  let shown: string[] = [];
  await waitUntil(
    () => `the texts ${JSON.stringify(texts)} instead of ${JSON.stringify(shown)}`,
    async () => (shown = await elements.allInnerTexts()).join("\0") === texts.join("\0"),
  );
}

export async function ask(page: Page, question: string): Promise<void> {
  await page.getByLabel("Your question").fill(question);
  await page.keyboard.press("Enter");
}
