import { invalidRequest } from "../../api/errors.ts";
import type { Handler } from "../exchange.ts";
import type { Route } from "../router.ts";
import type { ListQuery } from "./conversation_store.ts";

/** A route that answers with JSON. `params` has the parameters that the path contains. */
export function jsonRoute(
  method: Route<Handler>["method"],
  path: string,
  answer: (
    owner: string,
    params: { id: string; item: string },
    request: Request,
  ) => Promise<unknown>,
): Route<Handler> {
  return {
    method,
    path,
    handle: async (request, { client }, params) =>
      Response.json(await answer(client.owner, params as { id: string; item: string }, request)),
  };
}

/**
 * The query parameters of a list.
 *
 * @throws {ApiError} 400 for an invalid one.
 */
export function listQuery(request: Request): ListQuery {
  const query = new URL(request.url).searchParams;
  const order = query.get("order") ?? "desc";
  if (order !== "asc" && order !== "desc") {
    throw invalidRequest(
      "order",
      "Invalid value for 'order'. Supported values are: 'asc' and 'desc'.",
    );
  }
  return {
    order,
    limit: integer(query, "limit", 1, 100) ?? 20,
    after: query.get("after") ?? undefined,
  };
}

/**
 * An integer query parameter, or undefined if it is absent.
 *
 * @throws {ApiError} 400 if it is invalid.
 */
export function integer(
  query: URLSearchParams,
  name: string,
  minimum: number,
  maximum = Number.MAX_SAFE_INTEGER,
): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const number = Number(text);
  if (Number.isInteger(number) && number >= minimum && number <= maximum) return number;
  throw invalidRequest(name, `Invalid value for '${name}': expected an integer >= ${minimum}.`);
}
