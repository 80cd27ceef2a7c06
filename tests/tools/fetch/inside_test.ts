import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fetchKind } from "../../../lib/tools/fetch/kind.ts";
import { type FetchOptions, fetchPage, type Names, startSite, textOf } from "./site.ts";

const NAMES: Names = {
  "inside.test": "10.0.0.5",
  "mixed.test": "93.184.216.34 192.168.1.1",
  "v6.test": "::1",
  "mapped.test": "::ffff:169.254.169.254",
  "localhost": "127.0.0.1",
  "localhost.": "127.0.0.1",
  "127.0.0.1.nip.test": "127.0.0.1",
  "metadata.google.internal": "169.254.169.254",
};

const INSIDE = "The host of the URL is not on the public internet.";
const SCHEME = "Only http and https URLs can be fetched.";
const PORT = "Only the ports 80 and 443 can be fetched.";
const PASSWORD = "A URL with a user name or password can't be fetched.";
const NO_URL = "Expected a URL such as https://example.com/page.";
const NOT_FOUND = "The host of the URL was not found.";

/** URLs with the reason for which each is refused. */
const REFUSED: readonly [kind: string, url: string, reason: string][] = [
  ["loopback", "http://127.0.0.1/", INSIDE],
  ["loopback, short", "http://127.1/", INSIDE],
  ["loopback, decimal", "http://2130706433/", INSIDE],
  ["loopback, octal", "http://0177.0.0.1/", INSIDE],
  ["loopback, octal without dots", "http://017700000001/", INSIDE],
  ["loopback, hexadecimal", "http://0x7f000001/", INSIDE],
  ["loopback, mixed bases", "http://0x7f.0.0x0.01/", INSIDE],
  ["loopback, full-width digits", "http://１２７.０.０.１/", INSIDE],
  ["loopback, circled digits", "http://①②⑦.⓪.⓪.①/", INSIDE],
  ["loopback, encoded", "http://%31%32%37.0.0.1/", INSIDE],
  ["any address", "http://0.0.0.0/", INSIDE],
  ["any address, short", "http://0/", INSIDE],
  ["loopback, IPv6", "http://[::1]/", INSIDE],
  ["any address, IPv6", "http://[::]/", INSIDE],
  ["loopback mapped into IPv6", "http://[::ffff:127.0.0.1]/", INSIDE],
  ["loopback mapped into IPv6, hexadecimal", "http://[::ffff:7f00:1]/", INSIDE],
  ["loopback compatible with IPv6", "http://[::127.0.0.1]/", INSIDE],
  ["loopback translated into IPv6", "http://[64:ff9b::127.0.0.1]/", INSIDE],
  ["loopback in 6to4", "http://[2002:7f00:1::]/", INSIDE],
  ["link-local, IPv6", "http://[fe80::1]/", INSIDE],
  ["a zone", "http://[fe80::1%25eth0]/", NO_URL],
  ["unique local", "http://[fd00::1]/", INSIDE],
  ["private", "http://192.168.0.1/", INSIDE],
  ["shared by a carrier", "http://100.64.0.1/", INSIDE],
  ["multicast", "http://224.0.0.1/", INSIDE],
  ["broadcast", "http://255.255.255.255/", INSIDE],
  ["metadata", "http://169.254.169.254/latest/meta-data/", INSIDE],
  ["metadata, decimal", "http://2852039166/", INSIDE],
  ["metadata, https", "https://169.254.169.254/", INSIDE],
  ["a name that points inside", "http://inside.test/", INSIDE],
  ["a name that points outside and inside", "http://mixed.test/", INSIDE],
  ["a name with an IPv6 address inside", "http://v6.test/", INSIDE],
  ["a name with a mapped address", "http://mapped.test/", INSIDE],
  ["a name that contains an address", "http://127.0.0.1.nip.test/", INSIDE],
  ["localhost", "http://localhost/", INSIDE],
  ["localhost, upper case", "http://LOCALHOST/", INSIDE],
  ["localhost with a final dot", "http://localhost./", INSIDE],
  ["metadata by name", "http://metadata.google.internal/computeMetadata/v1/", INSIDE],
  ["a name without addresses", "http://unknown.test/", NOT_FOUND],
  ["a user name", "http://user@example.com/", PASSWORD],
  ["a host before the at sign", "http://example.com:80@127.0.0.1/", PASSWORD],
  ["a backslash before the host", "http:\\\\127.0.0.1/", INSIDE],
  ["slashes that are missing", "http:127.0.0.1", INSIDE],
  ["line breaks in the scheme", "ht\ntp://127.0.0.1/", INSIDE],
  ["another port", "http://example.com:8080/", PORT],
  ["the port of SSH", "http://example.com:22/", PORT],
  ["the port of Redis", "http://inside.test:6379/", PORT],
  ["a port beyond 65535", "http://example.com:65616/", NO_URL],
  ["file", "file:///etc/passwd", SCHEME],
  ["gopher", "gopher://127.0.0.1:6379/_INFO", SCHEME],
  ["data", "data:text/html,hello", SCHEME],
  ["ftp", "ftp://example.com/", SCHEME],
  ["javascript", "javascript:alert(1)", SCHEME],
  ["blob", "blob:http://127.0.0.1/1", SCHEME],
  ["dict", "dict://127.0.0.1:11211/stat", SCHEME],
  ["websocket", "ws://127.0.0.1/", SCHEME],
  ["a path", "/etc/passwd", NO_URL],
  ["nothing", "", NO_URL],
  ["a URL that is too long", `http://example.com/${"x".repeat(3_000)}`, NO_URL],
];

for (const [kind, url, reason] of REFUSED) {
  Deno.test(`fetch refuses ${kind}, at once and as a redirect`, async () => {
    const options: FetchOptions = { names: NAMES };
    const direct = await fetchPage(url, options);
    assertEquals([direct.isError, textOf(direct)], [true, reason]);

    // Relative in a redirect.
    if (url === "" || url.startsWith("/") || url.includes("\n") || url === "http:127.0.0.1") return;
    const location = /^[\x20-\x7e]*$/.test(url) ? url : encodeURI(url);
    await using site = startSite(() => new Response(null, { status: 302, headers: { location } }));
    const redirected = await site.fetch("/", options);
    assertEquals([redirected.isError, textOf(redirected)], [true, reason]);
    assertEquals(site.requested, ["/"]);
  });
}

Deno.test("the table has more than 30 cases", () => assert(REFUSED.length > 30));

Deno.test("fetch connects to the address that it checked, whatever the name resolves to later", async () => {
  await using checked = startSite(() => text("the checked server"));
  const port = Number(checked.host.split(":")[1]);
  await using other = Deno.serve(
    { port, hostname: "127.0.0.2", onListen() {} },
    () => text("another server"),
  );
  const answers = ["127.0.0.1", "127.0.0.2", "127.0.0.2"];
  const page = await checked.fetch("/", { names: { "site.test": () => answers.shift()! } });
  assertStringIncludes(textOf(page), "the checked server");
  assertEquals(answers.length, 2);
  assertEquals(other.addr.port, port);
});

Deno.test("a name that changes its address between redirects is checked again", async () => {
  await using site = startSite(() => Response.redirect("http://rebind.test/secret"));
  const answers = ["10.0.0.1"];
  const page = await site.fetch("/", { names: { "rebind.test": () => answers.shift()! } });
  assertEquals(textOf(page), INSIDE);
  assertEquals(answers, []);
});

Deno.test("a host is allowed only with its port, and never by a part of its name", async () => {
  await using site = startSite(() => text("inside"));
  const { host } = site;
  const names = { "site.test": "127.0.0.1", "evil-site.test": "127.0.0.1" };
  const get = async (url: string, allow_hosts: string[]) =>
    textOf(await fetchPage(url, { names, settings: { allow_hosts } }));
  assertStringIncludes(await get(`http://${host}/`, [host]), "inside");
  assertStringIncludes(await get(`http://${host.toUpperCase()}/`, [host]), "inside");
  assertEquals(await get(`http://${host}/`, ["site.test"]), PORT);
  assertEquals(await get(`http://evil-${host}/`, [host]), PORT);
  assertEquals(await get("http://evil-site.test/", ["site.test"]), INSIDE);
  assertEquals(await get(`http://127.0.0.1:${host.split(":")[1]}/`, [host]), PORT);
  assertEquals(site.requested.length, 2);
});

Deno.test("allow_hosts accepts hosts with or without a port, and nothing else", () => {
  const isValid = (host: string) => fetchKind.options.safeParse({ allow_hosts: [host] }).success;
  for (const host of ["wiki.internal", "Wiki.internal:8080", "10.0.0.1", "[::1]:80"]) {
    assert(isValid(host), host);
  }
  for (
    const host of ["", "http://wiki", "wiki/path", "a@b", "wiki:99999", "*", "wiki?x", "wiki/"]
  ) {
    assert(!isValid(host), host);
  }
});

const text = (body: string) => new Response(body, { headers: { "content-type": "text/plain" } });
