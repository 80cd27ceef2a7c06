import { sha256 } from "./sha256.ts";

/** Tokens of two clients, alice and bob, of one server. */
export const KEYS = {
  alice: "sk-o1-alice00001-secret-of-alice",
  bob: "sk-o1-bob0000001-secret-of-bob",
};

export type ClientName = keyof typeof KEYS;

/**
 * Returns the `keys` of config.yaml, one a line.
 *
 * @param limits of each client, as a flow mapping's entries
 */
export async function keysYaml(limits: Partial<Record<ClientName, string>> = {}): Promise<string> {
  const entries = await Promise.all(
    Object.entries(KEYS).map(async ([name, key]) => {
      const limit = limits[name as ClientName];
      const more = limit === undefined ? "" : `, ${limit}`;
      return `  - { name: ${name}, sha256: ${await sha256(key)}${more} }\n`;
    }),
  );
  return `keys:\n${entries.join("")}`;
}

/** Returns the headers of a request by a client. */
export const as = (name: ClientName) => ({ authorization: `Bearer ${KEYS[name]}` });
