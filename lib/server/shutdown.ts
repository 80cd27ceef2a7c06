/**
 * How the server ends when it is told to.
 *
 * @module
 */
import { type Clock, within } from "../clock.ts";

/** What ends, and how. */
export interface ShutdownOptions {
  /** Lets running work end; resolves when none is left or the grace is over. */
  drain(): Promise<void>;
  /** Closes the listener; resolves when the last answer is out. */
  close(): Promise<void>;
  /** Ends the process at once. */
  exit(code: number): void;
  /** The one clock. */
  clock: Clock;
  /** Told when the end begins. */
  onBegin(signal: string): void;
}

/** A second Ctrl-C sooner than this is the first one, forwarded by `deno task` or npx. */
const FORWARDED_MS = 1_000;

/** How long answers that were cut may take to go out. */
const CLOSE_MS = 2_000;

/**
 * Creates the handler of signals. The first begins a clean end. A repeated SIGTERM changes
 * nothing; a second SIGINT ends the process at once, unless it is the first one again.
 */
export function createSignalHandler(
  options: ShutdownOptions,
): (signal: "SIGINT" | "SIGTERM") => void {
  const { clock } = options;
  let interrupted: number | undefined;
  let ending = false;

  async function end(): Promise<void> {
    await options.drain();
    if (await within(clock, CLOSE_MS, options.close()) === "late") options.exit(1);
  }

  return (signal) => {
    const now = clock.now();
    if (signal === "SIGINT") {
      if (interrupted !== undefined && now - interrupted > FORWARDED_MS) return options.exit(130);
      interrupted ??= now;
    }
    if (ending) return;
    ending = true;
    options.onBegin(signal);
    end().catch(() => options.exit(1));
  };
}
