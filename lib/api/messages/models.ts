/**
 * The list of models, in Anthropic's shape.
 *
 * @see {@link https://docs.anthropic.com/en/api/models-list}
 * @module
 */
import type { ListedModel } from "../models.ts";

/** Models of one page, unless the client says otherwise; and the most it can ask for. */
const PAGE = 20;
const LONGEST_PAGE = 1_000;

/**
 * One model.
 *
 * @param created seconds since 1970.
 */
export function messagesModel({ id }: ListedModel, created: number): Record<string, unknown> {
  return {
    type: "model",
    id,
    display_name: id,
    created_at: new Date(created * 1000).toISOString(),
    capabilities: null,
    lifecycle: "active",
    line: null,
    max_input_tokens: null,
    max_tokens: null,
    deprecated_at: null,
    retires_at: null,
  };
}

/**
 * A page of the list.
 *
 * @param created seconds since 1970.
 * @param query the request's `limit`, `after_id` and `before_id`.
 */
export function messagesModelList(
  models: readonly ListedModel[],
  created: number,
  query: URLSearchParams,
): Record<string, unknown> {
  const asked = Number(query.get("limit") ?? PAGE);
  const limit = Number.isInteger(asked) && asked >= 1 ? Math.min(asked, LONGEST_PAGE) : PAGE;
  const place = (name: string) => models.findIndex(({ id }) => id === query.get(name));
  const [after, before] = [place("after_id"), place("before_id")];
  const from = before >= 0 ? Math.max(0, before - limit) : after + 1;
  const to = before >= 0 ? before : from + limit;
  const data = models.slice(from, to).map((model) => messagesModel(model, created));
  return {
    data,
    has_more: before >= 0 ? from > 0 : to < models.length,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
  };
}
