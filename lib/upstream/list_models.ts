import type { Clock } from "../clock.ts";
import { errorFromResponse, type Fetch, headersFor, toUpstreamError, urlOf } from "./attempt.ts";
import { UpstreamError } from "./errors/upstream_error.ts";
import type { UpstreamOptions } from "./options.ts";
import { readBody } from "./wire/bytes.ts";
import { withoutSecrets } from "./wire/secrets.ts";

const MAX_BYTES = 8_388_608;

export interface ListedModel {
  id: string;
  /** Size of its context. Undefined if the list does not name it. */
  contextTokens: number | undefined;
}

/**
 * Returns the models of an upstream.
 *
 * @throws {UpstreamError} for every failure of the upstream; the signal's reason on abort.
 */
export async function listModels(
  upstream: UpstreamOptions,
  apiKey: string | undefined,
  signal: AbortSignal,
  { clock, fetch }: { clock: Clock; fetch: Fetch },
): Promise<ListedModel[]> {
  try {
    const headers = headersFor(upstream, apiKey);
    const url = urlOf(upstream, "/models");
    const response = await fetch(url, { headers, redirect: "manual", signal });
    const reader = readBody(response, signal);
    if (response.status !== 200) {
      throw await errorFromResponse(response, reader, { upstream, clock });
    }
    return readModels(await reader.text(MAX_BYTES));
  } catch (caught) {
    signal.throwIfAborted();
    const error = toUpstreamError(caught);
    error.message = withoutSecrets(error.message, upstream);
    error.detail = withoutSecrets(error.detail, upstream);
    throw error;
  }
}

/** Reads the lists of OpenAI and of those that send the array alone. */
function readModels(text: string): ListedModel[] {
  try {
    const json = JSON.parse(text);
    const models: unknown[] = Array.isArray(json) ? json : json.data;
    return models.flatMap((model) => {
      const { id } = Object(model);
      return typeof id === "string" ? [{ id, contextTokens: contextOf(Object(model)) }] : [];
    });
  } catch {
    throw new UpstreamError("upstream_error", "The upstream's list of models can't be read.");
  }
}

/** llama.cpp, vLLM, OpenRouter and Together, Groq, and Mistral name it in these fields. */
function contextOf(model: Record<string, unknown>): number | undefined {
  const { meta, max_model_len, context_length, context_window, max_context_length } = model;
  const { n_ctx } = Object(meta);
  return [n_ctx, max_model_len, context_length, context_window, max_context_length]
    .find((tokens): tokens is number => Number.isSafeInteger(tokens) && Number(tokens) > 0);
}
