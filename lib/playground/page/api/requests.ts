import { translate } from "../language/translate.ts";
import type { Chunk } from "./types.ts";

export class ApiFault extends Error {
  /**
   * @param message the server's own message, if it sent one
   * @param status HTTP status; 0 without a response and for errors within a stream
   * @param param field of the request that is invalid
   */
  constructor(
    message: string,
    readonly status = 0,
    readonly param: string | null = null,
  ) {
    super(message);
  }
}

/** Base URL of the API, relative to where the page is mounted. */
export const BASE_URL = new URL("v1", document.baseURI).href;

export async function readJson<T>(key: string, path: string): Promise<T> {
  const response = await send(path, { headers: { authorization: `Bearer ${key}` } });
  return await response.json();
}

/** Requests a chat completion and yields its chunks. Aborting it also stops the work upstream. */
export async function* streamChat(
  key: string,
  body: Record<string, unknown>,
  signal: AbortSignal,
): AsyncGenerator<Chunk, void> {
  const response = await send("/chat/completions", {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });
  if (response.body === null) throw new ApiFault(translate("The server sent an empty response."));
  for await (const data of eventsOf(response.body)) {
    if (data === "[DONE]") return;
    const chunk: Chunk & { error?: { message: string } } = JSON.parse(data);
    if (chunk.error) throw new ApiFault(chunk.error.message);
    yield chunk;
  }
  throw new ApiFault(translate("The stream ended before the answer was complete."));
}

async function send(path: string, init: RequestInit) {
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

/** Yields the data of each server-sent event. */
async function* eventsOf(body: ReadableStream<Uint8Array>) {
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
