import type { Report } from "../faults/fault.ts";
import { defaultKeyId, timeOf } from "../schema/keys.ts";
import type { LenientKey } from "./lenient.ts";

/** Keys of one name that may be in use: an old one and its replacement. */
const MAX_KEYS_IN_USE = 2;

/** Names of the client that sends the bearer token. */
const RESERVED = { id: "token", name: "default" } as const;

export function checkKeys(keys: readonly LenientKey[], reportAt: Report): void {
  const hashes = new Set<string>();
  const ids = new Set<string>();
  const inUse = new Map<string, number>();
  for (const [index, entry] of keys.entries()) {
    const report = (field: string, message: string) => reportAt(["keys", index, field], message);

    const { name, id, sha256 } = entry;
    if (isRepeated(hashes, sha256)) report("sha256", "is the hash of another key");
    // A default id is only repeated if the hash is.
    if (isRepeated(ids, id ?? (sha256 && defaultKeyId(sha256))) && id !== undefined) {
      report("id", "is the id of another key");
    }
    for (const [field, reserved] of Object.entries(RESERVED)) {
      if (entry[field as keyof typeof RESERVED] !== reserved) continue;
      report(field, "is reserved for the client that sends api_bearer_token; choose another");
    }
    const isDisabled = entry.enabled === false || timeOf(entry.expires ?? "") <= Date.now();
    if (name === undefined || isDisabled) continue;
    inUse.set(name, (inUse.get(name) ?? 0) + 1);
    if (inUse.get(name)! > MAX_KEYS_IN_USE) {
      report(
        "name",
        `'${name}' already has ${MAX_KEYS_IN_USE} keys in use, one to replace the other; ` +
          "remove one, or set its enabled to false",
      );
    }
  }
}

function isRepeated(seen: Set<string>, value: string | undefined): boolean {
  if (value === undefined || seen.has(value)) return value !== undefined;
  seen.add(value);
  return false;
}
