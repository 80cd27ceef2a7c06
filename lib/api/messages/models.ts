/**
 * The list of models in Anthropic's shape.
 *
 * @see {@link https://docs.anthropic.com/en/api/models-list}
 */
import type { ListedModel, ModelListing } from "../models.ts";

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 1_000;

/** @param created seconds since 1970. */
export function messagesModel(
  { id, context_length }: ListedModel,
  created: number,
): Record<string, unknown> {
  return {
    type: "model",
    id,
    display_name: id,
    created_at: new Date(created * 1000).toISOString(),
    capabilities: null,
    lifecycle: "active",
    line: null,
    max_input_tokens: context_length ?? null,
    max_tokens: null,
    deprecated_at: null,
    retires_at: null,
  };
}

/** Returns the page of the list that the query's `limit`, `after_id` and `before_id` choose. */
export function messagesModelList(
  { models, created, query }: ModelListing,
): Record<string, unknown> {
  const requested = Number(query.get("limit") ?? DEFAULT_LIMIT);
  const limit = Number.isInteger(requested) && requested >= 1
    ? Math.min(requested, MAX_LIMIT)
    : DEFAULT_LIMIT;
  const indexOf = (name: string) => models.findIndex(({ id }) => id === query.get(name));
  const [after, before] = [indexOf("after_id"), indexOf("before_id")];
  const start = before >= 0 ? Math.max(0, before - limit) : after + 1;
  const end = before >= 0 ? before : start + limit;
  const data = models.slice(start, end).map((model) => messagesModel(model, created));
  return {
    data,
    has_more: before >= 0 ? start > 0 : end < models.length,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
  };
}
