/** Gateways read another model, address or key from these, so clients must not send them on. */
const WITHHELD: ReadonlySet<string> = new Set([
  "api_base",
  "api_key",
  "api_version",
  "base_url",
  "custom_llm_provider",
  "deployment_id",
  "extra_body",
  "extra_headers",
  "fallbacks",
  "headers",
  "mock_response",
  "model_list",
  "models",
  "preset",
  "provider",
  "route",
]);

/** Fields that dialects other than Chat Completions share with it. */
const SHARED: ReadonlySet<string> = new Set([
  "chat_template_kwargs",
  "frequency_penalty",
  "logit_bias",
  "min_p",
  "presence_penalty",
  "prompt_cache_key",
  "prompt_cache_retention",
  "repetition_penalty",
  "safety_identifier",
  "seed",
  "top_k",
  "user",
]);

type Fields = Readonly<Record<string, unknown>>;

/** Returns the fields that have a value, except those that the server uses or withholds. */
export function otherFields(body: Fields, own: ReadonlySet<string>): Fields | undefined {
  return withValues(body, (field) => !own.has(field) && !WITHHELD.has(field));
}

/**
 * Returns the fields of another dialect that have the same meaning in Chat Completions.
 *
 * @param more fields that the dialect has elsewhere.
 */
export function sharedFields(body: Fields, more: Fields): Fields | undefined {
  return withValues({ ...body, ...more }, (field) => field in more || SHARED.has(field));
}

function withValues(fields: Fields, isPassed: (field: string) => boolean): Fields | undefined {
  const passed = Object.entries(fields)
    .filter(([field, value]) => isPassed(field) && value !== undefined && value !== null);
  return passed.length === 0 ? undefined : Object.fromEntries(passed);
}
