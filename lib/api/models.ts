/**
 * The list of models, as clients ask for it.
 *
 * @see {@link https://platform.openai.com/docs/api-reference/models}
 * @module
 */

/** One model in OpenAI's shape. */
export interface ModelObject {
  /** The id that requests name. */
  id: string;
  /** Always `model`. */
  object: "model";
  /** Seconds since 1970. */
  created: number;
  /** Who serves it. */
  owned_by: string;
  /** The same id; read by clients that show names. */
  name: string;
  /** What it does, in one line. */
  description: string;
  /** The strategy that it reasons by. */
  strategy: string;
}

/** A published model as the list tells of it. */
export interface ListedModel {
  /** Its id. */
  id: string;
  /** What it does, in one line. */
  description: string;
  /** The strategy that it reasons by. */
  strategy: string;
}

/**
 * One model in OpenAI's shape.
 *
 * @param created seconds since 1970.
 */
export function modelObject(
  { id, description, strategy }: ListedModel,
  created: number,
): ModelObject {
  return { id, object: "model", created, owned_by: "o1-api", name: id, description, strategy };
}

/** The list of models in OpenAI's shape. */
export function modelList(
  models: readonly ListedModel[],
  created: number,
): { object: "list"; data: ModelObject[] } {
  return { object: "list", data: models.map((model) => modelObject(model, created)) };
}
