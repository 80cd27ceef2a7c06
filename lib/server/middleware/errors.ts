import { toApiError } from "../../api/errors.ts";
import type { Middleware } from "./chain.ts";

/** Turns whatever is thrown into an error response in the client's dialect. */
export const errorResponses: Middleware = async (_request, { id, dialect }, next) => {
  try {
    return await next();
  } catch (thrown) {
    const error = toApiError(thrown);
    const response = Response.json(dialect.errorBody(error, id), {
      status: dialect.statusCode(error.status),
      headers: error.headers,
    });
    if (error.shouldRetry !== undefined) {
      response.headers.set("x-should-retry", String(error.shouldRetry));
    }
    return response;
  }
};
