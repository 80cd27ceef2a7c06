/** Calls of scripts that Redis refuses when they arrive too late. */

type Run<Name extends string> = (
  name: Name,
  keys: readonly string[],
  args: readonly (string | number)[],
) => Promise<unknown>;

/**
 * Returns a function that runs a script with a deadline. Without one, a call that has timed out could
 * take effect later, when a server that hung reads it from its buffers. The script's first two
 * arguments are a time that replaces that of Redis, or "", and the last time at which the script may
 * have an effect, or "". The script returns its time first, and second "late" if the deadline is over.
 *
 * @param options.now as in `RedisOptions`; there is no deadline then
 */
export function withDeadline<Name extends string>(
  run: Run<Name>,
  { timeoutMs, now }: { timeoutMs: number; now: (() => number) | undefined },
) {
  const clock = createRedisClock();

  async function runOnce(
    name: Name,
    keys: readonly string[],
    args: readonly (string | number)[],
    deadline: number,
  ): Promise<string[]> {
    const sentAt = performance.now();
    const time = now === undefined ? ["", clock.at(deadline)] : [now(), ""];
    const reply = await run(name, keys, [...time, ...args]) as string[];
    if (now === undefined) clock.read(Number(reply[0]), sentAt, performance.now());
    return reply;
  }

  return async (
    name: Name,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<string[]> => {
    const deadline = performance.now() + timeoutMs;
    let reply = await runOnce(name, keys, args, deadline);
    // The clock of Redis has been set, or another Redis has taken over: its time is known now.
    if (reply[1] === "late") reply = await runOnce(name, keys, args, deadline);
    if (reply[1] === "late") throw new Error("The time of the call is over");
    return reply;
  };
}

/**
 * Converts from `performance.now()` to the time of Redis, in ms since 1970. The result is behind by at
 * most the duration of the fastest answer, and ahead only if the clocks drift between two answers.
 */
export function createRedisClock() {
  let offset = NaN;
  return {
    /** Returns "" before the first answer. */
    at: (present: number) => Number.isNaN(offset) ? "" : offset + present,
    /** Redis read its time between `sentAt` and `receivedAt`. */
    read(time: number, sentAt: number, receivedAt: number): void {
      const [low, high] = [time - receivedAt, time - sentAt];
      if (!(offset >= low && offset <= high)) offset = low;
    },
  };
}
