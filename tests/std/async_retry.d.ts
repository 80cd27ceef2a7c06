/** Calls `fn` until it does not throw: five times at most, with growing waits from one second. */
export function retry<T>(fn: () => Promise<T>): Promise<T>;
