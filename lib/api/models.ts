/**
 * The list of models in OpenAI's shape.
 *
 * @see {@link https://platform.openai.com/docs/api-reference/models}
 * @module
 */

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

export function modelList(
  models: readonly ListedModel[],
  created: number,
): Record<string, unknown> {
  return { object: "list", data: models.map((model) => modelObject(model, created)) };
}
