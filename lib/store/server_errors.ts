/** Milliseconds after which the same error is reported again. */
const REPORT_MS = 60_000;
const MAX_REPORTED = 20;

/** Returns a function that passes the messages of errors on, but repeats none within a minute. */
export function reportErrors(warn: (message: string) => void): (error: Error) => void {
  const reportedAt = new Map<string, number>();
  return ({ message }) => {
    const now = performance.now();
    if (now - (reportedAt.get(message) ?? -Infinity) < REPORT_MS) return;
    if (reportedAt.size >= MAX_REPORTED) reportedAt.clear();
    reportedAt.set(message, now);
    warn(message);
  };
}

const MAX_MESSAGE_LENGTH = 200;

/** Returns an error for a server that cannot be used. @param text without secrets */
export function serverError(place: string, text: string, code: string | undefined): Error {
  return Object.assign(
    new Error(`Cannot use ${place}: ${text.slice(0, MAX_MESSAGE_LENGTH)}`),
    code === undefined ? {} : { code },
  );
}

const MAX_RECONNECT_MS = 1_000;

/** Delay before a connection is tried again. */
export function reconnectDelayMs(failures: number): number {
  return Math.min(25 * 2 ** failures, MAX_RECONNECT_MS);
}
