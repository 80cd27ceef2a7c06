/**
 * Events in, a response out: the events of a stream in their order, and the object.
 *
 * @see {@link https://platform.openai.com/docs/api-reference/responses-streaming}
 * @module
 */
import type { FinishReason, ReasoningEvent, ToolCallEvent } from "../reasoning/events.ts";
import type { Collector, Encoder } from "./dialect.ts";
import type { ApiError } from "./errors.ts";
import type { Item } from "./responses_body.ts";
import { itemId } from "./responses_items.ts";
import {
  responseError,
  type ResponseObject,
  type ResponseStatus,
  responseUsage,
} from "./responses_object.ts";
import { createSummaryText } from "./summary_text.ts";

/** How a response is written. */
export interface ResponseWriterOptions {
  /** The response at its beginning. */
  head: ResponseObject;
  /** Whether the steps are shown as summary parts. */
  summaries: boolean;
  /** Whether status lines are shown among them. */
  statusLines: boolean;
  /** Makes the blob that brings private thinking back; only where the client asked for it. */
  seal?: ((thinking: string) => Promise<string>) | undefined;
  /** Token counts, where no event will tell them. */
  usage?: Record<string, unknown> | null;
  /** Events up to this number are left out, for a client that has them. */
  startingAfter?: number | undefined;
  /** The current time, in milliseconds since 1970. */
  date: () => number;
}

/** Writes one response, both ways at once. */
export interface ResponseWriter extends Encoder, Collector {
  /** The frames that an event adds. */
  push(event: ReasoningEvent): string | Promise<string>;
  /** The response as it stands. */
  response(): ResponseObject;
  /** The upstream's private thinking before the calls or the answer; empty where there is none. */
  thinking(): string;
}

interface OpenMessage {
  item: Item;
  index: number;
  parts: Record<string, unknown>[];
  kind: "text" | "refusal" | undefined;
  pieces: string[];
  before: string;
}

interface OpenCall {
  item: Item;
  index: number;
  pieces: string[];
  before: string;
}

/** Creates the writer of one response. */
export function createResponseWriter(options: ResponseWriterOptions): ResponseWriter {
  const { head, startingAfter = -1 } = options;
  const output: Item[] = [];
  const calls = new Map<number, OpenCall>();
  let sequence = 0;
  let response = head;
  let message: OpenMessage | undefined;
  let reasoning: { item: Item; index: number } | undefined;
  let thinking = "";
  const summary = createSummaryText(options.statusLines);
  let part: { index: number; pieces: string[]; before: string } | undefined;
  const parts: { type: "summary_text"; text: string }[] = [];

  function frame(type: string, fields: string): string {
    const number = sequence++;
    if (number <= startingAfter) return "";
    return `event: ${type}\ndata: {"type":"${type}","sequence_number":${number},${fields}}\n\n`;
  }

  const whole = (type: string) => frame(type, `"response":${JSON.stringify(current())}`);

  function current(): ResponseObject {
    return { ...response, output: [...output] };
  }

  function added(item: Item): string {
    output.push(item);
    return frame(
      "response.output_item.added",
      `"output_index":${output.length - 1},"item":${JSON.stringify(item)}`,
    );
  }

  function done(item: Item, index: number): string {
    output[index] = item;
    return frame(
      "response.output_item.done",
      `"output_index":${index},"item":${JSON.stringify(item)}`,
    );
  }

  const newItemId = (type: string) => itemId(type, head.id, output.length);

  function beginReasoning(): string {
    if (reasoning !== undefined) return "";
    const item: Item = { id: newItemId("reasoning"), type: "reasoning", summary: [] };
    reasoning = { item, index: output.length };
    return added(item);
  }

  function summaryText(text: string): string {
    if (text === "" || !options.summaries) return "";
    let frames = "";
    if (part === undefined) {
      const index = parts.length;
      const at = `"item_id":"${reasoning!.item.id}","output_index":${reasoning!.index},` +
        `"summary_index":${index},`;
      part = { index, pieces: [], before: at };
      frames = frame(
        "response.reasoning_summary_part.added",
        `${at}"part":{"type":"summary_text","text":""}`,
      );
    }
    part.pieces.push(text);
    return frames + frame(
      "response.reasoning_summary_text.delta",
      `${part.before}"delta":${JSON.stringify(text)}`,
    );
  }

  function endPart(): string {
    if (part === undefined) return "";
    const { before, pieces } = part;
    const whole = { type: "summary_text" as const, text: pieces.join("") };
    part = undefined;
    parts.push(whole);
    return frame(
      "response.reasoning_summary_text.done",
      `${before}"text":${JSON.stringify(whole.text)}`,
    ) + frame("response.reasoning_summary_part.done", `${before}"part":${JSON.stringify(whole)}`);
  }

  /** Ends the thinking of a response that failed. */
  function cutReasoning(): string {
    if (reasoning === undefined) return "";
    const { item, index } = reasoning;
    reasoning = undefined;
    return endPart() + done({ ...item, summary: parts }, index);
  }

  /** Ends the thinking; what it has to bring back is sealed first. */
  function endReasoning(): string | Promise<string> {
    if (reasoning === undefined) return "";
    if (options.seal === undefined) return cutReasoning();
    const { item, index } = reasoning;
    const frames = endPart();
    reasoning = undefined;
    return options.seal(thinking).then((blob) =>
      frames + done({ ...item, summary: parts, encrypted_content: blob }, index)
    );
  }

  function messagePart(kind: "text" | "refusal", text: string): string {
    let frames = "";
    if (message === undefined) {
      const item: Item = {
        id: newItemId("message"),
        type: "message",
        status: "in_progress",
        role: "assistant",
        content: [],
      };
      message = { item, index: output.length, parts: [], kind: undefined, pieces: [], before: "" };
      frames += added(item);
    }
    if (message.kind !== kind) {
      frames += endContent(message);
      message.kind = kind;
      message.before = `"item_id":"${message.item.id}","output_index":${message.index},` +
        `"content_index":${message.parts.length},`;
      frames += frame(
        "response.content_part.added",
        `${message.before}"part":${JSON.stringify(contentPart(kind, ""))}`,
      );
    }
    if (text === "") return frames;
    message.pieces.push(text);
    const delta = `${message.before}"delta":${JSON.stringify(text)}`;
    return frames +
      (kind === "text"
        ? frame("response.output_text.delta", `${delta},"logprobs":[]`)
        : frame("response.refusal.delta", delta));
  }

  function endContent(open: OpenMessage): string {
    if (open.kind === undefined) return "";
    const text = JSON.stringify(open.pieces.join(""));
    const part = contentPart(open.kind, open.pieces.join(""));
    const frames = open.kind === "text"
      ? frame("response.output_text.done", `${open.before}"text":${text},"logprobs":[]`)
      : frame("response.refusal.done", `${open.before}"refusal":${text}`);
    open.parts.push(part);
    open.kind = undefined;
    open.pieces = [];
    return frames +
      frame("response.content_part.done", `${open.before}"part":${JSON.stringify(part)}`);
  }

  function endMessage(status: "completed" | "incomplete"): string {
    if (message === undefined) return "";
    const open = message;
    message = undefined;
    return endContent(open) + done({ ...open.item, status, content: open.parts }, open.index);
  }

  function toolCall(event: ToolCallEvent): string {
    let frames = "";
    let call = calls.get(event.index);
    if (call === undefined) {
      frames += endMessage("completed");
      const item: Item = {
        id: newItemId("function_call"),
        type: "function_call",
        status: "in_progress",
        arguments: "",
        // The same again when the stream is read once more.
        call_id: event.id ?? `call_${head.id.slice(-24)}${event.index}`,
        name: event.name ?? "",
      };
      const index = output.length;
      call = { item, index, pieces: [], before: `"item_id":"${item.id}","output_index":${index},` };
      calls.set(event.index, call);
      frames += added(item);
    }
    if (event.arguments === "") return frames;
    call.pieces.push(event.arguments);
    return frames + frame(
      "response.function_call_arguments.delta",
      `${call.before}"delta":${JSON.stringify(event.arguments)}`,
    );
  }

  function endCalls(status: "completed" | "incomplete"): string {
    let frames = "";
    for (const { item, index, pieces, before } of calls.values()) {
      const args = pieces.join("");
      frames += frame(
        "response.function_call_arguments.done",
        `${before}"arguments":${JSON.stringify(args)},"name":${JSON.stringify(item.name)}`,
      ) + done({ ...item, status, arguments: args }, index);
    }
    calls.clear();
    return frames;
  }

  function end(status: ResponseStatus, fields: Partial<ResponseObject> = {}): void {
    const completedAt = status === "completed" ? Math.floor(options.date() / 1000) : null;
    response = { ...response, ...fields, status, completed_at: completedAt };
  }

  function finish(reason: FinishReason): string {
    const cut = reason === "length"
      ? "max_output_tokens"
      : reason === "content_filter"
      ? "content_filter"
      : undefined;
    const status = cut === undefined ? "completed" : "incomplete";
    let frames = "";
    if (!output.some(({ type }) => type !== "reasoning")) frames += messagePart("text", "");
    frames += endMessage(status) + endCalls(status);
    response.usage ??= options.usage ?? null;
    end(status, { incomplete_details: cut === undefined ? null : { reason: cut } });
    return frames + whole(`response.${status}`);
  }

  /** What follows the thinking, once that has ended. */
  function afterReasoning(write: () => string): string | Promise<string> {
    const ended = endReasoning();
    return typeof ended === "string" ? ended + write() : ended.then((frames) => frames + write());
  }

  function push(event: ReasoningEvent): string | Promise<string> {
    switch (event.type) {
      case "step_start":
        return beginReasoning() + summaryText(summary.push(event)) + endPart();
      case "reasoning":
        return beginReasoning() + summaryText(summary.push(event));
      case "step_end": {
        if (event.title === "") thinking = event.content;
        return summaryText(summary.push(event)) + endPart();
      }
      case "status": {
        const isThinking = output.every(({ type }) => type === "reasoning");
        const shown = options.statusLines && options.summaries && isThinking;
        return shown ? beginReasoning() + summaryText(summary.push(event)) : "";
      }
      case "answer":
        return afterReasoning(() => endCalls("completed") + messagePart("text", event.text));
      case "refusal":
        return afterReasoning(() => endCalls("completed") + messagePart("refusal", event.text));
      case "tool_call":
        return afterReasoning(() => toolCall(event));
      case "usage":
        response = { ...response, usage: responseUsage(event.usage) };
        return "";
      case "finish":
        return afterReasoning(() => finish(event.reason));
    }
  }

  return {
    start: () =>
      (head.status === "queued" ? whole("response.queued") : whole("response.created")) +
      whole("response.in_progress"),
    push,
    encode: push,
    fail(error) {
      const frames = cutReasoning() + endMessage("incomplete") + endCalls("incomplete");
      end("failed", { error: responseError(error) });
      return frames + errorEvent(error, frame) + whole("response.failed");
    },
    whole(cut) {
      if (cut !== undefined) finish(cut);
      return current();
    },
    response: current,
    thinking: () => thinking,
  };
}

function contentPart(kind: "text" | "refusal", text: string): Record<string, unknown> {
  return kind === "text"
    ? { type: "output_text", annotations: [], logprobs: [], text }
    : { type: "refusal", refusal: text };
}

/** Clients know one of two shapes: the document's flat one, and the nested one that is sent. */
function errorEvent(
  { type, code, message, param }: ApiError,
  frame: (type: string, fields: string) => string,
): string {
  const error = { type, code, message, param };
  return frame(
    "error",
    `"error":${JSON.stringify(error)},${JSON.stringify({ code, message, param }).slice(1, -1)}`,
  );
}
