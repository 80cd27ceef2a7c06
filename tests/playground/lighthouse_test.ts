import { assert, assertEquals } from "@std/assert";
import { createTestApp } from "../support/app.ts";
import { findProgram, reasonWithout, skippedFor } from "../support/skip.ts";
import { FLAGS } from "./browser/browser.ts";

/** The page's weight before anything is asked, compressed, in bytes. */
const MAX_BYTES = 70_000;

interface Report {
  categories: Record<string, { score: number; auditRefs: { id: string; weight: number }[] }>;
  audits: Record<string, { score: number | null; numericValue?: number }>;
}

/** Lighthouse with its profile of a slow phone. On a busy machine it may fail to load or trace a page. */
async function report(url: string): Promise<Report> {
  const decoder = new TextDecoder();
  const failures: string[] = [];
  while (failures.length < 4) {
    const { success, stdout, stderr } = await new Deno.Command("lighthouse", {
      args: [
        ...[url, "--quiet", "--output=json", "--max-wait-for-load=90000"],
        `--chrome-flags=--headless=new ${FLAGS.join(" ")}`,
      ],
      env: { CHROME_PATH: findProgram("chromium") ?? "chromium" },
      signal: AbortSignal.timeout(300_000),
    }).output();
    const found = success ? JSON.parse(decoder.decode(stdout)) : undefined;
    if (found !== undefined && found.runtimeError === undefined) return found;
    failures.push(found?.runtimeError.message ?? decoder.decode(stderr));
  }
  throw new Error(failures.join("\n"));
}

Deno.test({
  ...skippedFor(
    reasonWithout("chromium") ?? reasonWithout("lighthouse"),
    "Lighthouse finds the page accessible, sound, described and light",
  ),
  async fn() {
    const app = await createTestApp({
      upstream: "demo:",
      yaml: 'upstreams: { demo: { base_url: "demo:" } }',
    });
    const server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      (request) => app.handle(request),
    );
    try {
      const { categories, audits } = await report(`http://127.0.0.1:${server.addr.port}/`);
      const failed = (category: string) =>
        categories[category]!.auditRefs.filter(({ id, weight }) =>
          weight > 0 && audits[id]!.score !== null && audits[id]!.score! < 1
        ).map(({ id }) => id);
      for (const category of ["accessibility", "best-practices", "seo"]) {
        assertEquals(failed(category), [], category);
        assertEquals(categories[category]!.score, 1, category);
      }
      const bytes = audits["total-byte-weight"]!.numericValue!;
      assert(bytes > 0 && bytes < MAX_BYTES, `the page weighs ${bytes} bytes`);
      // It depends on what else the machine does.
      console.log(`performance ${categories["performance"]!.score}, ${bytes} bytes`);
    } finally {
      await server.shutdown();
      await app.drain(0);
    }
  },
});
