/**
 * The table of dialects. A new dialect adds its line before OpenAI's, which takes every request.
 */
import { type Dialect, isAtOrBelow } from "./dialect.ts";
import { errorBody } from "./chat/errors.ts";
import { messagesDialect } from "./messages/dialect.ts";
import { modelList, modelObject } from "./models.ts";

/** Errors and models in OpenAI's form, for Chat Completions, Responses and everything else. */
const openAiDialect: Dialect = {
  matches: () => true,
  statusCode: (status) => status,
  errorBody,
  model: modelObject,
  modelList,
};

/**
 * Codex, a client of Responses, retries every status except 400 and 429. It recognizes a spent quota
 * by the code of a 429.
 */
const responsesDialect: Dialect = {
  ...openAiDialect,
  matches: (path) => isAtOrBelow(path, "/responses"),
  statusCode: (status) => ({ 402: 429, 424: 400 })[status] ?? status,
};

const dialects: readonly Dialect[] = [messagesDialect, responsesDialect, openAiDialect];

/**
 * Returns the dialect of a request.
 *
 * @param path without the `/v1` prefix.
 */
export function findDialect(path: string, headers: Headers): Dialect {
  return dialects.find((dialect) => dialect.matches(path, headers))!;
}
