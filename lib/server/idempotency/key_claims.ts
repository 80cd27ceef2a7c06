import { ApiError } from "../../api/errors.ts";
import { type Clock, within } from "../../clock.ts";
import { sha256 } from "../../sha256.ts";
import { CALL_MS, type Charge, type Limiter } from "../../store/limiter.ts";
import type { StartRun } from "../runs.ts";

/** Lifetime of a claim whose server was killed, in milliseconds. */
const CLAIM_MS = 30_000;
const RENEW_MS = CLAIM_MS / 3;

/** How long a run waits for the limiter, in milliseconds. */
const WAIT_MS = 250;

export type KeyClaims = ReturnType<typeof createKeyClaims>;

/**
 * Lets one server at a time run the requests with an idempotency key. While the limiter does not
 * answer, all of them may run.
 */
export function createKeyClaims({ limiter, clock }: { limiter: Limiter; clock: Clock }) {
  async function claim(charge: Charge): Promise<() => Promise<void>> {
    const release = () => limiter.settle([{ ...charge, cost: 0 }]).catch(() => {});
    const unknown = () => undefined;
    const taken = await within(clock, WAIT_MS, limiter.take([charge]).catch(unknown));
    if (taken === "late" || taken === undefined) {
      // It may still be taken until then.
      clock.timer(CALL_MS, release);
      return () => Promise.resolve();
    }
    if (!taken.ok) throw inUse();
    let renewal = Promise.resolve();
    let stopRenewing = clock.timer(RENEW_MS, renew);
    function renew(): void {
      renewal = limiter.renew([charge]).catch(() => {});
      stopRenewing = clock.timer(RENEW_MS, renew);
    }
    return async () => {
      stopRenewing();
      // A renewal that arrives after the release would take the lease again.
      await within(clock, WAIT_MS, renewal.then(release));
    };
  }

  return {
    /**
     * Returns a run that fails with status 409 if one with the same key runs on another server.
     *
     * @param key of any length, among those of the owner
     */
    exclusive(owner: string, key: string, start: StartRun): StartRun {
      return async function* (signal) {
        const hash = await sha256(key);
        const end = await claim({
          limit: {
            key: `client:${owner}:run:${hash.toHex()}`,
            amount: 1,
            windowMs: CLAIM_MS,
            kind: "sum",
          },
          cost: 1,
          lease: crypto.randomUUID(),
        });
        try {
          yield* start(signal);
        } finally {
          await end();
        }
      };
    },
  };
}

function inUse(): ApiError {
  const message = "A request with this idempotency key is running. Try again when it has ended.";
  return new ApiError(409, message, {
    code: "idempotency_key_in_use",
    headers: { "retry-after": "1" },
    shouldRetry: true,
  });
}
