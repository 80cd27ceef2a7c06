/**
 * The list of models in OpenAI's shape.
 *
 * @see {@link https://platform.openai.com/docs/api-reference/models}
 */
import type { StrategyDescription } from "../reasoning/strategies/mod.ts";

/** What a list says about a model, if the configuration does. */
export interface ModelFacts {
  /** Size of the context in tokens. */
  contextLength?: number | undefined;
  /** What the model reads, such as `text` and `image`. */
  inputModalities?: readonly string[] | undefined;
  /** What the model writes. */
  outputModalities?: readonly string[] | undefined;
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
  const { contextLength, inputModalities, outputModalities } = model;
  const architecture = {
    ...(inputModalities && { input_modalities: inputModalities }),
    ...(outputModalities && { output_modalities: outputModalities }),
  };
  return {
    ...{ id, object: "model", created, owned_by: "o1-api", name: id, description },
    ...{ strategy, options, tools },
    ...(contextLength !== undefined && { context_length: contextLength }),
    ...(Object.keys(architecture).length > 0 && { architecture }),
  };
}

/** What the answer to a list request is made from. */
export interface ModelListing {
  models: readonly ListedModel[];
  /** All that a request may choose, with the fields of `reasoning` that it may set. */
  strategies: readonly (StrategyDescription & { options: unknown })[];
  /** Seconds since 1970. */
  created: number;
  /** Parameters of the request. */
  query: URLSearchParams;
}

export function modelList(
  { models, strategies, created }: ModelListing,
): Record<string, unknown> {
  const data = models.map((model) => modelObject(model, created));
  return { object: "list", data, strategies };
}
