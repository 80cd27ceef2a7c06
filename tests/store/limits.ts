/**
 * Runs one test over every back end of the limits.
 *
 * @module
 */
import type { Limit, Limiter, Taken } from "../../lib/store/limiter.ts";
import type { Store } from "../../lib/store/store.ts";
import { BACKENDS } from "./backends.ts";

/** A time that the tests begin at, in ms since 1970. */
export const START = Date.UTC(2026, 0, 1);

/** Runs `test` over every back end, or those of some kinds. */
export function limits(
  name: string,
  test: (limiter: Limiter, openAnother: () => Promise<Limiter>) => Promise<void>,
  kinds: readonly Store["kind"][] = ["memory", "sqlite", "kv", "redis"],
): void {
  for (const { kind, ignore, start } of BACKENDS.filter(({ kind }) => kinds.includes(kind))) {
    Deno.test({
      name: `${kind}: ${name}`,
      ignore,
      async fn() {
        await using backend = await start(() => START);
        await test(await backend.openLimiter(), () => backend.openLimiter());
      },
    });
  }
}

/** A limit. */
export function limitOf(kind: Limit["kind"], amount: number, windowMs = 60_000): Limit {
  return { key: `alice ${kind}`, kind, amount, windowMs };
}

/** What remains, whether it was granted, and the two times, of a take of one limit. */
export function told({ ok, states: [state] }: Taken): [boolean, number, number, number] {
  return [ok, state!.remaining, state!.retryAfterMs, state!.resetMs];
}
