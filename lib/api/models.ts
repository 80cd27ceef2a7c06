/**
 * The list of models in OpenAI's shape.
 *
 * @see {@link https://platform.openai.com/docs/api-reference/models}
 * @module
 */

import { describeStrategies } from "../reasoning/strategies/mod.ts";

/** A published model. */
export interface ListedModel {
  id: string;
  description: string;
  strategy: string;
}

/**
 * `name` repeats the id for clients that show names.
 *
 * @param created seconds since 1970.
 */
export function modelObject(
  { id, description, strategy }: ListedModel,
  created: number,
): Record<string, unknown> {
  return { id, object: "model", created, owned_by: "o1-api", name: id, description, strategy };
}

/** Besides the models, lists all strategies that a request may choose. */
export function modelList(
  models: readonly ListedModel[],
  created: number,
): Record<string, unknown> {
  const data = models.map((model) => modelObject(model, created));
  return { object: "list", data, strategies: describeStrategies() };
}
