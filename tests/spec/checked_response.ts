/**
 * Validates every response of the server while a test reads it. The checks do not change when
 * anything is read, written or cancelled.
 *
 * @module
 */
import { createResponseStreamChecker } from "./response_stream_checker.ts";
import { createStreamChecker } from "./stream_checker.ts";
import { InvalidWireError, type SchemaName, validate } from "./validate.ts";

/** Reads the text of a body in pieces, and throws {@linkcode InvalidWireError} if it is invalid. */
export interface TextChecker {
  push(text: string): void;
  end(): void;
}

/** Schemas of successful responses, by method and path without prefix. */
const OBJECTS: readonly [RegExp, SchemaName][] = [
  [/^\S+ \/chat\/completions$/, "CreateChatCompletionResponse"],
  [/^\S+ \/models$/, "ListModelsResponse"],
  [/^\S+ \/models\/.+$/, "Model"],
  [/^POST \/responses\/input_tokens$/, "TokenCountsResource"],
  [/^POST \/responses\/compact$/, "CompactResource"],
  [/^(POST \/responses|GET \/responses\/[^/]+|POST \/responses\/[^/]+\/cancel)$/, "Response"],
  [/^DELETE \/responses\/[^/]+$/, "DeletedResponse"],
  [/^GET \/responses\/[^/]+\/input_items$/, "ResponseItemList"],
  [/^(GET|POST) \/conversations\/[^/]+\/items$/, "ConversationItemList"],
  [/^GET \/conversations\/[^/]+\/items\/.+$/, "ConversationItem"],
  [/^DELETE \/conversations\/[^/]+\/items\/.+$/, "ConversationResource"],
  [/^DELETE \/conversations\/[^/]+$/, "DeletedConversationResource"],
  [/^(GET|POST) \/conversations(\/[^/]+)?$/, "ConversationResource"],
];

/** Paths that OpenAI's document does not describe. */
const OTHERS = /^\/(readyz|messages(\/.*)?)$/;

/** Returns the response with a body that fails to read where OpenAI's document does not allow it. */
export function checkResponse(request: Request, response: Response): Response {
  const checker = response.body === null ? undefined : checkerOf(request, response);
  if (checker === undefined) return response;
  const { status, statusText, headers } = response;
  return new Response(checkBody(response.body!, checker), { status, statusText, headers });
}

function checkerOf(request: Request, response: Response): TextChecker | undefined {
  const type = response.headers.get("content-type") ?? "";
  // The runtime does not check the Host header, and a long path takes long to normalize.
  const { pathname = "", searchParams } = URL.parse(request.url.slice(0, 4_096)) ?? {};
  const path = pathname.replace(/\/+$/, "").replace(/^(\/v1)+(?=\/|$)/, "");
  if (OTHERS.test(path) || request.headers.has("anthropic-version")) return undefined;
  if (response.status >= 400) return jsonChecker("ErrorResponse", type);
  if (type.startsWith("text/event-stream")) {
    if (path === "/chat/completions") return createStreamChecker();
    if (!path.startsWith("/responses")) return undefined;
    const startingAfter = searchParams!.get("starting_after");
    return createResponseStreamChecker(startingAfter === null ? -1 : Number(startingAfter));
  }
  const schema = OBJECTS.find(([pattern]) => pattern.test(`${request.method} ${path}`))?.[1];
  return schema && jsonChecker(schema, type);
}

function jsonChecker(schema: SchemaName, type: string): TextChecker {
  const pieces: string[] = [];
  return {
    push: (text) => void pieces.push(text),
    end() {
      if (!/^application\/json\b/.test(type)) {
        throw new InvalidWireError(`JSON must be application/json, not '${type}'`);
      }
      const text = pieces.join("");
      let json: unknown;
      try {
        json = JSON.parse(text);
      } catch {
        throw new InvalidWireError(`Invalid JSON: ${text}`);
      }
      validate(schema, json);
    },
  };
}

function checkBody(
  body: ReadableStream<Uint8Array>,
  checker: TextChecker,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let cancelled = false;
  // Without a queue, it reads exactly when it is read.
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (cancelled) return;
      try {
        checker.push(decoder.decode(value, { stream: !done }));
        if (done) checker.end();
      } catch (error) {
        // Over a socket the client sees only a broken body.
        console.error(error);
        reader.cancel(error).catch(() => {});
        throw error;
      }
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel(reason) {
      cancelled = true;
      return reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}
