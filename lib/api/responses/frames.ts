/**
 * The frames of a response's stream: numbered, gathered, and taken as they are sent.
 *
 * @module
 */
import type { ApiError } from "../errors.ts";

/** The frames of one stream. */
export interface ResponseFrames {
  /**
   * Adds a frame.
   *
   * @param fields the event's own fields as JSON, without braces.
   */
  add(type: string, fields: string): void;
  /** The frames that were not taken yet. */
  take(): string;
}

/**
 * Creates an empty stream.
 *
 * @param startingAfter events up to this number are counted and left out.
 */
export function createResponseFrames(startingAfter: number): ResponseFrames {
  let sequence = 0;
  let frames = "";
  return {
    add(type, fields) {
      const number = sequence++;
      if (number <= startingAfter) return;
      frames +=
        `event: ${type}\ndata: {"type":"${type}","sequence_number":${number},${fields}}\n\n`;
    },
    take() {
      const taken = frames;
      frames = "";
      return taken;
    },
  };
}

/**
 * The fields of an error event. Clients know one of two shapes: the document's flat one, and the
 * nested one that is sent.
 *
 * @param begun whether the client has seen any of the work; then no client is to run it again.
 */
export function errorFields(
  { status, type, code, message, param }: ApiError,
  begun: boolean,
): string {
  const error = {
    type: begun && status >= 500 ? "invalid_request_error" : type,
    code,
    message,
    param,
  };
  return `"error":${JSON.stringify(error)},${
    JSON.stringify({ code, message, param }).slice(1, -1)
  }`;
}

/** A part of a message's content. */
export function contentPart(kind: "text" | "refusal", text: string): Record<string, unknown> {
  return kind === "text"
    ? { type: "output_text", annotations: [], logprobs: [], text }
    : { type: "refusal", refusal: text };
}
