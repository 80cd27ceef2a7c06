/**
 * Whether an API can be asked at all, found out before hundreds of questions fail one by one.
 *
 * @module
 */
import { readBody } from "../upstream/wire/bytes.ts";
import type { Clock } from "../clock.ts";
import { connectionMessage, readErrorObject } from "./ask/answer.ts";
import type { Target } from "./target.ts";

/** The API can't be asked; the message says why. */
export class ProbeError extends Error {
  /** The name of the class. */
  override readonly name = "ProbeError";
}

/** A server that loads a model may be busy; it is asked all the same. */
const TIMEOUT_MS = 10_000;
const MAX_BYTES = 8_388_608;

/**
 * Asks an API for its models.
 *
 * @returns the ids that it lists; undefined where it has no such list.
 * @throws {ProbeError} where it can't be reached or refuses the key, and the signal's reason.
 */
export async function listModels(
  { baseUrl, apiKey, send }: Target,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<string[] | undefined> {
  const late = new AbortController();
  const cancel = clock.timer(TIMEOUT_MS, () => late.abort());
  const either = AbortSignal.any([signal, late.signal]);
  const headers = new Headers(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` });
  try {
    const response = await send(new Request(`${baseUrl}/models`, { headers, signal: either }));
    const text = await readBody(response, either).text(MAX_BYTES);
    if (response.status === 401) {
      throw new ProbeError(`${baseUrl} refuses the key: ${messageOf(text) ?? "HTTP 401"}`);
    }
    return response.ok ? idsOf(text) : undefined;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ProbeError) throw error;
    if (late.signal.aborted) return undefined;
    throw new ProbeError(`Can't reach ${baseUrl}: ${connectionMessage(error)}`);
  } finally {
    cancel();
  }
}

function messageOf(text: string): string | undefined {
  try {
    return readErrorObject(JSON.parse(text).error).message?.slice(0, 300);
  } catch {
    return undefined;
  }
}

function idsOf(text: string): string[] | undefined {
  try {
    const { data } = JSON.parse(text);
    const ids = data.map(({ id }: { id: unknown }) => id);
    return ids.every((id: unknown) => typeof id === "string") ? ids : undefined;
  } catch {
    return undefined;
  }
}
