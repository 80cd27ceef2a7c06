import { translate } from "./language/language.js";

/**
 * @typedef {object} Model
 * @property {string} id
 * @property {string} strategy
 * @property {Record<string, unknown>} options defaults of its strategy's options
 * @property {string[]} tools kinds of tools that the key may use
 */

/**
 * A field of a request's `reasoning`, as JSON Schema describes it.
 *
 * @typedef {object} OptionField
 * @property {"integer" | "number" | "boolean" | "string"} type
 * @property {string} [description]
 * @property {unknown} [default]
 * @property {number} [minimum]
 * @property {number} [maximum]
 * @property {string[]} [enum]
 */

/**
 * @typedef {object} Strategy
 * @property {string} name
 * @property {string} summary
 * @property {string} calls number of upstream calls
 * @property {string} latency number of calls in sequence
 * @property {Record<string, OptionField>} options
 */

export class ApiFault extends Error {
  /**
   * @param {string} message the server's own message, if it sent one
   * @param {number} [status] HTTP status; 0 without a response and for errors within a stream
   * @param {string | null} [param] field of the request that is invalid
   */
  constructor(message, status = 0, param = null) {
    super(message);
    this.status = status;
    this.param = param;
  }
}

/** Base URL of the API, relative to where the page is mounted. */
export const BASE_URL = new URL("v1", document.baseURI).href;

/**
 * Lists the models that the key may use, and all strategies.
 *
 * @param {string} key
 * @returns {Promise<{ data: Model[], strategies: Strategy[] }>}
 */
export const listModels = (key) => readJson(key, "/models");

/**
 * @param {string} key
 * @param {string} path below the base URL
 * @returns {Promise<any>}
 */
export async function readJson(key, path) {
  const response = await send(path, { headers: { authorization: `Bearer ${key}` } });
  return await response.json();
}

/**
 * Requests a chat completion and yields its chunks.
 *
 * @param {string} key
 * @param {Record<string, unknown>} body
 * @param {AbortSignal} signal aborting it also stops the work upstream
 * @returns {AsyncGenerator<any, void>}
 */
export async function* streamChat(key, body, signal) {
  const response = await send("/chat/completions", {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });
  if (response.body === null) throw new ApiFault(translate("The server sent an empty response."));
  for await (const data of eventsOf(response.body)) {
    if (data === "[DONE]") return;
    const chunk = JSON.parse(data);
    if (chunk.error) throw new ApiFault(chunk.error.message);
    yield chunk;
  }
  throw new ApiFault(translate("The stream ended before the answer was complete."));
}

/**
 * @param {string} path
 * @param {RequestInit} init
 */
async function send(path, init) {
  let response;
  try {
    response = await fetch(BASE_URL + path, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiFault(translate("The server can't be reached."));
  }
  if (response.ok) return response;
  const text = await response.text();
  try {
    const { error } = JSON.parse(text);
    throw new ApiFault(error.message, response.status, error.param);
  } catch (error) {
    if (error instanceof ApiFault) throw error;
    throw new ApiFault(text.slice(0, 500) || response.statusText, response.status);
  }
}

/**
 * Yields the data of each server-sent event.
 *
 * @param {ReadableStream<Uint8Array>} body
 */
async function* eventsOf(body) {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      // The separator may start at the last character of the previous chunk.
      const searchFrom = Math.max(0, rest.length - 1);
      rest += decoder.decode(value, { stream: true });
      if (rest.indexOf("\n\n", searchFrom) < 0) continue;
      const events = rest.split("\n\n");
      rest = events.pop() ?? "";
      for (const event of events) {
        // Comments may come before the data.
        const line = event.slice(event.lastIndexOf("\n") + 1);
        if (line.startsWith("data: ")) yield line.slice(6);
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
