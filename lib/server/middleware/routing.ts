import { type Handler, rawPath } from "../exchange.ts";
import type { Router } from "../router.ts";
import type { Middleware } from "./chain.ts";

/** Finds the route of a request; throws 404 or 405 if there is none. */
export function routing(router: Router<Handler>): Middleware {
  return async (request, exchange, next) => {
    const { method, url } = request;
    exchange.match = await router.find(method, exchange.path, rawPath(url));
    exchange.observer?.routed(exchange.match.route.path);
    const response = await next();
    if (method !== "HEAD") return response;
    await response.body?.cancel();
    return new Response(null, response);
  };
}
