import { type ApiError, typeInStream } from "../errors.ts";

/** OpenAI's error object. All four keys are always present. */
export function errorBody({ message, type, param, code }: ApiError) {
  return { error: { message, type, param, code } };
}

/** The last frame of a failed stream. */
export function errorFrame(error: ApiError, begun: boolean): string {
  const body = errorBody(error);
  body.error.type = typeInStream(error, error.type, begun);
  return `data: ${JSON.stringify(body)}\n\n`;
}
