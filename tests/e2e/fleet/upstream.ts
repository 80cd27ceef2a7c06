/** An upstream that answers each question with its id, token by token. */
import type { ServerName } from "./servers.ts";

/** Usage of every answer. */
export const USAGE = { prompt_tokens: 60, completion_tokens: 40, total_tokens: 100 };

export interface FleetUpstream extends AsyncDisposable {
  /** Without the name of a server and without /v1. */
  url: string;
  /** Returns the servers that have asked a question, or a turn of a conversation, by its id. */
  askedBy(id: string): readonly ServerName[];
  /** Number of answers that were given in full, of questions that begin with this prefix. */
  answered(prefix: string): number;
  /** Highest number of open calls of such questions. */
  peak(prefix: string): number;
  /** Sends the next token of the answer to {@linkcode PACED}. */
  next(): void;
}

/** Id of a question whose answer is sent token by token as the client wants. */
export const PACED = "paced";

/** Number of tokens of an answer. */
export const TOKENS = 12;
const TOKEN_MS = 80;

/** A question; its answer takes `seconds`. */
export const questionOf = (id: string, seconds = 1): string => `id=${id} seconds=${seconds}`;

export const answerOf = (id: string): string =>
  Array.from({ length: TOKENS }, (_, index) => `${id}-${index} `).join("").trim();

// deno-lint-ignore no-explicit-any -- messages of a request
type Message = any;

export function startFleetUpstream(): FleetUpstream {
  const askers = new Map<string, ServerName[]>();
  const answers = new Map<string, number>();
  const open: string[] = [];
  const peaks = new Map<string, number>();
  /** Tokens of {@linkcode PACED} that may be sent. */
  let allowed = 0;
  let more = Promise.withResolvers<void>();

  /** Counts the open calls by the letters at the beginning of their ids. */
  function begin(id: string): () => void {
    const prefix = prefixOf(id);
    open.push(prefix);
    const count = open.filter((other) => other === prefix).length;
    peaks.set(prefix, Math.max(peaks.get(prefix) ?? 0, count));
    let isOpen = true;
    return () => {
      if (isOpen) open.splice(open.indexOf(prefix), 1);
      isOpen = false;
    };
  }

  const utf8 = new TextEncoder();

  function toolCall(messages: Message[]): object | undefined {
    const text = String(messages.findLast(({ role }) => role === "user")?.content);
    const turns = Number(/tools=(\d+)/.exec(text)?.[1] ?? 0);
    const calls = messages.filter(({ role }) => role === "assistant");
    if (calls.length >= turns) return undefined;
    return {
      role: "assistant",
      content: null,
      reasoning_content: `thought ${calls.length} of ${text}`,
      tool_calls: [{
        id: `call_${calls.length}`,
        type: "function",
        function: { name: "add", arguments: "{}" },
      }],
    };
  }

  /** The reasoning that an earlier message lacks. */
  function missingReasoning(messages: Message[]): boolean {
    return messages.some(({ role, tool_calls, reasoning_content }, index) =>
      role === "assistant" && tool_calls?.length > 0 &&
      !String(reasoning_content).startsWith(
        `thought ${
          messages.slice(0, index).filter((message) => message.role === "assistant").length
        } `,
      )
    );
  }

  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const path = new URL(request.url).pathname;
    if (request.method === "GET") return new Response("{}", { status: 404 });
    const name = path.split("/")[1] as ServerName;
    const { messages, stream } = await request.json();
    const text = String(messages.findLast(({ role }: Message) => role === "user")?.content);
    const id = /id=(\S+)/.exec(text)?.[1] ?? "";
    const seconds = Number(/seconds=([\d.]+)/.exec(text)?.[1] ?? 1);
    askers.set(id, [...askers.get(id) ?? [], name]);
    if (missingReasoning(messages)) {
      const message = "The `reasoning_content` in the thinking mode must be passed back.";
      return Response.json({ error: { message } }, { status: 400 });
    }
    const head = { id: "up", created: 1, model: "x" };
    const call = toolCall(messages);
    async function pause(): Promise<void> {
      if (id !== PACED) {
        return await new Promise((resolve) => setTimeout(resolve, seconds * TOKEN_MS));
      }
      while (allowed === 0) await more.promise;
      allowed--;
    }
    const done = () => answers.set(id, (answers.get(id) ?? 0) + 1);
    const end = begin(id);
    request.signal.addEventListener("abort", end);
    if (!stream) {
      await pause();
      end();
      done();
      const message = call ?? { role: "assistant", content: answerOf(id) };
      const finish_reason = call === undefined ? "stop" : "tool_calls";
      const choices = [{ index: 0, message, finish_reason }];
      return Response.json({ ...head, object: "chat.completion", choices, usage: USAGE });
    }
    const chunk = (delta: object, more: object = {}) =>
      utf8.encode(`data: ${
        JSON.stringify({
          ...head,
          object: "chat.completion.chunk",
          choices: [{ index: 0, delta, finish_reason: null, ...more }],
        })
      }\n\n`);
    const words = answerOf(id).split(" ");
    const body = ReadableStream.from((async function* () {
      for (const [index, word] of words.entries()) {
        await pause();
        yield chunk({ content: index === 0 ? word : ` ${word}` });
      }
      end();
      done();
      yield chunk({}, { finish_reason: "stop" });
      yield utf8.encode(`data: ${JSON.stringify({ ...head, choices: [], usage: USAGE })}\n\n`);
      yield utf8.encode("data: [DONE]\n\n");
    })());
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    askedBy: (id) =>
      [...askers].flatMap(([asked, names]) =>
        asked === id || asked.startsWith(`${id}-turn`) ? names : []
      ),
    answered: (prefix) =>
      [...answers].filter(([id]) => id.startsWith(prefix))
        .reduce((sum, [, count]) => sum + count, 0),
    peak: (prefix) => peaks.get(prefix) ?? 0,
    next() {
      allowed++;
      more.resolve();
      more = Promise.withResolvers();
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const prefixOf = (id: string): string => /^[a-zA-Z]*/.exec(id)![0];
