import type { Config } from "../../config/schema/config.ts";

/** Settings that change only at the next start, besides the address to listen on. */
const FIXED = [
  "store",
  "store_ca_file",
  "store_wait_ms",
  "store_ttl_days",
  "metrics",
  "log",
] as const;
const FIXED_OF_SERVER = [
  "workers",
  "max_background",
  "shutdown_delay_ms",
  "shutdown_grace_ms",
] as const;

/** Returns a new configuration with the fixed settings of the running one, and those that differ. */
export function keepFixedSettings(next: Config, running: Config) {
  return {
    config: {
      ...next,
      ...pick(running, FIXED),
      server: { ...next.server, ...pick(running.server, FIXED_OF_SERVER) },
    },
    changed: [
      ...differences(next, running, FIXED),
      ...differences(next.server, running.server, FIXED_OF_SERVER).map((name) => `server.${name}`),
    ],
  };
}

function pick<T, Key extends keyof T>(from: T, keys: readonly Key[]): Pick<T, Key> {
  return Object.fromEntries(keys.map((key) => [key, from[key]])) as Pick<T, Key>;
}

function differences<T, Key extends keyof T>(a: T, b: T, keys: readonly Key[]): Key[] {
  return keys.filter((key) => JSON.stringify(a[key]) !== JSON.stringify(b[key]));
}
