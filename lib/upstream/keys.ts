import type { Clock } from "../clock.ts";
import type { UpstreamOptions } from "./options.ts";

export type KeyRing = ReturnType<typeof createKeyRing>;

/** Longest time for which a key is passed over, in milliseconds, whatever a provider asks for. */
const MAX_REST_MS = 3_600_000;

/** @param options returns the current options; read at each use, so that a reload keeps the turn. */
export function createKeyRing(
  clock: Clock,
  options: () => Pick<UpstreamOptions, "api_key" | "rotate">,
) {
  const allKeys = () => [options().api_key ?? []].flat();
  const restsUntil = new Map<string, number>();
  let last: string | undefined;

  const isReady = (key: string) => clock.now() >= (restsUntil.get(key) ?? 0);

  return {
    /**
     * Returns the key for the next request; undefined if there are no keys.
     *
     * @param refused the keys that the provider has refused during this call.
     */
    next(refused: readonly string[]): string | undefined {
      const keys = allKeys();
      if (keys.length < 2) return keys[0];
      const at = keys.indexOf(last!);
      const first = options().rotate === "round_robin" ? at + 1 : Math.max(0, at);
      const order = [...keys.slice(first), ...keys.slice(0, first)];
      const open = order.filter((key) => !refused.includes(key));
      return last = open.find(isReady) ?? open[0] ?? order.find(isReady) ?? order[0];
    },
    /**
     * Adds a key to `refused`, and passes over it for a while unless every key is refused.
     *
     * @param restMs how long, in milliseconds.
     * @returns whether another key may be tried.
     */
    refuse(key: string | undefined, refused: string[], restMs: number): boolean {
      if (key === undefined) return false;
      const keys = allKeys();
      for (const old of restsUntil.keys()) if (!keys.includes(old)) restsUntil.delete(old);
      restsUntil.set(key, clock.now() + Math.min(restMs, MAX_REST_MS));
      refused.push(key);
      return keys.some((other) => !refused.includes(other));
    },
  };
}
