import type { ApiError } from "../errors.ts";

/** OpenAI's error object. All four keys are always present. */
export interface ErrorBody {
  error: { message: string; type: string; param: string | null; code: string | null };
}

export function errorBody({ message, type, param, code }: ApiError): ErrorBody {
  return { error: { message, type, param, code } };
}

/**
 * The last frame of a failed stream. Once part of the answer was sent, the type is one that clients
 * do not retry: a retry would repeat, and charge, the whole run.
 *
 * @param begun whether the client has received part of the answer.
 */
export function errorFrame(error: ApiError, begun: boolean): string {
  const body = errorBody(error);
  if (begun && error.status >= 500) body.error.type = "invalid_request_error";
  return `data: ${JSON.stringify(body)}\n\n`;
}
