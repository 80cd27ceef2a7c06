import type { Clock } from "../../clock.ts";

export interface Endpoint {
  /** Without a trailing slash. */
  baseUrl: string;
  /** Bearer token, if the API needs one. */
  apiKey: string | undefined;
  send(request: Request): Promise<Response>;
}

/** Sends a GET request, or a POST request if there is a body. */
export function send(
  { baseUrl, apiKey, send }: Endpoint,
  path: string,
  body?: unknown,
  signal: AbortSignal | null = null,
): Promise<Response> {
  const headers = new Headers();
  if (apiKey !== undefined) headers.set("authorization", `Bearer ${apiKey}`);
  if (body === undefined) return send(new Request(baseUrl + path, { headers, signal }));
  headers.set("content-type", "application/json");
  const init = { method: "POST", headers, signal, body: JSON.stringify(body) };
  return send(new Request(baseUrl + path, init));
}

export interface Deadline {
  clock: Clock;
  signal: AbortSignal;
  ms: number;
  /** Thrown after `ms` milliseconds. */
  error: Error;
}

/** @throws the deadline's error or the signal's reason, whatever an abort looks like to `work`. */
export async function withDeadline<T>(
  { clock, signal, ms, error }: Deadline,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const cancel = clock.timer(ms, () => late.abort(error));
  const stop = AbortSignal.any([signal, late.signal]);
  try {
    return await work(stop);
  } catch (failure) {
    stop.throwIfAborted();
    throw failure;
  } finally {
    cancel();
  }
}
