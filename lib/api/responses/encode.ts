/**
 * Events in, a response out: the events of a stream in their order, and the object.
 *
 * @see {@link https://platform.openai.com/docs/api-reference/responses-streaming}
 * @module
 */
import type { FinishReason, ReasoningEvent, ToolCallEvent } from "../../reasoning/events.ts";
import type { Collector, Encoder } from "../dialect.ts";
import type { Item } from "./body.ts";
import { contentPart, createResponseFrames, errorFields } from "./frames.ts";
import { itemId } from "./items.ts";
import {
  responseError,
  type ResponseObject,
  type ResponseStatus,
  responseUsage,
} from "./object.ts";
import { createSummaryText } from "../formats/summary_text.ts";

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
  /** Keeps the whole response before anybody hears that it is complete. */
  keep?: ((response: ResponseObject, thinking: string) => Promise<unknown>) | undefined;
  /** Token counts, where no event will tell them. */
  usage?: Record<string, unknown> | null;
  /** Events up to this number are left out, for a client that has them. */
  startingAfter?: number | undefined;
  /** The current time, in milliseconds since 1970. */
  date: () => number;
}

/** Writes one response, both ways at once. */
export interface ResponseWriter extends Encoder, Collector {
  /** The frames that an event adds; what could not be kept is thrown, and then told by `fail`. */
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
  const { head } = options;
  const frames = createResponseFrames(options.startingAfter ?? -1);
  const output: Item[] = [];
  const calls = new Map<number, OpenCall>();
  let response = head;
  let message: OpenMessage | undefined;
  let reasoning: { item: Item; index: number } | undefined;
  let thinking = "";
  const summary = createSummaryText(options.statusLines);
  let part: { pieces: string[]; before: string } | undefined;
  const parts: { type: "summary_text"; text: string }[] = [];

  const whole = (type: string) => frames.add(type, `"response":${JSON.stringify(current())}`);

  function current(): ResponseObject {
    return { ...response, output: [...output] };
  }

  function added(item: Item): void {
    output.push(item);
    frames.add(
      "response.output_item.added",
      `"output_index":${output.length - 1},"item":${JSON.stringify(item)}`,
    );
  }

  function done(item: Item, index: number): void {
    output[index] = item;
    frames.add(
      "response.output_item.done",
      `"output_index":${index},"item":${JSON.stringify(item)}`,
    );
  }

  const newItemId = (type: string) => itemId(type, head.id, output.length);

  function beginReasoning(): void {
    if (reasoning !== undefined) return;
    const item: Item = { id: newItemId("reasoning"), type: "reasoning", summary: [] };
    reasoning = { item, index: output.length };
    added(item);
  }

  function summaryText(text: string): void {
    if (text === "" || reasoning === undefined || !options.summaries) return;
    if (part === undefined) {
      const before = `"item_id":"${reasoning.item.id}","output_index":${reasoning.index},` +
        `"summary_index":${parts.length},`;
      part = { pieces: [], before };
      frames.add(
        "response.reasoning_summary_part.added",
        `${before}"part":{"type":"summary_text","text":""}`,
      );
    }
    part.pieces.push(text);
    frames.add(
      "response.reasoning_summary_text.delta",
      `${part.before}"delta":${JSON.stringify(text)}`,
    );
  }

  function endPart(): void {
    if (part === undefined) return;
    const { before, pieces } = part;
    const whole = { type: "summary_text" as const, text: pieces.join("") };
    part = undefined;
    parts.push(whole);
    frames.add(
      "response.reasoning_summary_text.done",
      `${before}"text":${JSON.stringify(whole.text)}`,
    );
    frames.add("response.reasoning_summary_part.done", `${before}"part":${JSON.stringify(whole)}`);
  }

  /** Ends the thinking as it is. */
  function cutReasoning(fields: Partial<Item> = {}): void {
    if (reasoning === undefined) return;
    const { item, index } = reasoning;
    reasoning = undefined;
    endPart();
    done({ ...item, summary: parts, ...fields }, index);
  }

  /** Ends the thinking before what follows it; what it has to bring back is sealed first. */
  function afterReasoning(write: () => void | Promise<void>): void | Promise<void> {
    if (reasoning === undefined || options.seal === undefined) {
      cutReasoning();
      return write();
    }
    return options.seal(thinking).then((blob) => {
      cutReasoning({ encrypted_content: blob });
      return write();
    });
  }

  function messagePart(kind: "text" | "refusal", text: string): void {
    if (message === undefined) {
      const item: Item = {
        id: newItemId("message"),
        type: "message",
        status: "in_progress",
        role: "assistant",
        content: [],
      };
      message = { item, index: output.length, parts: [], kind: undefined, pieces: [], before: "" };
      added(item);
    }
    if (message.kind !== kind) {
      endContent(message);
      message.kind = kind;
      message.before = `"item_id":"${message.item.id}","output_index":${message.index},` +
        `"content_index":${message.parts.length},`;
      frames.add(
        "response.content_part.added",
        `${message.before}"part":${JSON.stringify(contentPart(kind, ""))}`,
      );
    }
    if (text === "") return;
    message.pieces.push(text);
    const delta = `${message.before}"delta":${JSON.stringify(text)}`;
    if (kind === "text") frames.add("response.output_text.delta", `${delta},"logprobs":[]`);
    else frames.add("response.refusal.delta", delta);
  }

  function endContent(open: OpenMessage): void {
    if (open.kind === undefined) return;
    const part = contentPart(open.kind, open.pieces.join(""));
    const text = JSON.stringify(open.pieces.join(""));
    if (open.kind === "text") {
      frames.add("response.output_text.done", `${open.before}"text":${text},"logprobs":[]`);
    } else frames.add("response.refusal.done", `${open.before}"refusal":${text}`);
    frames.add("response.content_part.done", `${open.before}"part":${JSON.stringify(part)}`);
    open.parts.push(part);
    open.kind = undefined;
    open.pieces = [];
  }

  function endMessage(status: "completed" | "incomplete"): void {
    if (message === undefined) return;
    const open = message;
    message = undefined;
    endContent(open);
    done({ ...open.item, status, content: open.parts }, open.index);
  }

  function toolCall(event: ToolCallEvent): void {
    let call = calls.get(event.index);
    if (call === undefined) {
      endMessage("completed");
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
      added(item);
    }
    if (event.arguments === "") return;
    call.pieces.push(event.arguments);
    frames.add(
      "response.function_call_arguments.delta",
      `${call.before}"delta":${JSON.stringify(event.arguments)}`,
    );
  }

  function endCalls(status: "completed" | "incomplete"): void {
    for (const { item, index, pieces, before } of calls.values()) {
      const args = pieces.join("");
      frames.add(
        "response.function_call_arguments.done",
        `${before}"arguments":${JSON.stringify(args)},"name":${JSON.stringify(item.name)}`,
      );
      done({ ...item, status, arguments: args }, index);
    }
    calls.clear();
  }

  function end(status: ResponseStatus, fields: Partial<ResponseObject>): void {
    const completedAt = status === "completed" ? Math.floor(options.date() / 1000) : null;
    response = { ...response, ...fields, status, completed_at: completedAt };
  }

  function finish(reason: FinishReason): void | Promise<void> {
    const cut = reason === "length"
      ? "max_output_tokens"
      : reason === "content_filter"
      ? "content_filter"
      : undefined;
    const status = cut === undefined ? "completed" : "incomplete";
    if (!output.some(({ type }) => type !== "reasoning")) messagePart("text", "");
    endMessage(status);
    endCalls(status);
    end(status, {
      usage: response.usage ?? options.usage ?? null,
      incomplete_details: cut === undefined ? null : { reason: cut },
    });
    if (options.keep === undefined) return whole(`response.${status}`);
    return options.keep(current(), thinking).then(() => whole(`response.${status}`));
  }

  function write(event: ReasoningEvent): void | Promise<void> {
    switch (event.type) {
      case "step_start":
        beginReasoning();
        summaryText(summary.push(event));
        return endPart();
      case "reasoning":
        beginReasoning();
        return summaryText(summary.push(event));
      case "step_end":
        if (event.title === "") thinking = event.content;
        summaryText(summary.push(event));
        return endPart();
      case "status":
        if (!options.statusLines || !options.summaries) return;
        if (!output.every(({ type }) => type === "reasoning")) return;
        beginReasoning();
        return summaryText(summary.push(event));
      case "answer":
        return afterReasoning(() => {
          endCalls("completed");
          messagePart("text", event.text);
        });
      case "refusal":
        return afterReasoning(() => {
          endCalls("completed");
          messagePart("refusal", event.text);
        });
      case "tool_call":
        return afterReasoning(() => toolCall(event));
      case "usage":
        response = { ...response, usage: responseUsage(event.usage) };
        return;
      case "finish":
        return afterReasoning(() => finish(event.reason));
    }
  }

  function push(event: ReasoningEvent): string | Promise<string> {
    const waiting = write(event);
    return waiting instanceof Promise ? waiting.then(frames.take) : frames.take();
  }

  return {
    start() {
      whole("response.created");
      whole("response.in_progress");
      return frames.take();
    },
    push,
    encode: push,
    fail(error, begun) {
      cutReasoning();
      endMessage("incomplete");
      endCalls("incomplete");
      end("failed", { error: responseError(error), incomplete_details: null });
      frames.add("error", errorFields(error, begun));
      whole("response.failed");
      return frames.take();
    },
    whole: current,
    response: current,
    thinking: () => thinking,
  };
}
