/**
 * Checks every answer of the server's while a test reads it, without changing when anything is
 * read, written or cancelled.
 *
 * @module
 */
import { createResponseStreamChecker } from "./response_stream_checker.ts";
import { createStreamChecker } from "./stream_checker.ts";
import {
  InvalidWireError,
  validateCompletion,
  validateConversation,
  validateConversationItem,
  validateConversationItems,
  validateDeletedConversation,
  validateDeletedResponse,
  validateError,
  validateInputItems,
  validateModel,
  validateModelList,
  validateResponse,
  validateTokenCount,
} from "./validate.ts";

/** Takes the text of a body piece by piece, and throws where it is wrong. */
export interface TextChecker {
  /** Takes the next characters. */
  push(text: string): void;
  /** The body is over. */
  end(): void;
}

/** What an answer of status 200 has to be, by the method and the path without its prefix. */
const OBJECTS: readonly [RegExp, (json: unknown) => void][] = [
  [/^\S+ \/chat\/completions$/, validateCompletion],
  [/^\S+ \/models$/, validateModelList],
  [/^\S+ \/models\/.+$/, validateModel],
  [/^POST \/responses\/input_tokens$/, validateTokenCount],
  [/^(POST \/responses|GET \/responses\/[^/]+|POST \/responses\/[^/]+\/cancel)$/, validateResponse],
  [/^DELETE \/responses\/[^/]+$/, validateDeletedResponse],
  [/^GET \/responses\/[^/]+\/input_items$/, validateInputItems],
  [/^(GET|POST) \/conversations\/[^/]+\/items$/, validateConversationItems],
  [/^GET \/conversations\/[^/]+\/items\/.+$/, validateConversationItem],
  [/^DELETE \/conversations\/[^/]+\/items\/.+$/, validateConversation],
  [/^DELETE \/conversations\/[^/]+$/, validateDeletedConversation],
  [/^(GET|POST) \/conversations(\/[^/]+)?$/, validateConversation],
];

/** Paths whose answers have shapes of their own. */
const OTHERS = /^\/(readyz|messages(\/.*)?)$/;

/**
 * An answer whose body is checked while it is read: what OpenAI's document does not describe
 * makes the read fail.
 */
export function checkResponse(request: Request, response: Response): Response {
  const checker = response.body === null ? undefined : checkerOf(request, response);
  if (checker === undefined) return response;
  const { status, statusText, headers } = response;
  return new Response(checkBody(response.body!, checker), { status, statusText, headers });
}

function checkerOf(request: Request, response: Response): TextChecker | undefined {
  const { pathname, searchParams } = new URL(request.url);
  const path = pathname.replace(/\/+$/, "").replace(/^(\/v1)+(?=\/|$)/, "");
  const type = response.headers.get("content-type") ?? "";
  if (OTHERS.test(path) || request.headers.has("anthropic-version")) return undefined;
  if (response.status >= 400) return jsonChecker(validateError, type);
  if (type.startsWith("text/event-stream")) {
    if (path === "/chat/completions") return createStreamChecker();
    if (!path.startsWith("/responses")) return undefined;
    const startingAfter = searchParams.get("starting_after");
    return createResponseStreamChecker(startingAfter === null ? -1 : Number(startingAfter));
  }
  const asked = `${request.method} ${path}`;
  const validate = OBJECTS.find(([pattern]) => pattern.test(asked))?.[1];
  return validate && jsonChecker(validate, type);
}

function jsonChecker(validate: (json: unknown) => void, type: string): TextChecker {
  const pieces: string[] = [];
  return {
    push: (text) => void pieces.push(text),
    end() {
      if (!/^application\/json\b/.test(type)) {
        throw new InvalidWireError(`JSON has to be application/json, not '${type}'`);
      }
      const text = pieces.join("");
      let json: unknown;
      try {
        json = JSON.parse(text);
      } catch {
        throw new InvalidWireError(`no JSON: ${text}`);
      }
      validate(json);
    },
  };
}

function checkBody(
  body: ReadableStream<Uint8Array>,
  checker: TextChecker,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let left = false;
  // No queue of its own: it reads exactly when it is read.
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (left) return;
      try {
        checker.push(decoder.decode(value, { stream: !done }));
        if (done) checker.end();
      } catch (error) {
        // Over a socket the client sees no more than a broken body.
        console.error(error);
        reader.cancel(error).catch(() => {});
        throw error;
      }
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel(reason) {
      left = true;
      return reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}
