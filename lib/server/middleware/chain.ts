import { toApiError } from "../../api/errors.ts";
import type { Exchange } from "../exchange.ts";

/**
 * Does its part before the handler. A response that it returns is sent instead of the handler's;
 * what it throws becomes an error response.
 */
export type Step = (
  request: Request,
  exchange: Exchange,
) => Response | void | Promise<Response | void>;

/** Adds headers to a response, also to one of an error. */
export type HeaderStep = (
  request: Request,
  exchange: Exchange,
  headers: Headers,
) => void | Promise<void>;

/**
 * Returns what answers a request: the steps in order, the handler that they have found, and the
 * headers. Never throws.
 */
export function chain(
  steps: readonly Step[],
  headerSteps: readonly HeaderStep[],
): (request: Request, exchange: Exchange) => Promise<Response> {
  async function run(request: Request, exchange: Exchange): Promise<Response> {
    for (const step of steps) {
      const result = step(request, exchange);
      const response = result instanceof Promise ? await result : result;
      if (response !== undefined) return response;
    }
    const { route, params } = exchange.match;
    const response = await route.handle(request, exchange, params);
    if (request.method !== "HEAD") return response;
    await response.body?.cancel();
    return new Response(null, response);
  }

  return async (request, exchange) => {
    let response: Response;
    try {
      response = await run(request, exchange);
      exchange.status = response.status;
      if (!exchange.isStreaming) exchange.finish();
    } catch (error) {
      exchange.finish(error);
      response = errorResponse(error, exchange);
    }
    for (const addHeaders of headerSteps) {
      const pending = addHeaders(request, exchange, response.headers);
      if (pending !== undefined) await pending;
    }
    exchange.stopWatching();
    return response;
  };
}

/** Turns whatever is thrown into an error response in the client's dialect. */
function errorResponse(thrown: unknown, { id, dialect }: Exchange): Response {
  const error = toApiError(thrown);
  const response = Response.json(dialect.errorBody(error, id), {
    status: dialect.statusCode(error.status, error.code),
    headers: error.headers,
  });
  if (error.shouldRetry !== undefined) {
    response.headers.set("x-should-retry", String(error.shouldRetry));
  }
  return response;
}
