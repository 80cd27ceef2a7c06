/**
 * The page in a real browser: Debian's Chromium, over the app on a port of its own.
 *
 * @module
 */
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import fs from "node:fs";
import { createTestApp, TOKEN } from "../support/app.ts";

/** Debian's Chromium. */
const CHROMIUM = "/usr/bin/chromium";

/** What keeps it from looking for hosts outside, and running as root in a closed sandbox. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Whether the browser is here. */
async function hasBrowser(): Promise<boolean> {
  try {
    return (await Deno.stat(CHROMIUM)).isFile;
  } catch {
    return false;
  }
}

/** A test in a browser of its own; skipped, with a word, where there is no Chromium. */
export function browserTest(name: string, test: (browser: Browser) => Promise<void>): void {
  Deno.test({
    name,
    // The driver keeps pipes and timers of its own until its process ends.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      if (!await hasBrowser()) {
        console.log(`skipped: ${CHROMIUM} is not installed (Debian's package chromium)`);
        return;
      }
      const browser = await startBrowser();
      try {
        await test(browser);
      } finally {
        await browser.close();
      }
    },
  });
}

/** Starts the browser. */
export async function startBrowser(): Promise<Browser> {
  // Node's never throws; Deno's does below /proc, where the driver looks for Windows as it loads.
  const { existsSync } = fs;
  fs.existsSync = (path) => !String(path).startsWith("/proc/") && existsSync(path);
  const { chromium } = await import("playwright-core");
  fs.existsSync = existsSync;
  return chromium.launch({ executablePath: CHROMIUM, headless: true, args: FLAGS });
}

/** The page, opened, and all that it did. */
export interface OpenPage extends AsyncDisposable {
  /** The page. */
  page: Page;
  /** Its address. */
  url: string;
  /** URLs of requests to other origins; `data:` and `blob:` are none. */
  strangers: string[];
  /** Errors and breaches of the policy, as the console told them. */
  faults: string[];
}

/** How the page is opened. */
export interface OpenOptions {
  /** The upstream's base URL. */
  upstream: string;
  /** More of config.yaml. */
  yaml?: string;
  /** Size, colours, permissions. */
  context?: BrowserContextOptions;
  /** A script that is in the page before its own; the policy would not let it in later. */
  script?: string;
  /** Whether the key is typed in; default true. */
  enter?: boolean;
}

/** Opens the page over an upstream. */
export async function openPage(browser: Browser, options: OpenOptions): Promise<OpenPage> {
  const app = await createTestApp(options);
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request) => app.handle(request),
  );
  const url = `http://127.0.0.1:${server.addr.port}/`;
  const context = await browser.newContext({ reducedMotion: "reduce", ...options.context });
  if (options.script !== undefined) await context.addInitScript({ content: options.script });
  const page = await context.newPage();
  const strangers: string[] = [];
  const faults: string[] = [];
  context.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (!["data:", "blob:"].includes(protocol) && `${origin}/` !== url) {
      strangers.push(request.url());
    }
  });
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    const text = message.text();
    // The browser's own line about an answer like 401 is what the test asked for.
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
    strangers,
    faults,
    async [Symbol.asyncDispose]() {
      await context.close();
      await app.drain(0);
      await server.shutdown();
    },
  };
}

/** Types a question and sends it with Enter. */
export async function ask(page: Page, question: string): Promise<void> {
  await page.getByLabel("Your question").fill(question);
  await page.keyboard.press("Enter");
}
