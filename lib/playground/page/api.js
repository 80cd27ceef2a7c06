/**
 * The server, as the page talks to it.
 *
 * @module
 */

/**
 * @typedef {object} Model a model that the server publishes
 * @property {string} id
 * @property {string} [description]
 * @property {string} [strategy]
 */

/** A failure in the server's words. */
export class ApiFault extends Error {
  /**
   * @param {string} message what the server says
   * @param {number} [status] the HTTP status; 0 where there was none
   * @param {string | null} [code] OpenAI's error code
   */
  constructor(message, status = 0, code = null) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** The base URL of the API, wherever the page is mounted. */
export const BASE_URL = new URL("v1", document.baseURI).href;

/**
 * The models that a key may use.
 *
 * @param {string} key
 * @returns {Promise<Model[]>}
 */
export async function listModels(key) {
  const response = await send("/models", { headers: { authorization: `Bearer ${key}` } });
  return (await response.json()).data;
}

/**
 * Asks for a completion and yields its chunks.
 *
 * @param {string} key
 * @param {Record<string, unknown>} body
 * @param {AbortSignal} signal ends the work, the server's and the upstream's too
 * @returns {AsyncGenerator<any, void>}
 */
export async function* streamChat(key, body, signal) {
  const response = await send("/chat/completions", {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });
  if (response.body === null) throw new ApiFault("The server sent nothing.");
  for await (const data of eventsOf(response.body)) {
    if (data === "[DONE]") return;
    const chunk = JSON.parse(data);
    if (chunk.error) throw new ApiFault(chunk.error.message, 0, chunk.error.code);
    yield chunk;
  }
  throw new ApiFault("The stream ended before the answer was whole.");
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
    throw new ApiFault("The server can't be reached.");
  }
  if (response.ok) return response;
  const text = await response.text();
  try {
    const { error } = JSON.parse(text);
    throw new ApiFault(error.message, response.status, error.code);
  } catch (error) {
    if (error instanceof ApiFault) throw error;
    throw new ApiFault(text.slice(0, 500) || response.statusText, response.status);
  }
}

/**
 * The data of each server-sent event.
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
      // The end of an event can't lie before the last character that was there already.
      const from = Math.max(0, rest.length - 1);
      rest += decoder.decode(value, { stream: true });
      if (rest.indexOf("\n\n", from) < 0) continue;
      const events = rest.split("\n\n");
      rest = events.pop() ?? "";
      for (const event of events) {
        if (event.startsWith("data: ")) yield event.slice(6);
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
