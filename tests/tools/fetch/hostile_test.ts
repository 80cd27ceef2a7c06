import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { waitUntil } from "../../support/wait.ts";
import { systemClock } from "../../../lib/clock.ts";
import { createFetchTool, fetchKind } from "../../../lib/tools/fetch/kind.ts";
import { longestStall } from "../../support/measure/stall.ts";
import { runAlone } from "../../support/measure/alone.ts";
import { type Site, startRawSite, startSite, textOf } from "./site.ts";

const encoder = new TextEncoder();

const html = (body: BodyInit, headers: Record<string, string> = {}) =>
  new Response(body, { headers: { "content-type": "text/html", ...headers } });

const never = () => new Promise<void>(() => {});

async function failure(site: Site, path = "/", settings = {}): Promise<string> {
  const page = await site.fetch(path, { settings });
  assertEquals(page.isError, true, textOf(page));
  return textOf(page);
}

Deno.test("at most max_redirects redirects are followed", async () => {
  await using site = startSite(({ url }) => {
    const next = Number(new URL(url).pathname.slice(1)) + 1;
    return new Response(null, { status: 307, headers: { location: `/${next}` } });
  });
  assertEquals(
    await failure(site, "/0", { max_redirects: 3 }),
    "The page redirects more than 3 times.",
  );
  assertEquals(site.requested, ["/0", "/1", "/2", "/3"]);
});

Deno.test("a page longer than max_bytes is cut, and its connection closed", async () => {
  let isCancelled = false;
  await using site = startSite(() =>
    html(
      new ReadableStream({
        pull: (controller) =>
          controller.enqueue(encoder.encode("<p>more and more</p>".repeat(100))),
        cancel: () => {
          isCancelled = true;
        },
      }),
    )
  );
  const page = await site.fetch("/", { settings: { max_bytes: 10_000 } });
  const text = textOf(page);
  assert(text.length < 10_000);
  assertStringIncludes(text, "(The page continues; only its beginning is shown.)");
  await waitUntil("the connection to close", () => isCancelled);
});

Deno.test("a compressed bomb is read up to max_bytes only", async () => {
  const { isError, grown } = await runAlone("tools/fetch/bomb.ts");
  assertEquals(isError, 0);
  assert(grown! < 150_000_000, `${grown} bytes`);
});

Deno.test("the text is cut to max_characters, but not within a character", async () => {
  await using site = startSite(() => html(`<p>${"a".repeat(99)}😀 and more</p>`));
  const text = textOf(await site.fetch("/", { settings: { max_characters: 100 } }));
  assert(text.isWellFormed());
  assertStringIncludes(text, `${"a".repeat(99)}\n\n(The page continues`);
});

const SLOW: Record<string, (connection: Deno.Conn) => Promise<void>> = {
  "sends nothing": never,
  "never ends its headers": async (connection) => {
    await connection.write(encoder.encode("HTTP/1.1 200 OK\r\nx-a: b"));
    await never();
  },
  "never ends its body": async (connection) => {
    await connection.write(
      encoder.encode("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 9\r\n\r\na"),
    );
    await never();
  },
  "sends empty blocks of compressed data": async (connection) => {
    await connection.write(encoder.encode(
      "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-encoding: deflate\r\n\r\n\x78\x01",
    ));
    for (;;) await connection.write(new Uint8Array([0, 0, 0, 0xff, 0xff]));
  },
};

for (const [behaviour, write] of Object.entries(SLOW)) {
  Deno.test(`a site that ${behaviour} is given up after time_ms`, async () => {
    await using site = startRawSite(write);
    assertEquals(
      await failure(site, "/", { time_ms: 300 }),
      "There was no result within 300 ms.",
    );
  });
}

const BROKEN: Record<string, [response: string, reason: string]> = {
  "speaks no HTTP": ["SSH-2.0-OpenSSH_9.6\r\n", "The connection to the site failed."],
  "closes at once": ["", "The connection to the site failed."],
  "floods its headers": [
    `HTTP/1.1 200 OK\r\nx-a: ${"x".repeat(200_000)}\r\n\r\n`,
    "The connection to the site failed.",
  ],
  "closes within its body": [
    "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 9\r\n\r\na",
    "The connection to the site was lost.",
  ],
  "sends damaged compressed data": [
    "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-encoding: gzip\r\n\r\nnot gzip",
    "The connection to the site was lost.",
  ],
  "uses an unknown compression": [
    "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-encoding: zstd\r\n\r\na",
    "The page has an unknown compression.",
  ],
  "sends a picture": [
    "HTTP/1.1 200 OK\r\ncontent-type: image/png\r\n\r\na",
    "The page is not text.",
  ],
  "sends a type that is no text": [
    "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\n\r\na",
    "The page is not text.",
  ],
  "names no type": ["HTTP/1.1 200 OK\r\n\r\na", "The page is not text."],
  "answers with an error": [
    "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
    "The site answered with status 404.",
  ],
  "redirects to nowhere": [
    "HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n",
    "The site answered with status 302.",
  ],
};

for (const [behaviour, [response, reason]] of Object.entries(BROKEN)) {
  Deno.test(`a site that ${behaviour} is reported with a reason`, async () => {
    await using site = startRawSite(async (connection) => {
      await connection.read(new Uint8Array(4_096));
      await connection.write(encoder.encode(response));
      connection.closeWrite();
    });
    assertEquals(await failure(site), reason);
  });
}

/** Pages of up to 2 MB that are made to be slow to read. */
const SLOW_PAGES: Record<string, string> = {
  "links in links": "<a>".repeat(600_000),
  "lists in lists": "<ul><li>".repeat(250_000),
  "quotes in quotes": "<blockquote>".repeat(160_000),
  "tables in tables": "<table><tr><td>".repeat(130_000),
  "an attribute without an end": `<div a="${"x".repeat(1_000_000)}`,
  "comments without an end": "<!--".repeat(250_000),
  "elements without names": "<".repeat(1_000_000),
  "ends of other elements": "<b>x</i>".repeat(250_000),
  "one row of many cells": `<table><tr>${"<td>a".repeat(400_000)}`,
  "wide cells": `<table>${"<tr><td colspan=99999>a".repeat(80_000)}`,
  "main parts in main parts": "<main>a".repeat(250_000),
};

for (const [kind, body] of Object.entries(SLOW_PAGES)) {
  Deno.test({
    name: `a page of ${kind} doesn't block the event loop`,
    // The thread of a slow page may live longer than the test.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      await using site = startSite(() => html(body));
      const stallMs = await longestStall(() => site.fetch("/", { settings: { time_ms: 2_000 } }));
      assert(stallMs < 100, `${stallMs} ms`);
    },
  });
}

Deno.test("aborting ends the request at once, with the signal's reason", async () => {
  const controller = new AbortController();
  let isConnected = false;
  let isClosed = false;
  await using site = startRawSite(async (connection) => {
    isConnected = true;
    const buffer = new Uint8Array(4_096);
    while (await connection.read(buffer) !== null);
    isClosed = true;
  });
  const running = site.fetch("/", { signal: controller.signal });
  await waitUntil("the connection", () => isConnected);
  controller.abort(new Error("the client disconnected"));
  await assertRejects(() => running, Error, "the client disconnected");
  await waitUntil("the connection to close", () => isClosed);
  await assertRejects(() => site.fetch("/", { signal: controller.signal }), Error, "disconnected");
});

Deno.test("hosts whose lookup never ends leave threads for others", async () => {
  const none = Promise.withResolvers<never[]>();
  let asked = 0;
  const slow = createFetchTool(fetchKind.options.parse({}) as never, {
    resolve() {
      asked++;
      return none.promise;
    },
  });
  const run = (signal: AbortSignal) =>
    slow.run({ url: "http://slow.test/" }, { signal, clock: systemClock });
  const client = new AbortController();
  const left = Array.from({ length: 64 }, () => run(client.signal));
  await waitUntil("the look-ups", () => asked === 64);
  client.abort(new Error("gone"));
  for (const running of left) await assertRejects(() => running, Error, "gone");
  const { signal } = new AbortController();
  assertStringIncludes(textOf(await run(signal)), "Too many hosts");
  none.resolve([]);
  await none.promise;
  assertStringIncludes(textOf(await run(signal)), "was not found");
});

Deno.test("more pages than threads wait for each other", async () => {
  await using site = startSite(({ url }) => html(`<p>page ${new URL(url).pathname}</p>`));
  const paths = Array.from({ length: 12 }, (_, index) => `/${index}`);
  const pages = await Promise.all(paths.map((path) => site.fetch(path)));
  for (const [index, page] of pages.entries()) {
    assertStringIncludes(textOf(page), `page /${index}`);
  }
});

Deno.test({
  name: "slow pages that nobody waits for keep at most 4 threads",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const { most, isRead } = await runAlone("tools/fetch/left.ts");
    assert(most! <= 4, `${most} threads`);
    assertEquals(isRead, 1);
  },
});
