import type { KeyConfig } from "../config/schema/keys.ts";

/** The sender of a request, as its token identifies it. */
export interface Client {
  /** Name in logs and metrics; no secret. `token` for the holder of `api_bearer_token`. */
  id: string;
  /** Name for people. */
  name: string;
  /**
   * Owner of stored responses: the name, so that they survive a change of key. `default` for the
   * holder of `api_bearer_token`. At most 64 characters without a slash, because names of
   * collections contain it.
   */
  owner: string;
  /** Undefined for the holder of `api_bearer_token`. */
  key?: KeyConfig;
}

/** The client of a request whose token was not checked, or which needs none. */
export const ANONYMOUS: Client = { id: "", name: "", owner: "" };

/** The holder of `api_bearer_token`. */
export const TOKEN_HOLDER: Client = { id: "token", name: "token", owner: "default" };

export function clientOf(key: KeyConfig): Client {
  return { id: key.id, name: key.name, owner: key.name, key };
}
