import { assertEquals, assertStringIncludes } from "@std/assert";
import { execFileSync } from "node:child_process";
import { systemClock } from "../../../lib/clock.ts";
import { createFetchTool, fetchKind } from "../../../lib/tools/fetch/kind.ts";
import { reasonWithout, skippedFor } from "../../support/skip.ts";
import { fetchPage, startSite, textOf } from "./site.ts";

const PAGE = `<!doctype html><html><head><title>Prime &amp; co</title>
<style>p { color: red }</style><script>alert("no")</script></head><body>
<nav><a href="/">Home</a></nav>
<main><h1>Primes</h1><p>A prime has <a href="/divisor">two divisors</a>.</p>
<ul><li>2</li><li>3</li></ul>
<table><tr><th>n</th><th>prime</th></tr><tr><td>4</td><td>no</td></tr></table>
<pre>for (;;) {}
  next();</pre></main>
<footer>Cookies</footer></body></html>`;

Deno.test("a page becomes its title, its address and the text of its main part", async () => {
  await using site = startSite(() =>
    new Response(PAGE, { headers: { "content-type": "text/html; charset=utf-8" } })
  );
  const page = await site.fetch("/primes#top");
  const url = `http://${site.host}/primes`;
  assertEquals(page, {
    content: [{
      type: "text",
      text: `Prime & co\n${url}\n\nPrimes\n\nA prime has two divisors.\n\n * 2\n * 3\n\n` +
        "n | prime |\n4 | no |\n\nfor (;;) {}\n  next();",
    }],
    citations: [{ url, title: "Prime & co" }],
  });
});

const BODIES: Record<string, [type: string, body: Uint8Array | string, shown: string]> = {
  "plain text": ["text/plain", "a < b\n", "a < b"],
  JSON: ["application/json", '{"a":1}', '{"a":1}'],
  "a JSON dialect": ["application/ld+json", "[]", "[]"],
  "XML": ["application/rss+xml", "<rss/>", "<rss/>"],
  "Latin-1 by its header": ["text/plain; charset=iso-8859-1", new Uint8Array([0xe9]), "é"],
  "Latin-1 by its page": [
    "text/html",
    new Uint8Array([...new TextEncoder().encode('<meta charset="latin1"><p>'), 0xe9]),
    "é",
  ],
  "an unknown encoding": ["text/plain; charset=x-none", "text", "text"],
  "HTML without structure": ["text/html", "just text", "just text"],
  "an empty page": ["text/html", "", ""],
};

for (const [kind, [type, body, shown]] of Object.entries(BODIES)) {
  Deno.test(`fetch reads ${kind}`, async () => {
    await using site = startSite(() =>
      new Response(body as BodyInit, { headers: { "content-type": type } })
    );
    const text = textOf(await site.fetch("/"));
    assertEquals(text.split("\n\n").slice(1).join("\n\n"), shown);
  });
}

Deno.test("fetch follows redirects, and names the final address", async () => {
  await using site = startSite(({ url }) =>
    new URL(url).pathname === "/new"
      ? new Response("moved here", { headers: { "content-type": "text/plain" } })
      : new Response(null, { status: 301, headers: { location: "new" } })
  );
  const page = await site.fetch("/old");
  assertEquals(page.citations, [{ url: `http://${site.host}/new`, title: "site.test" }]);
  assertStringIncludes(textOf(page), "moved here");
});

Deno.test("fetch sends nothing that identifies the server or its clients", async () => {
  let headers: [string, string][] = [];
  await using site = startSite((request) => {
    headers = [...request.headers];
    return new Response("", { headers: { "content-type": "text/plain", "set-cookie": "a=b" } });
  });
  await site.fetch("/");
  await site.fetch("/");
  assertEquals(headers.map(([name]) => name).sort(), [
    "accept",
    "accept-encoding",
    "connection",
    "host",
    "user-agent",
  ]);
});

const CERTIFICATES = "fetch checks certificates for the host of the URL";

Deno.test(skippedFor(reasonWithout("openssl"), CERTIFICATES), async () => {
  const folder = await Deno.makeTempDir();
  const [key, cert] = [`${folder}/key.pem`, `${folder}/cert.pem`];
  const subject = ["-subj", "/CN=site.test", "-addext", "subjectAltName=DNS:site.test"];
  const request = "req -x509 -newkey rsa:2048 -nodes -days 1".split(" ");
  execFileSync("openssl", [...request, "-keyout", key, "-out", cert, ...subject], {
    stdio: "ignore",
  });
  const ca = await Deno.readTextFile(cert);
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", key: await Deno.readTextFile(key), cert: ca, onListen() {} },
    () => new Response("secret", { headers: { "content-type": "text/plain" } }),
  );
  await Deno.remove(folder, { recursive: true });
  const names = { "site.test": "127.0.0.1", "other.test": "127.0.0.1" };
  const get = async (host: string, ca?: string) => {
    const settings = { allow_hosts: [`${host}:${server.addr.port}`] };
    const options = { names, settings, ...(ca !== undefined && { ca }) };
    return textOf(await fetchPage(`https://${host}:${server.addr.port}/`, options));
  };
  assertStringIncludes(await get("site.test", ca), "secret");
  assertEquals(await get("other.test", ca), "The connection to the site failed.");
  assertEquals(await get("site.test"), "The connection to the site failed.");
});

for (const args of [undefined, null, {}, { url: 1 }, "https://example.com", { link: "x" }]) {
  Deno.test(`fetch explains its arguments when it gets ${JSON.stringify(args)}`, async () => {
    const tool = createFetchTool(fetchKind.options.parse({}) as never);
    const page = await tool.run(args, { signal: new AbortController().signal, clock: systemClock });
    assertEquals([page.isError, textOf(page)], [true, 'Expected an object with the text "url".']);
  });
}
