/**
 * Who may use the server.
 *
 * @module
 */
import { ApiError } from "../../api/errors.ts";
import type { KeyConfig } from "../../config/schema/keys.ts";

/** Who asks. */
export interface Client {
  /** What logs and metrics call it; no secret. The one bearer token's is `token`. */
  id: string;
  /** Its name, for people. */
  name: string;
  /** Whose what it stores is: its name, so that a new key finds it. The bearer token's is `default`. */
  owner: string;
  /** Its key; the holder of the one bearer token has none. */
  key?: KeyConfig;
}

/** Who uses what needs no token. */
export const NOBODY: Client = { id: "", name: "", owner: "" };

/** Who has the one bearer token. */
const TOKEN_HOLDER: Client = { id: "token", name: "token", owner: "default" };

/** Checks the token of a request. */
export interface Authenticator {
  /**
   * Checks the token that the headers bring.
   *
   * @returns whose it is.
   * @throws {ApiError} 401 without a token that may be used.
   */
  check(headers: Headers): Promise<Client>;
}

/** What clients are known by. */
export interface AuthenticatorOptions {
  /** The one bearer token; undefined: none is taken. */
  token: string | undefined;
  /** The clients' own keys. */
  keys: readonly KeyConfig[];
  /** Milliseconds since 1970: which keys have expired. */
  date: () => number;
}

/** What a token that is known is compared by. */
interface Entry {
  /** SHA-256 of the token. */
  hash: Uint8Array;
  client: Client;
}

/** The SHA-256 of a text. */
async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

/** Compares without telling by its time where the difference is. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ (b[i] ?? 0);
  return difference === 0;
}

/**
 * The first entry with this hash. All are compared, whichever it is, so that the time tells
 * nothing of who is known.
 *
 * @param same compares two hashes.
 * @internal
 */
export function findEntry<T extends { hash: Uint8Array }>(
  entries: readonly T[],
  hash: Uint8Array,
  same: (a: Uint8Array, b: Uint8Array) => boolean = equal,
): T | undefined {
  let found: T | undefined;
  for (const entry of entries) {
    const isSame = same(entry.hash, hash);
    found = isSame && found === undefined ? entry : found;
  }
  return found;
}

/** The token that a request brings: as a bearer, or in the headers of Azure and Anthropic. */
function tokenOf(headers: Headers): string | undefined {
  const bearer = /^bearer\s+(.+)$/i.exec(headers.get("authorization") ?? "")?.[1];
  return bearer ?? headers.get("api-key") ?? headers.get("x-api-key") ?? undefined;
}

/** As much of a token as may be shown. */
function masked(token: string): string {
  return token.length <= 8 ? "***" : `${token.slice(0, 2)}***${token.slice(-2)}`;
}

const HEADERS = { "www-authenticate": "Bearer" };

function refused(message: string, code: string | null): ApiError {
  return new ApiError(401, message, { code, headers: HEADERS });
}

/** Creates the check. */
export function createAuthenticator({ token, keys, date }: AuthenticatorOptions): Authenticator {
  // Until a request comes, nothing has to be hashed.
  let known: Promise<Entry[]> | undefined;
  // A hash takes longer than all the rest of a small request. Only tokens that are right get in
  // here, and how long a whole token takes to be found says nothing of its parts.
  const proven = new Map<string, Entry>();
  const wanted = keys.length === 0
    ? "the server's api_bearer_token"
    : token === undefined
    ? "one of the server's keys"
    : "the server's api_bearer_token or one of its keys";
  const readEntries = async (): Promise<Entry[]> => [
    ...(token === undefined ? [] : [{ hash: await digest(token), client: TOKEN_HOLDER }]),
    ...keys.map((key) => ({
      hash: Uint8Array.fromHex(key.sha256),
      client: { id: key.id, name: key.name, owner: key.name, key },
    })),
  ];
  return {
    async check(headers) {
      const given = tokenOf(headers);
      if (given === undefined || given === "") {
        throw refused(
          `You didn't provide an API key. Send ${wanted} in an Authorization header: Authorization: Bearer YOUR_TOKEN.`,
          null,
        );
      }
      const entry = proven.get(given) ??
        findEntry(await (known ??= readEntries()), await digest(given));
      if (entry === undefined) {
        const message = `Incorrect API key provided: ${masked(given)}. It must be ${wanted}.`;
        throw refused(message, "invalid_api_key");
      }
      proven.set(given, entry);
      const { key } = entry.client;
      if (key?.enabled === false) {
        throw refused("This API key has been disabled.", "api_key_disabled");
      }
      if (key?.expires !== undefined && key.expires <= date()) {
        throw refused(
          `This API key expired on ${new Date(key.expires).toISOString()}.`,
          "api_key_expired",
        );
      }
      return entry.client;
    },
  };
}
