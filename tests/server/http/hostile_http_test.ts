import { assert, assertEquals } from "@std/assert";
import { createTestApp, TOKEN } from "../../support/app.ts";
import { connect, type Connection } from "../../support/connection.ts";
import { startUpstream } from "../../support/upstream.ts";

const BODY = '{"model":"plain","messages":[{"role":"user","content":"Hi"}]}';
const LENGTH = BODY.length;
const CHUNKED = `${LENGTH.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`;
const AUTH = `host: localhost\r\nauthorization: Bearer ${TOKEN}\r\n`;

const request = (line: string, headers = "", body = "") =>
  `${line} HTTP/1.1\r\n${AUTH}${headers}\r\n${body}`;
const get = (path: string, headers = "") => request(`GET ${path}`, headers);
const post = (headers: string, body = BODY) => request("POST /v1/chat/completions", headers, body);

/** Bytes of requests, the statuses of the responses, and the state of the connection after them. */
interface Case {
  name: string;
  wire: string;
  statuses: number[];
  end: "closed" | "open";
}

const refused = (name: string, wire: string): Case => ({
  name,
  wire,
  statuses: [400],
  end: "closed",
});
const answered = (name: string, status: number, wire: string): Case => ({
  name,
  wire,
  statuses: [status],
  end: "open",
});

const length = (value: string | number) => `content-length: ${value}\r\n`;
const coding = (value: string) => `transfer-encoding: ${value}\r\n`;

const FRAMING: readonly Case[] = [
  refused("a length and chunks", post(length(LENGTH) + coding("chunked"), CHUNKED)),
  refused("chunks and a length", post(coding("chunked") + length(4), CHUNKED)),
  refused("two lengths", post(length(LENGTH) + length(5))),
  refused("a list of lengths", post(length(`${LENGTH}, ${LENGTH}`))),
  refused("a negative length", post(length(-1))),
  refused("a length with a sign", post(length(`+${LENGTH}`))),
  refused("a length in hexadecimal", post(length("0x10"))),
  refused("a length larger than any number", post(length("9".repeat(30)))),
  refused("an unknown coding", post(coding("xchunked"), CHUNKED)),
  refused("a coding after chunked", post(coding("chunked, identity"), CHUNKED)),
  refused("a space before the colon", post("transfer-encoding : chunked\r\n", CHUNKED)),
  refused("a header over two lines", get("/v1/models", "x-a: b\r\n c: d\r\n")),
  {
    name: "a chunk without a length",
    wire: post(coding("chunked"), `zz\r\n${CHUNKED}`),
    statuses: [],
    end: "closed",
  },
  {
    name: "a chunk too long to count",
    wire: post(coding("chunked"), `${"f".repeat(20)}\r\n`),
    statuses: [],
    end: "closed",
  },
  answered("a length that is too short", 400, post(length(LENGTH - 5), BODY.slice(0, -5))),
  {
    name: "a length of 34 MB",
    wire: post(length(34_000_000), ""),
    statuses: [413],
    end: "closed",
  },
  {
    name: "a request in the body of another",
    wire: post(length(LENGTH)) + get("/healthz"),
    statuses: [200, 200],
    end: "open",
  },
  {
    name: "a request behind a body that nobody reads",
    wire: get("/v1/models", length(500)) + get("/healthz"),
    statuses: [200],
    end: "closed",
  },
];

const LINES: readonly Case[] = [
  refused("no HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n"),
  refused("HTTP/0.9", "GET /v1/models\r\n\r\n"),
  refused("HTTP/3.0", `GET /v1/models HTTP/3.0\r\n${AUTH}\r\n`),
  refused(
    "200 headers",
    get("/v1/models", Array.from({ length: 200 }, (_, i) => `x-${i}: a\r\n`).join("")),
  ),
  refused("NUL in a header", get("/v1/models", "x-a: a\0b\r\n")),
  refused("NUL in a path", get("/v1/mo\0dels")),
  refused("a blank in a path", get("/v1/mod els")),
  refused("a path without a slash", get("v1/models")),
  refused("a control character in a method", request("G\x01T /v1/models")),
  refused("two hosts", get("/health", "host: other\r\n")),
  answered("a path of 60 kB", 414, get(`/${"a".repeat(60_000)}`)),
  answered("many prefixes", 200, get(`${"/v1".repeat(500)}/models`)),
];

const PATHS: readonly Case[] = [
  ["/v1/../metrics", 404],
  ["/v1/../../etc/passwd", 404],
  ["/v1/%2e%2e/models", 404],
  ["/v1/.%2e/metrics", 404],
  ["/v1%2fmodels", 404],
  ["//v1//models", 404],
  ["//evil.example/v1/models", 404],
  ["/v1\\models", 404],
  ["/V1/MODELS", 404],
  ["/v1/models;x=y", 404],
  ["/v1/models/%00", 404],
  ["/v1/models/%zz", 404],
  ["/v1/models/%c0%ae", 404],
  ["/v1/models/..%2f..%2fetc%2fpasswd", 404],
  ["/v1/models/%0d%0aset-cookie:%20a=b", 404],
  ["/v1/responses/..", 404],
  ["/v1/conversations/%2e%2e", 404],
  ["file:///etc/passwd", 404],
  ["http://evil.example/v1/models", 200],
  ["/v1/models#/x", 200],
  ["/v1/models/?a=/../b", 200],
].map(([path, status]) => answered(`the path ${path}`, Number(status), get(String(path))));

const METHODS: readonly Case[] = [
  ...["TRACE", "PUT", "PATCH", "get", "A".repeat(3_000)].map((method) =>
    answered(`the method ${method.slice(0, 10)}`, 405, request(`${method} /v1/models`))
  ),
  answered("a tunnel", 405, request("CONNECT evil.example:443")),
  answered("a method in a header", 200, get("/v1/models", "x-http-method-override: DELETE\r\n")),
  answered("another protocol", 200, get("/v1/models", "connection: upgrade\r\nupgrade: h2c\r\n")),
  answered("a web socket", 200, get("/v1/models", "connection: upgrade\r\nupgrade: websocket\r\n")),
  ...["a/v1/models?", "a?b", "a#b", "a@b", "a\\b", "a:b:c", "[", "%"].map((host) =>
    answered(
      `the host ${host}`,
      400,
      `GET /v1/models HTTP/1.1\r\n${AUTH.replace("localhost", () => host)}\r\n`,
    )
  ),
  answered("another's host", 200, "GET /healthz HTTP/1.1\r\nhost: evil.example\r\n\r\n"),
  answered("two tokens", 401, `GET /v1/models HTTP/1.1\r\nauthorization: Bearer x\r\n${AUTH}\r\n`),
];

/** Reads statuses until the connection closes or `count` responses are complete. */
async function readStatuses(client: Connection, count: number): Promise<number[]> {
  let text = "";
  for (;;) {
    const answers = text.split(/(?=HTTP\/1\.\d \d{3} )/).filter((answer) => answer !== "");
    const last = answers.at(-1) ?? "";
    const size = /^content-length: (\d+)\r$/im.exec(last)?.[1];
    const body = last.indexOf("\r\n\r\n") + 4;
    const isWhole = body > 3 && last.length >= body + Number(size ?? 0);
    const statuses = answers.map((answer) => Number(answer.slice(9, 12)));
    if (count > 0 && statuses.length >= count && isWhole) return statuses;
    const part = await client.read();
    if (part === undefined) return statuses;
    text += part;
  }
}

for (const { name, wire, statuses, end } of [...FRAMING, ...LINES, ...PATHS, ...METHODS]) {
  Deno.test(`each request on the wire gets one response: ${name}`, async () => {
    await using upstream = startUpstream([{ content: "x" }]);
    const lines: string[] = [];
    const app = await createTestApp({ upstream: upstream.url, lines });
    await using server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      async (request) => {
        const response = await app.handle(request);
        return new Response(await response.text(), response);
      },
    );
    using client = await connect(server.addr.port);
    await client.write(wire);
    assertEquals(await readStatuses(client, statuses.length), statuses);
    // An open connection serves another request; a closed one does not.
    await client.write(get("/healthz")).catch(() => {});
    if (end === "open") assertEquals(await readStatuses(client, 1), [200]);
    else if (name.startsWith("a length of") || name.startsWith("a request behind")) {
      await client.closeWrite();
    }
    if (end === "closed") assertEquals(await readStatuses(client, 0), []);
    assert(lines.every((line) => line.length < 2_000 && !line.includes(TOKEN)));
    assertEquals((await app.send("/health")).status, 200);
    assertEquals(upstream.calls.length, statuses[0] === 200 && wire.startsWith("POST") ? 1 : 0);
  });
}
