import type { Limit, Limiter, TakeResult } from "../../lib/store/limiter.ts";
import type { Store } from "../../lib/store/store.ts";
import { BACKENDS } from "../support/backends.ts";
import { skippedFor } from "../support/skip.ts";

/** Start of the tests, in ms since 1970. */
export const START = Date.UTC(2026, 0, 1);

/** Runs a test on every back end, or on those of some kinds. */
export function limits(
  name: string,
  test: (limiter: Limiter, openAnother: () => Promise<Limiter>) => Promise<void>,
  kinds: readonly Store["kind"][] = ["memory", "sqlite", "kv", "redis"],
): void {
  for (const { kind, skipReason, start } of BACKENDS.filter(({ kind }) => kinds.includes(kind))) {
    Deno.test({
      ...skippedFor(skipReason, `${kind}: ${name}`),
      async fn() {
        await using backend = await start(() => START);
        await test(await backend.openLimiter(), () => backend.openLimiter());
      },
    });
  }
}

export function limitOf(kind: Limit["kind"], amount: number, windowMs = 60_000): Limit {
  return { key: `alice ${kind}`, kind, amount, windowMs };
}

/** Success, remaining units, retry delay and reset delay of a take from one limit. */
export function summary({ ok, states: [state] }: TakeResult): [boolean, number, number, number] {
  return [ok, state!.remaining, state!.retryAfterMs, state!.resetMs];
}
