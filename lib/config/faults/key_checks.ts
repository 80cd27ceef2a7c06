/**
 * What a single key's entry can't tell: whether keys get in each other's way, and whether what
 * they name exists.
 *
 * @module
 */
import type { Fault, Path } from "./fault.ts";
import { defaultKeyId, timeOf } from "../schema/keys.ts";
import { entries, mapping, textOf, textsOf } from "../raw.ts";
import { suggestion } from "./suggestion.ts";

/** Keys of one name that may be in use at once: the old one and the new one. */
const ROTATION = 2;

/** What the bearer token's client is called. */
const RESERVED = { id: "token", name: "default" } as const;

/** What keys are checked against. */
export interface KeyChecks {
  /** The ids of the published models. */
  models: readonly string[];
  /** Milliseconds since 1970: which keys have expired. */
  date: number;
}

interface Entry {
  path: Path;
  key: Record<string, unknown>;
}

/** The faults of `keys` and `limits`. */
export function keyFaults(root: Record<string, unknown>, checks: KeyChecks): Fault[] {
  const keys: Entry[] = !Array.isArray(root.keys) ? [] : root.keys.map((key, index) => ({
    path: ["keys", index],
    key: mapping(key),
  }));
  return [
    ...unknownModels(keys, checks.models),
    ...repeated(keys, "sha256", ({ sha256 }) => textOf(sha256), "is the hash of another key"),
    ...repeated(keys, "id", idOf, "is the id of another key"),
    ...reserved(keys),
    ...tooMany(keys.filter(({ key }) => isLive(key, checks.date))),
    ...withoutPrice(root, keys),
  ];
}

function idOf({ id, sha256 }: Record<string, unknown>): string | undefined {
  const hash = textOf(sha256);
  return textOf(id) ?? (hash === undefined ? undefined : defaultKeyId(hash));
}

function isLive({ enabled, expires }: Record<string, unknown>, date: number): boolean {
  // Whatever is wrong with either has been reported; it ends nothing.
  return enabled !== false && !(typeof expires === "string" && timeOf(expires) <= date);
}

function unknownModels(keys: readonly Entry[], models: readonly string[]): Fault[] {
  return keys.flatMap(({ path, key }) =>
    entries(key.models).filter(([, id]) => textsOf(id).some((each) => !models.includes(each)))
      .map(([index, id]) => ({
        path: [...path, "models", Number(index)],
        message: `there is no model '${id}'${suggestion(String(id), models)}`,
      }))
  );
}

function repeated(
  keys: readonly Entry[],
  field: string,
  valueOf: (key: Record<string, unknown>) => string | undefined,
  message: string,
): Fault[] {
  const seen = new Set<string>();
  return keys.flatMap(({ path, key }) => {
    const value = valueOf(key);
    if (value === undefined || !seen.has(value)) {
      if (value !== undefined) seen.add(value);
      return [];
    }
    // A hash that stands twice gives both the same id as well; one fault says it.
    if (field === "id" && textOf(key.id) === undefined) return [];
    return [{ path: [...path, field], message }];
  });
}

function reserved(keys: readonly Entry[]): Fault[] {
  return keys.flatMap(({ path, key }) =>
    Object.entries(RESERVED).filter(([field, name]) => key[field] === name).map(([field]) => ({
      path: [...path, field],
      message: "is what the holder of api_bearer_token is called; choose another",
    }))
  );
}

function tooMany(keys: readonly Entry[]): Fault[] {
  const counts = new Map<string, number>();
  return keys.flatMap(({ path, key }) => {
    const name = textOf(key.name);
    if (name === undefined) return [];
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    if (count <= ROTATION) return [];
    return [{
      path: [...path, "name"],
      message: `'${name}' has ${ROTATION} keys in use already, one to replace the other; ` +
        "remove one, or set its enabled to false",
    }];
  });
}

/** A limit of cost where nothing has a price would never be reached. */
function withoutPrice(root: Record<string, unknown>, keys: readonly Entry[]): Fault[] {
  const isPriced = entries(root.upstreams).some(([, upstream]) =>
    mapping(upstream).price !== undefined
  );
  if (isPriced) return [];
  const holders: Entry[] = [{ path: ["limits"], key: mapping(root.limits) }, ...keys];
  return holders.flatMap(({ path, key }) =>
    ["daily_usd", "monthly_usd"].filter((field) => key[field] !== undefined).map((field) => ({
      path: [...path, field],
      message: "needs upstreams.<name>.price: no upstream has one, so nothing would be counted",
    }))
  );
}
