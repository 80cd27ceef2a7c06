import { type Clock, within } from "../clock.ts";

export interface ShutdownOptions {
  /** Resolves when no work is left or the grace period is over. */
  drain(signal: ShutdownSignal): Promise<void>;
  /** Closes the listener; resolves when the last response has been sent. */
  close(): Promise<void>;
  exit(code: number): void;
  clock: Clock;
  onBegin(signal: ShutdownSignal): void;
}

export type ShutdownSignal = "SIGINT" | "SIGTERM";

/** `deno task` and npx forward Ctrl-C: a second SIGINT within this time is the same one. */
const FORWARDED_MS = 1_000;

/** Milliseconds for aborted responses to be sent. */
const CLOSE_MS = 2_000;

/**
 * Creates the handler of signals. The first signal begins a graceful shutdown. Another SIGTERM has
 * no effect; another SIGINT exits at once.
 */
export function createSignalHandler(
  { drain, close, exit, clock, onBegin }: ShutdownOptions,
): (signal: ShutdownSignal) => void {
  let interruptedAt: number | undefined;
  let ending = false;

  async function end(signal: ShutdownSignal): Promise<void> {
    await drain(signal);
    if (await within(clock, CLOSE_MS, close()) === "late") exit(1);
  }

  return (signal) => {
    const now = clock.now();
    if (signal === "SIGINT") {
      if (interruptedAt !== undefined && now - interruptedAt > FORWARDED_MS) return exit(130);
      interruptedAt ??= now;
    }
    if (ending) return;
    ending = true;
    onBegin(signal);
    end(signal).catch(() => exit(1));
  };
}
