/**
 * A scripted upstream over real HTTP. It never waits for time; a test that needs an order of events
 * sets a `gate`.
 *
 * @module
 */

import { waitFor } from "./wait.ts";

export interface Reply {
  /** HTTP status. Default: 200. */
  status?: number;
  headers?: Record<string, string>;
  /** The body, instead of a completion. */
  body?: string | Uint8Array<ArrayBuffer>;
  /** The answer. A stream sends each element as a chunk. */
  content?: string | readonly string[] | null;
  /** Reasoning before the answer. */
  reasoning?: string | readonly string[];
  /** Field of the reasoning. Default: `reasoning_content`. */
  reasoningField?: string;
  toolCalls?: readonly {
    id: string;
    name: string;
    arguments: string | readonly string[];
  }[];
  /** Default: `stop`, or `tool_calls` with tool calls. */
  finish?: string | null;
  /** Default: 10 and 5 tokens. Null for none. */
  usage?: Record<string, unknown> | null;
  /** Frames of the stream, instead of a completion's. Objects become `data:` lines. */
  frames?: readonly (string | object | Uint8Array<ArrayBuffer>)[];
  /** How the stream ends: with `[DONE]` (default), without it, with a reset, or never. */
  end?: "done" | "eof" | "cut" | "stall";
  /** Awaited before the headers are sent. */
  before?: Promise<unknown>;
  /** Awaited before each frame. */
  gate?: (frame: number) => Promise<unknown> | void;
}

export interface Call {
  /** Number of the call, from 0. */
  index: number;
  /** Path and query. */
  path: string;
  headers: Headers;
  // deno-lint-ignore no-explicit-any -- tests read any field
  body: any;
  /** Resolves when the caller disconnects before the answer is complete. */
  readonly left: Promise<void>;
}

export interface Upstream extends AsyncDisposable {
  /** Base URL, ending in /v1. */
  url: string;
  calls: Call[];
  /** Resolves after this number of calls. Default: 1. */
  called(count?: number): Promise<void>;
  /** Number of answers in progress. */
  readonly open: number;
}

/**
 * Starts an upstream. The last reply of a list is repeated.
 *
 * @param options `listsModels`: whether requests for the list of models are calls; a server reads it
 * in the background. By default they get 404, and do not count. `samples`: whether the script answers
 * requests for several samples. By default they are rejected, and do not count.
 */
export function startUpstream(
  script: readonly Reply[] | ((call: Call) => Reply | Promise<Reply>),
  { listsModels = false, samples = false } = {},
): Upstream {
  const calls: Call[] = [];
  const arrivals = new EventTarget();
  let open = 0;
  const controller = new AbortController();
  const server = Deno.serve(
    {
      port: 0,
      hostname: "127.0.0.1",
      signal: controller.signal,
      onListen() {},
      onError: (error) => new Response(String(error), { status: 500 }),
    },
    async (request) => {
      const left = Promise.withResolvers<void>();
      const url = new URL(request.url);
      if (!listsModels && request.method === "GET" && url.pathname.endsWith("/models")) {
        return new Response("{}", { status: 404 });
      }
      const body = await request.json().catch(() => undefined);
      if (!samples && body?.n > 1) {
        const message = "Unrecognized request argument supplied: n";
        return Response.json({ error: { message } }, { status: 400 });
      }
      const call: Call = {
        index: calls.length,
        path: url.pathname + url.search,
        headers: request.headers,
        body,
        get left() {
          return waitFor(`the caller of call ${this.index} to disconnect`, left.promise);
        },
      };
      calls.push(call);
      arrivals.dispatchEvent(new Event("call"));
      open++;
      let over = false;
      const end = () => {
        if (!over) open--;
        over = true;
      };
      const leave = () => {
        end();
        left.resolve();
      };
      request.signal.addEventListener("abort", () => !over && leave());
      const reply = typeof script === "function"
        ? await script(call)
        : script[Math.min(call.index, script.length - 1)]!;
      await Promise.race([reply.before, left.promise]);
      return respond(reply, call, end, leave);
    },
  );
  const { port } = server.addr as Deno.NetAddr;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    calls,
    async called(count = 1) {
      while (calls.length < count) {
        await waitFor(
          `call ${count} to the upstream`,
          new Promise((resolve) => arrivals.addEventListener("call", resolve, { once: true })),
        );
      }
    },
    get open() {
      return open;
    },
    async [Symbol.asyncDispose]() {
      controller.abort();
      await server.finished;
    },
  };
}

function respond(
  reply: Reply,
  call: Call,
  end: () => void,
  leave: () => void,
): Response {
  const status = reply.status ?? 200;
  if (reply.body !== undefined) {
    end();
    const type = typeof reply.body === "string" && reply.body.startsWith("{") ? "json" : "plain";
    const headers = {
      "content-type": type === "json" ? "application/json" : "text/html",
    };
    return new Response(reply.body, {
      status,
      headers: { ...headers, ...reply.headers },
    });
  }
  if (!call.body?.stream && reply.frames === undefined) {
    end();
    return Response.json(completion(reply), {
      status,
      headers: reply.headers ?? {},
    });
  }
  const frames = reply.frames ??
    chunks(reply, call.body?.stream_options?.include_usage === true);
  return new Response(streamOf(frames, reply, end, leave), {
    status,
    headers: { "content-type": "text/event-stream", ...reply.headers },
  });
}

function streamOf(
  frames: readonly (string | object | Uint8Array)[],
  reply: Reply,
  end: () => void,
  leave: () => void,
): ReadableStream<Uint8Array> {
  const utf8 = new TextEncoder();
  let at = 0;
  return new ReadableStream({
    async pull(controller) {
      if (at < frames.length) {
        await reply.gate?.(at);
        const frame = frames[at++]!;
        const bytes = frame instanceof Uint8Array ? frame : utf8.encode(
          typeof frame === "string" ? frame : `data: ${JSON.stringify(frame)}\n\n`,
        );
        controller.enqueue(bytes);
        return;
      }
      if (reply.end === "stall") return new Promise(() => {});
      end();
      if (reply.end === "cut") return controller.error(new Error("cut"));
      if (reply.end !== "eof") {
        controller.enqueue(utf8.encode("data: [DONE]\n\n"));
      }
      controller.close();
    },
    cancel: leave,
  });
}

const USAGE = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
const HEAD = { id: "up-1", created: 1, model: "scripted" };
const list = (value: string | readonly string[] | null | undefined) =>
  value === undefined || value === null ? [] : typeof value === "string" ? [value] : [...value];

function completion(reply: Reply): object {
  const reasoning = list(reply.reasoning).join("");
  return {
    ...HEAD,
    object: "chat.completion",
    choices: [{
      index: 0,
      message: {
        role: "assistant",
        content: reply.content === undefined || reply.content === null
          ? null
          : list(reply.content).join(""),
        ...(reasoning === "" ? {} : { [reply.reasoningField ?? "reasoning_content"]: reasoning }),
        ...(reply.toolCalls === undefined ? {} : {
          tool_calls: reply.toolCalls.map((call) => ({
            id: call.id,
            type: "function",
            function: {
              name: call.name,
              arguments: list(call.arguments).join(""),
            },
          })),
        }),
      },
      finish_reason: finishOf(reply),
    }],
    ...(reply.usage === null ? {} : { usage: reply.usage ?? USAGE }),
  };
}

function finishOf(reply: Reply): string | null {
  if (reply.finish !== undefined) return reply.finish;
  return reply.toolCalls === undefined ? "stop" : "tool_calls";
}

/** Returns the chunks of a streamed reply. */
export function chunks(reply: Reply, includeUsage: boolean): object[] {
  const out: object[] = [];
  const add = (delta: object, finish: string | null = null) =>
    out.push({
      ...HEAD,
      object: "chat.completion.chunk",
      choices: [{ index: 0, delta, finish_reason: finish }],
    });
  add({ role: "assistant", content: "" });
  for (const text of list(reply.reasoning)) {
    add({ [reply.reasoningField ?? "reasoning_content"]: text });
  }
  for (const text of list(reply.content)) add({ content: text });
  reply.toolCalls?.forEach((call, index) => {
    const { id, name } = call;
    add({
      tool_calls: [{
        index,
        id,
        type: "function",
        function: { name, arguments: "" },
      }],
    });
    for (const text of list(call.arguments)) {
      add({ tool_calls: [{ index, function: { arguments: text } }] });
    }
  });
  const finish = finishOf(reply);
  if (finish !== null) add({}, finish);
  if (includeUsage && reply.usage !== null) {
    out.push({ ...HEAD, choices: [], usage: reply.usage ?? USAGE });
  }
  return out;
}

/** Returns a thinking step as the model writes it. */
export function step(
  title: string,
  content: string,
  next = "continue",
): string {
  return JSON.stringify({ title, content, next_action: next });
}

/** Splits a text into pieces of `size` characters. */
export function pieces(text: string, size = 4): string[] {
  const out: string[] = [];
  for (let i = 0; i < text.length; i += size) out.push(text.slice(i, i + size));
  return out;
}

/** Returns true if a call asks for a thinking step, not for the answer. */
export function isThinking({ body }: Pick<Call, "body">): boolean {
  const last = String(body.messages.at(-1)?.content);
  return body.messages.some((message: { role: string; content: unknown }) =>
    message.role === "system" && String(message.content).includes('"next_action"')
  ) && !/Please provide the final answer|required form/.test(last);
}
