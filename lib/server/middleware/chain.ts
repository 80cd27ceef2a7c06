import type { Exchange } from "../exchange.ts";

/** Answers a request, or passes it on with `next`. What it throws becomes an error response. */
export type Middleware = (
  request: Request,
  exchange: Exchange,
  next: () => Promise<Response>,
) => Promise<Response>;

/** Puts middleware, outermost first, around the handler that the router has found. */
export function chain(
  middleware: readonly Middleware[],
): (request: Request, exchange: Exchange) => Promise<Response> {
  // deno-lint-ignore require-await -- what a handler throws must reject
  const handle = async (request: Request, exchange: Exchange): Promise<Response> => {
    const { route, params } = exchange.match;
    return route.handle(request, exchange, params);
  };
  return middleware.reduceRight<typeof handle>(
    (next, current) => (request, exchange) =>
      current(request, exchange, () => next(request, exchange)),
    handle,
  );
}
