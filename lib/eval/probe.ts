/** Checks that an API can be asked, before hundreds of questions fail one by one. */
import { readBody } from "../upstream/wire/bytes.ts";
import type { Clock } from "../clock.ts";
import { connectionMessage, readErrorBody } from "./ask/answer.ts";
import { send, withDeadline } from "./ask/request.ts";
import { InputError } from "./input_error.ts";
import type { Target } from "./target.ts";

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 8_388_608;

/**
 * Returns the model ids that an API lists; undefined if it has no such list or is too busy to
 * answer, as servers are that load a model.
 *
 * @throws {InputError} if the API can't be reached or rejects the key; the signal's reason.
 */
export async function listModels(
  target: Target,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<string[] | undefined> {
  const { baseUrl } = target;
  const late = new Error("timeout");
  try {
    return await withDeadline({ clock, signal, ms: TIMEOUT_MS, error: late }, async (signal) => {
      const response = await send(target, "/models", undefined, signal);
      const text = await readBody(response, signal).text(MAX_BYTES);
      if (response.status !== 401) return response.ok ? idsOf(text) : undefined;
      const reason = readErrorBody(text).message?.slice(0, 300) ?? "HTTP 401";
      throw new InputError(`${baseUrl} rejects the API key: ${reason}`);
    });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof InputError) throw error;
    if (error === late) return undefined;
    throw new InputError(`Can't reach ${baseUrl}: ${connectionMessage(error)}`);
  }
}

function idsOf(text: string): string[] | undefined {
  try {
    const ids: unknown[] = JSON.parse(text).data.map(({ id }: { id: unknown }) => id);
    return ids.every((id) => typeof id === "string") ? ids : undefined;
  } catch {
    return undefined;
  }
}
