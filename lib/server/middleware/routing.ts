import { ApiError } from "../../api/errors.ts";
import { type Handler, MAX_PATH_LENGTH, rawPath } from "../exchange.ts";
import type { Router } from "../router.ts";
import type { Middleware } from "./chain.ts";

/** Finds the route of a request; throws 404 or 405 if there is none. */
export function routing(router: Router<Handler>): Middleware {
  return async (request, exchange, next) => {
    checkUrl(request);
    exchange.match = await router.find(request.method, exchange.path);
    exchange.observer?.routed(exchange.match.route.path);
    const response = await next();
    if (request.method !== "HEAD") return response;
    await response.body?.cancel();
    return new Response(null, response);
  };
}

/**
 * Rejects a URL that later code could not read. The runtime puts the Host header before the path
 * without checking it: a slash or a question mark in it would change the path.
 */
function checkUrl({ url, headers }: Request): void {
  const isHost = /^[\w.:[\]~%-]*$/.test(headers.get("host") ?? "");
  if (!isHost || !URL.canParse(url)) throw new ApiError(400, "Invalid Host header.");
  if (rawPath(url).length > MAX_PATH_LENGTH) {
    throw new ApiError(414, `The path is longer than ${MAX_PATH_LENGTH} characters.`);
  }
}
