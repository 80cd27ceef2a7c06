/**
 * Requests as bytes on a connection.
 *
 * @module
 */
import { bodyFor } from "./bodies.ts";
import type { Chance } from "./chance.ts";
import { bytes, chunked, joined, text } from "./values.ts";

export const TOKENS = ["fuzz-token", "sk-o1-fuzz000001-secret-of-fuzz"] as const;

const POSTS = [
  "/chat/completions",
  "/chat/completions",
  "/chat/completions",
  "/messages",
  "/messages",
  "/messages/count_tokens",
  "/responses",
  "/responses",
  "/responses/input_tokens",
  "/conversations",
] as const;

const GETS = [
  "/",
  "/models",
  "/models/m",
  "/healthz",
  "/readyz",
  "/metrics",
  "/favicon.ico",
  "/playground/page.js",
  "/playground/../../config.yaml",
] as const;

/** Headers that mean something to a server, a proxy or a client of this API. */
const HEADERS: readonly (readonly [name: string, values: readonly string[]])[] = [
  ["x-request-id", ["a", "a".repeat(200), "é", "a b"]],
  ["x-reasoning-strategy", ["vote", "steps", "no", "__proto__"]],
  ["idempotency-key", ["1", "2", "3"]],
  ["origin", ["https://a.example", "null", "http://127.0.0.1", "://"]],
  ["access-control-request-method", ["POST"]],
  ["accept", [
    "text/html",
    "*/*",
    "text/event-stream",
    ";q=",
    ",".repeat(5_000),
    "a;q=0.1,".repeat(500),
  ]],
  ["accept-encoding", ["gzip", "br;q=0,gzip", ","]],
  ["if-none-match", ["*", '"a"', 'W/"', `${'"a",'.repeat(1_000)}`]],
  ["range", ["bytes=0-1", "bytes=-"]],
  ["content-type", ["text/plain", "application/json; charset=utf-16", ""]],
  ["content-encoding", ["gzip", "identity", "zstd"]],
  ["expect", ["100-continue", "x"]],
  ["traceparent", [`00-${"a".repeat(32)}-${"b".repeat(16)}-01`, "00-0-0-0"]],
  ["anthropic-version", ["2023-06-01", ""]],
  ["x-api-key", ["fuzz-token", ""]],
  ["upgrade", ["websocket", "h2c"]],
  ["x-stainless-retry-count", ["1", "-1", "1e9"]],
  ["x-forwarded-for", ["127.0.0.1", ",".repeat(1_000)]],
  ["host", ["a:b:c", "[", "%", "", "a/b"]],
  ["transfer-encoding", ["chunked", "gzip, chunked", "identity"]],
  ["content-length", ["0", "-1", "1e3", "99999999999999999999", "5, 5"]],
];

export interface FuzzRequest {
  method: string;
  path: string;
  bytes: Uint8Array<ArrayBuffer>;
  /** Whether the server may wait for more, or close without an answer. */
  isBroken: boolean;
  /** Number of bytes of the answer after which the client disconnects. */
  leavesAfter: number;
}

function pathAndMethod(chance: Chance, ids: readonly string[]): [method: string, path: string] {
  const roll = chance.below(20);
  if (roll < 12) return ["POST", chance.pick(POSTS)];
  if (roll < 14) return ["GET", chance.pick(GETS)];
  const id = ids.length === 0 || chance.happens(0.1) ? text(chance, 100) : chance.pick(ids);
  const escaped = encodeURIComponent(id.toWellFormed());
  if (roll === 19) {
    const method = chance.pick([
      "GET",
      "PUT",
      "OPTIONS",
      "HEAD",
      "TRACE",
      "CONNECT",
      "get",
      "POST",
    ]);
    const segments = Array.from(
      { length: chance.size(30) },
      () => chance.pick(["v1", "", "%", escaped]),
    );
    return [method, `/${segments.join("/")}`];
  }
  if (id.startsWith("conv_")) {
    const item = ids.find((item) => item.startsWith("msg_")) ?? "a";
    return chance.pick([
      ["GET", `/conversations/${escaped}`],
      ["POST", `/conversations/${escaped}`],
      ["POST", `/conversations/${escaped}/items`],
      ["GET", `/conversations/${escaped}/items?limit=${chance.below(120)}&after=${item}`],
      ["GET", `/conversations/${escaped}/items/${item}`],
      ["DELETE", `/conversations/${escaped}/items/${item}`],
      ["DELETE", `/conversations/${escaped}`],
    ]);
  }
  return chance.pick([
    ["GET", `/responses/${escaped}`],
    ["GET", `/responses/${escaped}?stream=true&starting_after=${chance.below(20) - 2}`],
    ["GET", `/responses/${escaped}?include[]=reasoning.encrypted_content`],
    ["GET", `/responses/${escaped}/input_items?order=${chance.pick(["asc", "desc", "x"])}`],
    ["POST", `/responses/${escaped}/cancel`],
    ["DELETE", `/responses/${escaped}`],
    ["GET", `/models/${escaped}`],
  ]);
}

/** @param ids of what is stored */
export function fuzzRequest(chance: Chance, ids: readonly string[]): FuzzRequest {
  const [method, path] = pathAndMethod(chance, ids);
  const hasBody = method === "POST" && !path.endsWith("/cancel");
  const body = !hasBody ? new Uint8Array() : bytes(
    chance,
    JSON.stringify(bodyFor(chance, path, ids)) ?? "",
    0.1,
  );
  const isChunked = hasBody && chance.happens(0.1);
  const lines = [
    `${method} ${chance.happens(0.9) ? "/v1" : ""}${path} HTTP/1.1`,
    "host: 127.0.0.1",
    "connection: close",
    `authorization: Bearer ${chance.happens(0.98) ? chance.pick(TOKENS) : text(chance, 50)}`,
    ...hasBody ? ["content-type: application/json"] : [],
    ...isChunked
      ? ["transfer-encoding: chunked"]
      : hasBody
      ? [`content-length: ${body.length}`]
      : [],
  ];
  let isBroken = false;
  for (let more = chance.below(3); more > 0; more--) {
    const [name, values] = chance.pick(HEADERS);
    lines.push(`${name}: ${chance.happens(0.9) ? chance.pick(values) : text(chance, 500)}`);
    isBroken = true;
  }
  const damage = chance.happens(0.05) ? 1 : 0;
  const head = bytes(chance, `${lines.join("\r\n")}\r\n\r\n`, damage);
  const sent = isChunked ? chunked(chance, body, chance.happens(0.2) ? 0.1 : 0) : body;
  return {
    method,
    path,
    bytes: joined(head, sent),
    isBroken: isBroken || damage > 0 || isChunked,
    leavesAfter: chance.happens(0.1) ? chance.size(2_000) : Infinity,
  };
}
