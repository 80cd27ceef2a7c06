import { timingSafeEqual } from "@std/crypto";
import { ApiError } from "../../api/errors.ts";
import { PLACEHOLDER_TOKEN, type ResolvedConfig } from "../../config/resolve.ts";
import { sha256 } from "../../sha256.ts";
import { type Client, clientOf, TOKEN_HOLDER } from "../client.ts";
import type { Exchange } from "../exchange.ts";
import type { Step } from "./chain.ts";

export interface AuthOptions {
  /** Returns milliseconds since 1970. */
  date: () => number;
  /** If set, every request is rejected with status 503 and this message. */
  unavailableReason: string | undefined;
}

interface Entry {
  /** SHA-256 of the token. */
  hash: Uint8Array;
  client: Client;
}

/** Sets the client of requests to routes that are not open; throws 401 without a valid token. */
export function auth(config: ResolvedConfig, options: AuthOptions): Step {
  const { date, unavailableReason } = options;
  const { keys } = config;
  const token = acceptedToken(config);
  const expected = keys.length === 0
    ? "the server's api_bearer_token"
    : token === undefined
    ? "one of the server's keys"
    : "the server's api_bearer_token or one of its keys";
  // Hashed for the first request, not at startup.
  let entries: Promise<Entry[]> | undefined;
  // Accepted tokens. Hashing one takes 13 µs, 6% of the CPU time of a small request.
  const accepted = new Map<string, Client>();

  async function readEntries(): Promise<Entry[]> {
    return [
      ...(token === undefined ? [] : [{ hash: await sha256(token), client: TOKEN_HOLDER }]),
      ...keys.map((key) => ({
        hash: Uint8Array.fromHex(key.sha256),
        client: clientOf(key),
      })),
    ];
  }

  async function identify(given: string | undefined): Promise<Client> {
    if (given === undefined || given === "") {
      throw unauthorized(
        `You didn't provide an API key. Send ${expected} in an Authorization header: Authorization: Bearer YOUR_TOKEN.`,
        null,
      );
    }
    const entry = findEntry(await (entries ??= readEntries()), await sha256(given));
    if (entry === undefined) {
      const what = given === PLACEHOLDER_TOKEN
        ? "the placeholder, which is not accepted once a token or keys are set"
        : masked(given);
      const message = `Incorrect API key provided: ${what}. It must be ${expected}.`;
      throw unauthorized(message, "invalid_api_key");
    }
    accepted.set(given, entry.client);
    return entry.client;
  }

  function enter(client: Client, exchange: Exchange): void {
    checkKey(client, date());
    exchange.client = client;
    exchange.logFields.client = client.id;
    if (client.key !== undefined) exchange.logFields.client_name = client.name;
  }

  return ({ headers }, exchange) => {
    if (exchange.match.route.open) return;
    if (unavailableReason !== undefined) throw new ApiError(503, unavailableReason);
    const given = tokenOf(headers);
    const client = accepted.get(given ?? "");
    if (client !== undefined) return enter(client, exchange);
    return identify(given).then((client) => enter(client, exchange));
  };
}

function checkKey({ key }: Client, date: number): void {
  const { enabled, expires } = key ?? {};
  if (enabled === false) throw unauthorized("This API key is disabled.", "api_key_disabled");
  if (expires !== undefined && expires <= date) {
    const message = `This API key expired on ${new Date(expires).toISOString()}.`;
    throw unauthorized(message, "api_key_expired");
  }
}

/**
 * Returns the client with this id and owner, whose token was checked before.
 *
 * @throws {ApiError} 401 if its key was removed or is not valid any more.
 */
export function findClient(
  config: ResolvedConfig,
  id: string,
  owner: string,
  date: number,
): Client {
  const holders = acceptedToken(config) === undefined ? [] : [TOKEN_HOLDER];
  const client = [...holders, ...config.keys.map(clientOf)].find((client) =>
    client.id === id && client.owner === owner
  );
  if (client === undefined) {
    throw unauthorized("The API key of this response was removed.", "invalid_api_key");
  }
  checkKey(client, date);
  return client;
}

/** A server without a token of its own accepts the placeholder; it only listens locally. */
function acceptedToken(config: ResolvedConfig): string | undefined {
  if (!config.hasRealToken) return PLACEHOLDER_TOKEN;
  return config.token === PLACEHOLDER_TOKEN ? undefined : config.token;
}

/**
 * Returns the first entry with this hash. Compares with all entries, so that the time taken does not
 * depend on which one matches.
 *
 * @internal
 */
export function findEntry<T extends { hash: Uint8Array }>(
  entries: readonly T[],
  hash: Uint8Array,
  equal: (a: Uint8Array, b: Uint8Array) => boolean = timingSafeEqual,
): T | undefined {
  return entries.filter((entry) => equal(entry.hash, hash))[0];
}

/** Reads the token from the headers of OpenAI, Azure or Anthropic. */
function tokenOf(headers: Headers): string | undefined {
  const value = headers.get("authorization") ?? "";
  const bearer = /^bearer\s/i.test(value) ? value.slice("bearer".length).trimStart() : "";
  return bearer || (headers.get("api-key") ?? headers.get("x-api-key") ?? undefined);
}

function masked(token: string): string {
  return token.length <= 8 ? "***" : `${token.slice(0, 2)}***${token.slice(-2)}`;
}

function unauthorized(message: string, code: string | null): ApiError {
  return new ApiError(401, message, { code, headers: { "www-authenticate": "Bearer" } });
}
