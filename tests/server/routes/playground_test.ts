import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { strategies } from "../../../lib/reasoning/strategies/mod.ts";
import { createTestApp, type TestApp } from "../../support/app.ts";

const PAGE = new URL("../../../lib/playground/page/", import.meta.url);
const BUNDLE = new URL("../../../lib/playground/bundle/", import.meta.url);
const BUNDLED = [...Deno.readDirSync(BUNDLE)].map(({ name }) => name);
const BROWSER = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** No test here calls a model. */
const UNUSED_UPSTREAM = "http://127.0.0.1:4711/v1";

const app = await createTestApp({ upstream: UNUSED_UPSTREAM });

/** Sends a request without a token. */
function get(path: string, headers: HeadersInit = {}, method = "GET", to: TestApp = app) {
  return to.handle(new Request(`http://localhost${path}`, { method, headers }));
}

Deno.test("a browser gets the page at /, without a token", async () => {
  const response = await get("/", BROWSER);
  assertEquals(response.status, 200);
  assertEquals(response.headers.get("content-type"), "text/html; charset=utf-8");
  assertEquals(response.headers.get("vary"), "accept, accept-encoding");
  assertStringIncludes(await response.text(), ">o1-api playground</title>");
});

Deno.test("a program gets JSON at /, and a HEAD request no body", async () => {
  for (const accept of ["*/*", "application/json", ""]) {
    const response = await get("/", accept === "" ? {} : { accept });
    assertEquals((await response.json()).name, "o1-api");
  }
  for (const headers of [BROWSER, {}]) {
    const response = await get("/", headers, "HEAD");
    assertEquals([response.status, await response.text()], [200, ""]);
  }
});

Deno.test("the page's files are served with a strict policy and their media type", async () => {
  const types = { html: "text/html", js: "text/javascript", css: "text/css", svg: "image/svg+xml" };
  for (const name of [...BUNDLED, "index.html", "icon.svg", "licences.txt"]) {
    const response = await get(`/playground/${name}`);
    assertEquals(response.status, 200, name);
    const { headers } = response;
    const ending = name.split(".").at(-1) as keyof typeof types;
    assertStringIncludes(headers.get("content-type")!, types[ending] ?? "text/plain");
    assertEquals(headers.get("content-security-policy"), POLICY);
    assertEquals(headers.get("x-content-type-options"), "nosniff");
    assertEquals(headers.get("referrer-policy"), "no-referrer");
    assertEquals(headers.has("content-encoding"), false);
    const body = new Uint8Array(await response.arrayBuffer());
    if (name === "index.html") continue;
    const folder = BUNDLED.includes(name) ? BUNDLE : PAGE;
    assertEquals(body, await Deno.readFile(new URL(name, folder)));
  }
});

Deno.test("the page's files are compressed as the browser accepts", async () => {
  const source = await Deno.readFile(new URL("app.js", BUNDLE));
  const etags = new Set<string | null>();
  for (
    const [accepted, encoding] of [
      ["gzip, deflate, br", "br"],
      ["gzip", "gzip"],
      ["br;q=0, gzip;q=0.5", "gzip"],
      ["identity", null],
      ["zstd", null],
    ] as const
  ) {
    const { headers, ...response } = await read("/playground/app.js", accepted);
    assertEquals(headers.get("content-encoding"), encoding, accepted);
    assertEquals(headers.get("vary"), "accept, accept-encoding");
    const { body } = response;
    const plain = encoding === "br"
      ? brotliDecompressSync(body)
      : encoding === "gzip"
      ? gunzipSync(body)
      : body;
    assertEquals(new Uint8Array(plain), source);
    if (encoding !== null) assert(body.length < source.length / 2);
    etags.add(headers.get("etag"));
  }
  assertEquals(etags.size, 3);
});

Deno.test("browsers cache the files that cannot change, and revalidate the page", async () => {
  const page = await (await get("/", BROWSER)).text();
  const immutable = "public, max-age=31536000, immutable";
  const versioned = [...page.matchAll(/"(playground\/app\.\w+\?v=\w+)"/g)].map(([, url]) => url!);
  assertEquals(versioned.length, 2);
  const hashed = BUNDLED.filter((name) => !name.startsWith("app."));
  assert(hashed.length > 0);
  for (
    const [path, control] of [
      ...versioned.map((url) => [`/${url}`, immutable]),
      ...hashed.map((name) => [`/playground/${name}`, immutable]),
      ["/playground/app.js?v=0123456789abcdef", "no-cache"],
      ["/playground/app.js", "no-cache"],
      ["/", "no-cache"],
    ] as const
  ) {
    const { headers } = await read(path!, "br");
    assertEquals(headers.get("cache-control"), control, path);
  }
});

/** Reads a file as a browser does that accepts these encodings. */
async function read(path: string, encodings: string) {
  const response = await get(path, { ...BROWSER, "accept-encoding": encodings });
  assertEquals(response.status, 200, path);
  return { headers: response.headers, body: new Uint8Array(await response.arrayBuffer()) };
}

Deno.test("a file that the browser has is not sent again", async () => {
  const first = await get("/playground/app.js");
  const etag = first.headers.get("etag")!;
  assertMatch(etag, /^"[0-9a-f]{16}-identity"$/);
  await first.text();
  for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
    const again = await get("/playground/app.js", { "if-none-match": tag });
    assertEquals([again.status, await again.text(), again.headers.get("etag")], [304, "", etag]);
  }
  const changed = await get("/playground/app.js", { "if-none-match": '"other"' });
  assertEquals(changed.status, 200);
  await changed.text();
  const page = await get("/", BROWSER);
  assert(page.headers.get("etag") !== etag);
  await page.text();
});

Deno.test("only files of the page are served, whatever the path", async () => {
  const paths = [
    "",
    "/",
    "/nothing.js",
    "/App.js",
    "/app.js/",
    "/app.js/x",
    "/app.js%00",
    "//app.js",
    "/./app.js%2f",
    "/%2e%2e/assets.ts",
    "/..%2fassets.ts",
    "/%2e%2e%2fassets.ts",
    "/%252e%252e/assets.ts",
    "/..%5cassets.ts",
    "/chat",
    "/chat/chat.js",
    "/chat/%2e%2e/%2e%2e/assets.ts",
    "/chat/..%2f..%2f..%2f..%2fconfig.yaml",
    "/deno.json",
    "/%2fetc%2fpasswd",
    "/__proto__",
    "/constructor",
    "/%",
  ];
  for (const path of paths) {
    const response = await get(`/playground${path}`);
    // The server ignores a slash at the end.
    const isFile = path === "/app.js/";
    assertEquals(response.status, isFile ? 200 : 404, path);
    const text = await response.text();
    if (!isFile) assertEquals(JSON.parse(text).error.type, "invalid_request_error");
  }
});

Deno.test("the page's files only accept GET", async () => {
  for (const method of ["POST", "DELETE"]) {
    const response = await get("/playground/app.js", {}, method);
    assertEquals([response.status, response.headers.get("allow")], [405, "GET"]);
    await response.text();
  }
});

Deno.test("the page refers to no other origin", async () => {
  const html = await Deno.readTextFile(new URL("index.html", PAGE));
  assertEquals(html.match(/https?:/g), null);
  assertEquals(/\son\w+=|\sstyle=|<style|<script(?![^>]* src=)/.test(html), false);
});

Deno.test("server.playground: false leaves JSON at / and no files", async () => {
  const off = await createTestApp({
    upstream: UNUSED_UPSTREAM,
    yaml: `
server: { playground: false }
upstreams: { u: { base_url: "demo:" } }
`,
  });
  const root = await get("/", BROWSER, "GET", off);
  assertEquals((await root.json()).name, "o1-api");
  for (const path of ["/playground/app.js", "/playground/index.html", "/playground"]) {
    const response = await get(path, BROWSER, "GET", off);
    assertEquals(response.status, 404);
    await response.text();
  }
});

Deno.test("the list of models describes every strategy for the page", async () => {
  const { strategies: listed } = await (await app.send("/v1/models")).json();
  assertEquals(
    listed.map(({ options: _, ...strategy }: { options: unknown }) => strategy),
    Object.entries(strategies).map(([name, { summary, label }]) => ({ name, summary, ...label })),
  );
});

Deno.test("the list of models names each model's strategy", async () => {
  const { data } = await (await app.send("/v1/models")).json();
  assertEquals(
    data.map(({ id, strategy }: Record<string, string>) => [id, strategy]),
    [["o1", "steps"], ["plain", "direct"]],
  );
});
