/** The same error is reported again after this time. */
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
