import { z } from "zod";
import { parseBody } from "../../api/body.ts";
import type { Handler } from "../exchange.ts";
import type { Route } from "../router.ts";

/** A metered route that answers with JSON. `params` has the parameters that the path contains. */
export function jsonRoute(
  method: Route<Handler>["method"],
  path: string,
  answer: (owner: string, params: PathParameters, request: Request) => Promise<unknown>,
): Route<Handler> {
  return {
    method,
    path,
    meter: method === "GET" ? "read" : "request",
    handle: async (request, { client }, params) =>
      Response.json(await answer(client.owner, params as unknown as PathParameters, request)),
  };
}

interface PathParameters {
  id: string;
  item: string;
}

const integer = (minimum: number, maximum = Infinity) =>
  z.string().transform(Number).refine(
    (number) => Number.isInteger(number) && number >= minimum && number <= maximum,
    `expected an integer ${maximum < Infinity ? `from ${minimum} to ${maximum}` : `>= ${minimum}`}`,
  );

export const listQuery = z.object({
  /** Id of the item before the first one. */
  after: z.string().optional(),
  limit: integer(1, 100).default(20),
  order: z.enum(["asc", "desc"]).default("desc"),
});

export type ListQuery = z.output<typeof listQuery>;

export const streamQuery = z.object({
  /** Number of the last event that the client has. */
  starting_after: integer(-1).optional(),
});

/** @throws {ApiError} 400 for an invalid parameter. */
export function readQuery<T>(request: Request, schema: z.ZodType<T>): T {
  return parseBody(schema, Object.fromEntries(new URL(request.url).searchParams));
}
