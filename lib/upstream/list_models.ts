import type { Clock } from "../clock.ts";
import { errorFromResponse, type Fetch, headersFor, toUpstreamError, urlOf } from "./attempt.ts";
import { UpstreamError } from "./errors.ts";
import type { UpstreamOptions } from "./options.ts";
import { readBody } from "./wire/bytes.ts";
import { withoutSecrets } from "./wire/secrets.ts";

const MAX_BYTES = 8_388_608;

/**
 * Returns the ids of an upstream's models.
 *
 * @throws {UpstreamError} for every failure of the upstream; the signal's reason on abort.
 */
export async function listModels(
  upstream: UpstreamOptions,
  apiKey: string | undefined,
  signal: AbortSignal,
  { clock, fetch }: { clock: Clock; fetch: Fetch },
): Promise<string[]> {
  try {
    const headers = headersFor(upstream, apiKey);
    const url = urlOf(upstream, "/models");
    const response = await fetch(url, { headers, redirect: "manual", signal });
    const reader = readBody(response, signal);
    if (response.status !== 200) {
      throw await errorFromResponse(response, reader, { upstream, clock });
    }
    return readIds(await reader.text(MAX_BYTES));
  } catch (caught) {
    signal.throwIfAborted();
    const error = toUpstreamError(caught);
    error.message = withoutSecrets(error.message, upstream);
    error.detail = withoutSecrets(error.detail, upstream);
    throw error;
  }
}

/** Reads the lists of OpenAI and of those that send the array alone. */
function readIds(text: string): string[] {
  try {
    const json = JSON.parse(text);
    const models: unknown[] = Array.isArray(json) ? json : json.data;
    return models.flatMap((model) => {
      const { id } = Object(model);
      return typeof id === "string" ? [id] : [];
    });
  } catch {
    throw new UpstreamError("upstream_error", "The upstream's list of models can't be read.");
  }
}
