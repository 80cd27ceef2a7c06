/**
 * The table of dialects. A new dialect adds its line before Chat Completions, which takes every
 * request.
 */
import { chatDialect } from "./chat/dialect.ts";
import type { Dialect } from "./dialect.ts";
import { messagesDialect } from "./messages/dialect.ts";
import { responsesDialect } from "./responses/dialect.ts";

const dialects: readonly Dialect[] = [messagesDialect, responsesDialect, chatDialect];

/**
 * Returns the dialect of a request.
 *
 * @param path without the `/v1` prefix.
 */
export function findDialect(path: string, headers: Headers): Dialect {
  return dialects.find((dialect) => dialect.matches(path, headers))!;
}
