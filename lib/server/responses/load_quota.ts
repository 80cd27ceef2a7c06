import { ApiError } from "../../api/errors.ts";
import type { ServerSettings } from "../../config/resolve.ts";

/** Maximum number of stored items that a request can refer to. A conversation of as many is full. */
export const MAX_ITEMS = 20_000;

export type StoreSettings = Pick<ServerSettings, "max_body_bytes">;

export type LoadQuota = ReturnType<typeof createLoadQuota>;

/**
 * Counts what one request loads from the store. It may refer to twice as much as it may send: what is
 * stored has more fields.
 */
export function createLoadQuota({ max_body_bytes }: StoreSettings) {
  const maxLength = 2 * max_body_bytes;
  let items = 0;
  let length = 0;
  return {
    /**
     * Adds a loaded text, or the attempt to load one.
     *
     * @param count number of items in it.
     * @throws {ApiError} 400 if the request has loaded too much.
     */
    add(text = "", count = 1): void {
      items += count;
      length += text.length;
      if (items > MAX_ITEMS || length > maxLength) throw tooLarge(maxLength);
    },
  };
}

function tooLarge(maxLength: number): ApiError {
  return new ApiError(
    400,
    `The request refers to more than ${MAX_ITEMS} stored items or ${maxLength} characters. Refer to fewer items, or start a new conversation.`,
    { code: "context_length_exceeded", param: "input" },
  );
}

export function conversationIsFull(id: string): ApiError {
  return new ApiError(
    400,
    `The conversation '${id}' is full. Delete items, or create a new conversation.`,
    { code: "context_length_exceeded", param: "conversation" },
  );
}
