import { type Dialect, isAtOrBelow } from "../dialect.ts";
import { type ApiError, typeInStream } from "../errors.ts";
import { openAiForm } from "../openai.ts";

/**
 * Codex, a client of Responses, retries every status except 400 and 429. It recognizes a spent quota
 * by the code of a 429.
 */
export const responsesDialect: Dialect = {
  ...openAiForm,
  matches: (path) => isAtOrBelow(path, "/responses"),
  statusCode: (status) => ({ 402: 429, 424: 400 })[status] ?? status,
};

/**
 * The fields of an error event. Clients read one of two forms: the flat one of OpenAI's document,
 * or the nested one that OpenAI sends.
 */
export function errorFields(error: ApiError, begun: boolean): Record<string, unknown> {
  const { code, message, param } = error;
  const type = typeInStream(error, error.type, begun);
  return { error: { type, code, message, param }, code, message, param };
}

/** Codes that clients act on: Codex shortens the conversation, or gives up. */
const CODES: ReadonlySet<string | null> = new Set([
  "context_length_exceeded",
  "insufficient_quota",
  "server_shutdown",
]);

/** The `error` of a response. All its codes but `server_shutdown` are OpenAI's. */
export function responseError(
  { status, code, message }: ApiError,
): { code: string; message: string } {
  if (code !== null && CODES.has(code)) return { code, message };
  if (status === 429) return { code: "rate_limit_exceeded", message };
  return { code: status >= 500 ? "server_error" : "invalid_prompt", message };
}
