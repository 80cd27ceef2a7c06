/**
 * The list of models in OpenAI's shape.
 *
 * @see {@link https://platform.openai.com/docs/api-reference/models}
 */
import type { StrategyDescription } from "../reasoning/strategies/mod.ts";

/** What a list says about a model, if the configuration does. */
export interface ModelFacts {
  /** Size of the context in tokens. */
  context_length?: number | undefined;
  /** What the model reads, such as `text` and `image`. */
  input_modalities?: readonly string[] | undefined;
  /** What the model writes. */
  output_modalities?: readonly string[] | undefined;
}

/** A published model as lists of models show it. */
export interface ListedModel extends ModelFacts {
  id: string;
  description: string;
  strategy: string;
  /** What the configuration or the strategy sets for requests that don't set it. */
  options: Readonly<Record<string, unknown>>;
  /** Kinds of the server's tools that the client may use with it. */
  tools: readonly string[];
}

/**
 * `name` repeats the id for clients that show names. The facts are written as OpenRouter does.
 *
 * @param created seconds since 1970.
 */
export function modelObject(
  model: ListedModel,
  created: number,
): Record<string, unknown> {
  const { id, description, strategy, options, tools } = model;
  const { context_length, input_modalities, output_modalities } = model;
  const hasModalities = input_modalities !== undefined || output_modalities !== undefined;
  return {
    ...{ id, object: "model", created, owned_by: "o1-api", name: id, description },
    ...{ strategy, options, tools, context_length },
    architecture: hasModalities ? { input_modalities, output_modalities } : undefined,
  };
}

export interface ModelListing {
  models: readonly ListedModel[];
  /** All that a request may choose, with the fields of `reasoning` that it may set. */
  strategies: readonly (StrategyDescription & { options: unknown })[];
  /** Seconds since 1970. */
  created: number;
  query: URLSearchParams;
}

export function modelList(
  { models, strategies, created }: ModelListing,
): Record<string, unknown> {
  const data = models.map((model) => modelObject(model, created));
  return { object: "list", data, strategies };
}
