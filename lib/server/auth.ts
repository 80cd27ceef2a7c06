/**
 * Who may use the server.
 *
 * @module
 */
import { ApiError } from "../api/errors.ts";

/** Who asks. */
export interface Client {
  /** What logs and metrics call it; no secret. The one bearer token's is `token`. */
  id: string;
  /** Its name, for people. */
  name: string;
  /** Whose what it stores is. The one bearer token's is `default`. */
  owner: string;
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
   * @throws {ApiError} 401 without the right token.
   */
  check(headers: Headers): Promise<Client>;
}

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

/** Compares without telling by its time where the difference is. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ (b[i] ?? 0);
  return difference === 0;
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

/** Creates the check for the one token. */
export function createAuthenticator(token: string): Authenticator {
  let expected: Promise<Uint8Array> | undefined;
  const headers = { "www-authenticate": "Bearer" };
  return {
    async check(requestHeaders) {
      const given = tokenOf(requestHeaders);
      if (given === undefined || given === "") {
        throw new ApiError(
          401,
          "You didn't provide an API key. Send the server's api_bearer_token in an Authorization header: Authorization: Bearer YOUR_TOKEN.",
          { headers },
        );
      }
      expected ??= digest(token);
      if (!equal(await digest(given), await expected)) {
        throw new ApiError(
          401,
          `Incorrect API key provided: ${masked(given)}. It must be the server's api_bearer_token.`,
          { code: "invalid_api_key", headers },
        );
      }
      return TOKEN_HOLDER;
    },
  };
}
