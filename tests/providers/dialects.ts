/**
 * A Chat Completions request in the client's dialects, and what each client reads.
 *
 * @module
 */
import { parseStream, type TestApp } from "../support/app.ts";
import { parseMessageStream } from "../support/parsers/messages.ts";
import { parseEvents } from "../support/parsers/responses.ts";
import type { Dialect, Mode } from "./fixture.ts";

// deno-lint-ignore no-explicit-any -- any request and any response
type Json = any;

export interface Result {
  status: number;
  text: string;
  thinking: string;
  calls: { id: string; name: string; arguments: string }[];
  /** The message of an error. */
  error: string;
  /** The whole response; that of a stream is put together from its events. */
  json: Json;
}

interface Client {
  path: string;
  /** Translates a request. */
  encode(request: Json): Json;
  /** Puts a stream together. */
  join(text: string): Json;
  read(json: Json): Omit<Result, "status" | "error" | "json">;
  /** Returns the request that sends the results of tools. */
  answerCalls(request: Json, result: Result, keepsFields: boolean): Json;
}

/** Sends a request in a dialect's own form. */
export async function sendAs(
  app: TestApp,
  dialect: Dialect,
  mode: Mode,
  request: Json,
): Promise<Result> {
  const { path, join, read } = CLIENTS[dialect];
  const headers: Record<string, string> = dialect === "messages"
    ? { "anthropic-version": "2023-06-01" }
    : {};
  const body = { ...request, stream: mode === "stream" };
  const response = await app.send(path, body, { headers });
  const text = await response.text();
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") ?? false;
  const json = isStream ? join(text) : JSON.parse(text);
  const error = json.error?.message ?? "";
  const { status } = response;
  const isError = status !== 200 || error !== "";
  const empty = { text: "", thinking: "", calls: [] };
  return { status, error, json, ...(isError ? empty : read(json)) };
}

export function encodeFor(dialect: Dialect, request: Json): Json {
  return CLIENTS[dialect].encode(request);
}

export function answerCalls(
  dialect: Dialect,
  request: Json,
  result: Result,
  keepsFields: boolean,
): Json {
  return CLIENTS[dialect].answerCalls(request, result, keepsFields);
}

const TOOL_RESULT = "The tool says 42.";

const texts = (content: Json): string =>
  typeof content === "string"
    ? content
    : (content ?? []).map((part: Json) => part.text ?? "").join("\n");

const chat: Client = {
  path: "/v1/chat/completions",
  encode: (request) => request,
  join(text) {
    const { chunks, error } = parseStream(text);
    const message: Json = { role: "assistant", content: "", reasoning_content: "" };
    const calls: Json[] = [];
    for (const chunk of chunks) {
      const { content, reasoning_content, tool_calls, role: _, ...rest } =
        chunk.choices[0]?.delta ?? {};
      message.content += content ?? "";
      message.reasoning_content += reasoning_content ?? "";
      for (const { index, function: fn, ...fields } of tool_calls ?? []) {
        const call = calls[index] ??= { function: { arguments: "" } };
        Object.assign(call, fields);
        call.function.name ??= fn?.name;
        call.function.arguments += fn?.arguments ?? "";
      }
      Object.assign(message, rest);
    }
    if (calls.length > 0) message.tool_calls = calls;
    const finish_reason = chunks.map((chunk) => chunk.choices[0]?.finish_reason).findLast(Boolean);
    return error === undefined ? { choices: [{ message, finish_reason }] } : { error };
  },
  read({ choices: [{ message }] }) {
    return {
      text: message.content ?? "",
      thinking: message.reasoning_content ?? "",
      calls: (message.tool_calls ?? []).map((call: Json) => ({ id: call.id, ...call.function })),
    };
  },
  answerCalls(request, { json, calls }, keepsFields) {
    const { message } = json.choices[0];
    const bare = {
      role: "assistant",
      content: message.content || null,
      tool_calls: message.tool_calls.map((call: Json) => ({
        id: call.id,
        type: "function",
        function: { name: call.function.name, arguments: call.function.arguments },
      })),
    };
    const results = calls.map(({ id }) => ({
      role: "tool",
      tool_call_id: id,
      content: TOOL_RESULT,
    }));
    const messages = [...request.messages, keepsFields ? message : bare, ...results];
    return { ...request, messages };
  },
};

const responses: Client = {
  path: "/v1/responses",
  encode({ messages, tools, response_format, max_tokens, reasoning_effort, ...rest }) {
    return {
      ...rest,
      store: false,
      include: ["reasoning.encrypted_content"],
      reasoning: { summary: "auto", ...(reasoning_effort ? { effort: reasoning_effort } : {}) },
      input: messages.flatMap(inputItems),
      ...(tools && { tools: tools.map((tool: Json) => ({ type: "function", ...tool.function })) }),
      ...(max_tokens && { max_output_tokens: max_tokens }),
      ...(response_format && { text: { format: responsesFormat(response_format) } }),
    };
  },
  join(text) {
    const last = parseEvents(text).at(-1);
    return last.response ?? { error: last };
  },
  read({ output }) {
    const ofType = (type: string) => output.filter((item: Json) => item.type === type);
    return {
      text: ofType("message").map(({ content }: Json) => texts(content)).join(""),
      thinking: ofType("reasoning").map(({ summary }: Json) => texts(summary)).join("\n"),
      calls: ofType("function_call")
        .map((item: Json) => ({ id: item.call_id, name: item.name, arguments: item.arguments })),
    };
  },
  answerCalls(request, { json, calls }, keepsFields) {
    const results = calls.map(({ id }) => ({
      type: "function_call_output",
      call_id: id,
      output: TOOL_RESULT,
    }));
    const kept = keepsFields ? json.output : calls.map((call) => ({
      type: "function_call",
      call_id: call.id,
      name: call.name,
      arguments: call.arguments,
    }));
    return { ...request, input: [...request.input, ...kept, ...results] };
  },
};

function inputItems({ role, content, tool_calls, tool_call_id }: Json): Json[] {
  if (role === "tool") {
    return [{ type: "function_call_output", call_id: tool_call_id, output: texts(content) }];
  }
  const type = role === "assistant" ? "output_text" : "input_text";
  const parts = typeof content !== "string" ? content ?? [] : [{ type: "text", text: content }];
  const converted = parts.map((part: Json) =>
    part.type === "image_url"
      ? { type: "input_image", image_url: part.image_url.url }
      : { type, text: part.text }
  );
  return [
    ...(converted.length > 0 ? [{ type: "message", role, content: converted }] : []),
    ...(tool_calls ?? []).map((call: Json) => ({
      type: "function_call",
      call_id: call.id,
      ...call.function,
    })),
  ];
}

function responsesFormat({ type, json_schema }: Json): Json {
  return { type, ...json_schema };
}

const messages: Client = {
  path: "/v1/messages",
  encode({ messages, tools, tool_choice, response_format, max_tokens, stop, ...rest }) {
    const system = messages.filter(({ role }: Json) => role === "system" || role === "developer");
    return {
      ...rest,
      max_tokens: max_tokens ?? 32_000,
      thinking: { type: "adaptive" },
      ...(system.length > 0 && {
        system: system.map(({ content }: Json) => texts(content)).join("\n\n"),
      }),
      messages: messages.filter((message: Json) => !system.includes(message)).map(blockMessage),
      ...(tools && {
        tools: tools.map(({ function: { name, description, parameters } }: Json) => ({
          name,
          description,
          input_schema: parameters,
        })),
      }),
      ...(tool_choice && { tool_choice: { type: tool_choice === "required" ? "any" : "auto" } }),
      ...(stop && { stop_sequences: [stop].flat() }),
      ...(response_format?.json_schema && {
        output_config: {
          format: { type: "json_schema", schema: response_format.json_schema.schema },
        },
      }),
    };
  },
  join(text) {
    const { message, error } = parseMessageStream(text);
    if (error !== undefined) return { error };
    for (const block of message.content) {
      if (block.type === "tool_use") block.input = JSON.parse(block.json || "{}");
      delete block.json;
    }
    return message;
  },
  read({ content }) {
    const ofType = (type: string) => content.filter((block: Json) => block.type === type);
    return {
      text: ofType("text").map(({ text }: Json) => text).join(""),
      thinking: ofType("thinking").map(({ thinking }: Json) => thinking).join("\n"),
      calls: ofType("tool_use")
        .map(({ id, name, input }: Json) => ({ id, name, arguments: JSON.stringify(input) })),
    };
  },
  answerCalls(request, { json, calls }, keepsFields) {
    const bare = json.content.filter(({ type }: Json) => type !== "thinking").map((block: Json) =>
      block.type === "tool_use"
        ? { type: "tool_use", id: block.id, name: block.name, input: block.input }
        : { type: "text", text: block.text }
    );
    const results = calls.map(({ id }) => ({
      type: "tool_result",
      tool_use_id: id,
      content: TOOL_RESULT,
    }));
    return {
      ...request,
      messages: [
        ...request.messages,
        { role: "assistant", content: keepsFields ? json.content : bare },
        { role: "user", content: results },
      ],
    };
  },
};

function blockMessage({ role, content, tool_calls, tool_call_id }: Json): Json {
  if (role === "tool") {
    const result = { type: "tool_result", tool_use_id: tool_call_id, content: texts(content) };
    return { role: "user", content: [result] };
  }
  if (typeof content === "string" && tool_calls === undefined) return { role, content };
  const parts = typeof content === "string" ? [{ type: "text", text: content }] : content ?? [];
  const blocks = parts.map((part: Json) => {
    if (part.type !== "image_url") return part;
    const [, media_type, data] = /^data:([^;]+);base64,(.*)$/.exec(part.image_url.url)!;
    return { type: "image", source: { type: "base64", media_type, data } };
  });
  const calls = (tool_calls ?? []).map(({ id, function: { name, arguments: json } }: Json) => ({
    type: "tool_use",
    id,
    name,
    input: JSON.parse(json || "{}"),
  }));
  return { role, content: [...blocks, ...calls] };
}

const CLIENTS: Record<Dialect, Client> = { chat, responses, messages };
