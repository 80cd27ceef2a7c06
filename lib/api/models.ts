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
}

/**
 * One model in OpenAI's shape.
 *
 * @param created seconds since 1970.
 */
export function modelObject(id: string, created: number): ModelObject {
  return { id, object: "model", created, owned_by: "o1-api" };
}

/** The list of models in OpenAI's shape. */
export function modelList(
  ids: readonly string[],
  created: number,
): { object: "list"; data: ModelObject[] } {
  return { object: "list", data: ids.map((id) => modelObject(id, created)) };
}
