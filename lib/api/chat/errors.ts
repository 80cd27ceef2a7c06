import { type ApiError, typeInStream } from "../errors.ts";
import { errorBody } from "../openai.ts";

/** The last frame of a failed stream. */
export function errorFrame(error: ApiError, begun: boolean): string {
  const body = errorBody(error);
  body.error.type = typeInStream(error, error.type, begun);
  return `data: ${JSON.stringify(body)}\n\n`;
}
