/**
 * Events in, Chat Completions out: a stream of chunks, or one object.
 *
 * @see {@link https://platform.openai.com/docs/api-reference/chat/object}
 * @module
 */
import type { FinishReason, ReasoningEvent, ToolCallEvent } from "../../reasoning/events.ts";
import type { Usage } from "../../reasoning/usage.ts";
import type { AnswerWriter, Collector, Encoder } from "../dialect.ts";
import { errorFrame } from "../errors.ts";
import type { Format } from "../formats/format.ts";
import { createFormatter, reasoningFields } from "../formats/formats.ts";
import { newId } from "../ids.ts";

/** What all chunks of a completion share. */
export interface CompletionHead {
  /** The completion's id. */
  id: string;
  /** Seconds since 1970. */
  created: number;
  /** The published model's id. */
  model: string;
}

/** How a completion is written. */
export interface CompletionOptions {
  /** Where the reasoning goes. */
  format: Format;
  /** Whether status lines are shown. */
  statusLines: boolean;
  /** Whether a stream ends with a usage chunk. */
  includeUsage?: boolean;
  /** Whether chunks carry structured progress under `o1`. */
  progress?: boolean;
  /** Whether a call is written in the deprecated form, as `function_call`. */
  legacyFunctions?: boolean;
}

const TAIL = { service_tier: "default", system_fingerprint: "fp_o1api" };

/** A fresh head. */
export function completionHead(model: string, dateMs: number): CompletionHead {
  return { id: newId("chatcmpl-", 29), created: Math.floor(dateMs / 1000), model };
}

/** `usage` as the contract decides: the prompt once, everything generated, and the sums beside. */
export function usageObject(usage: Usage): Record<string, unknown> {
  return {
    prompt_tokens: usage.promptTokens,
    completion_tokens: usage.completionTokens,
    total_tokens: usage.promptTokens + usage.completionTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedTokens, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoningTokens,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
    upstream: usage.upstream,
  };
}

/** The ways to write one completion. */
export function chatWriter(head: CompletionHead, options: CompletionOptions): AnswerWriter {
  return {
    encoder: () => createChunkEncoder(head, options),
    collector: () => createCompletionCollector(head, options),
  };
}

/** Creates the encoder of one stream; the finish adds all that follow, up to `[DONE]`. */
export function createChunkEncoder(head: CompletionHead, options: CompletionOptions): Encoder {
  const formatter = createFormatter(options.format, {
    stream: true,
    statusLines: options.statusLines,
  });
  const fields = reasoningFields(options.format);
  const shared = JSON.stringify({ ...head, object: "chat.completion.chunk", ...TAIL }).slice(0, -1);
  const before = `data: ${shared},"choices":[{"index":0,"delta":`;
  const after = `,"logprobs":null,"finish_reason":null}]${
    options.includeUsage ? ',"usage":null' : ""
  }}\n\n`;
  let usage: Usage | undefined;

  const delta = (json: string) => before + json + after;
  const reasoning = (text: string) => {
    const json = JSON.stringify(text);
    return delta(`{${fields.map((field) => `"${field}":${json}`).join(",")}}`);
  };

  function finish(reason: FinishReason): string {
    const name = wireReason(reason, options);
    const last = `${before}{},"logprobs":null,"finish_reason":"${name}"}]${
      options.includeUsage ? ',"usage":null' : ""
    }}\n\n`;
    const counts = options.includeUsage && usage !== undefined
      ? `data: ${shared},"choices":[],"usage":${JSON.stringify(usageObject(usage))}}\n\n`
      : "";
    return `${last}${counts}data: [DONE]\n\n`;
  }

  function toolCall(event: ToolCallEvent): string {
    if (!options.legacyFunctions) {
      return delta(`{"tool_calls":[${JSON.stringify(toolCallDelta(event))}]}`);
    }
    if (event.index > 0) return "";
    const name = event.name === undefined ? {} : { name: event.name };
    return delta(JSON.stringify({ function_call: { ...name, arguments: event.arguments } }));
  }

  return {
    start: () => delta('{"role":"assistant","content":"","refusal":null}'),
    fail: errorFrame,
    encode(event) {
      let frames = options.progress ? progressFrame(event, before, after) : "";
      for (const { to, text } of formatter.push(event)) {
        frames += to === "content" ? delta(`{"content":${JSON.stringify(text)}}`) : reasoning(text);
      }
      switch (event.type) {
        case "refusal":
          return frames + delta(`{"refusal":${JSON.stringify(event.text)}}`);
        case "tool_call":
          return frames + toolCall(event);
        case "usage":
          usage = event.usage;
          return frames;
        case "finish":
          return frames + finish(event.reason);
        default:
          return frames;
      }
    },
  };
}

function wireReason(reason: FinishReason, options: CompletionOptions): string {
  return options.legacyFunctions && reason === "tool_calls" ? "function_call" : reason;
}

/** A chunk that only tells of progress, for pages that show more than text. */
function progressFrame(event: ReasoningEvent, before: string, after: string): string {
  const progress = progressOf(event);
  if (progress === undefined) return "";
  return `${before}{}${after.slice(0, -3)},"o1":${JSON.stringify(progress)}}\n\n`;
}

function progressOf(event: ReasoningEvent): Record<string, unknown> | undefined {
  switch (event.type) {
    case "step_start":
      return { type: "step_start", index: event.step, titled: event.titled };
    case "step_end":
      return {
        type: "step_end",
        index: event.step,
        title: event.title,
        seconds: milliseconds(event.seconds),
      };
    case "status":
      return { type: "status", ...event.detail, text: event.text };
    case "candidate":
      return { ...event };
    case "usage":
      return { type: "usage", ...event.usage.upstream };
    default:
      return undefined;
  }
}

function toolCallDelta(event: ToolCallEvent): Record<string, unknown> {
  if (event.id === undefined && event.name === undefined) {
    return { index: event.index, function: { arguments: event.arguments } };
  }
  return {
    index: event.index,
    id: event.id ?? newId("call_", 24),
    type: "function",
    function: { name: event.name ?? "", arguments: event.arguments },
  };
}

/** Creates the collector of one completion. */
export function createCompletionCollector(
  head: CompletionHead,
  options: CompletionOptions,
): Collector {
  const formatter = createFormatter(options.format, {
    stream: false,
    statusLines: options.statusLines,
  });
  const content: string[] = [];
  const reasoning: string[] = [];
  const refusal: string[] = [];
  const steps: [string, string, number][] = [];
  const calls = new Map<number, { id: string; name: string; arguments: string[] }>();
  let reason: FinishReason = "stop";
  let usage: Usage | undefined;

  function toolCall(event: ToolCallEvent): void {
    let call = calls.get(event.index);
    if (call === undefined) {
      call = { id: event.id ?? newId("call_", 24), name: event.name ?? "", arguments: [] };
      calls.set(event.index, call);
    }
    call.arguments.push(event.arguments);
  }

  function message(): Record<string, unknown> {
    const text = content.join("");
    const refused = refusal.length > 0;
    const thoughts = reasoning.join("");
    return {
      role: "assistant",
      content: text === "" && (refused || calls.size > 0) ? null : text,
      refusal: refused ? refusal.join("") : null,
      annotations: [],
      ...(thoughts === ""
        ? {}
        : Object.fromEntries(reasoningFields(options.format).map((field) => [field, thoughts]))),
      ...(calls.size === 0 ? {} : options.legacyFunctions ? { function_call: firstCall() } : {
        tool_calls: [...calls.entries()].sort(([a], [b]) => a - b).map(([, call]) => ({
          id: call.id,
          type: "function",
          function: { name: call.name, arguments: call.arguments.join("") },
        })),
      }),
    };
  }

  function firstCall(): Record<string, unknown> {
    const [call] = calls.values();
    return { name: call?.name, arguments: call?.arguments.join("") };
  }

  return {
    push(event) {
      for (const { to, text } of formatter.push(event)) {
        (to === "content" ? content : reasoning).push(text);
      }
      if (event.type === "step_end" && (event.title !== "" || event.content !== "")) {
        steps.push([event.title || "Thinking", event.content, milliseconds(event.seconds)]);
      } else if (event.type === "refusal") refusal.push(event.text);
      else if (event.type === "tool_call") toolCall(event);
      else if (event.type === "usage") usage = event.usage;
      else if (event.type === "finish") reason = event.reason;
    },
    whole: (cut) => ({
      id: head.id,
      object: "chat.completion",
      created: head.created,
      model: head.model,
      choices: [{
        index: 0,
        message: message(),
        logprobs: null,
        finish_reason: wireReason(cut ?? reason, options),
      }],
      ...(usage === undefined ? {} : { usage: usageObject(usage) }),
      ...TAIL,
      // The original's fields, for its clients; what is hidden stays hidden here too.
      ...(options.format === "hidden" ? {} : {
        steps,
        total_thinking_time: milliseconds(steps.reduce((sum, [, , seconds]) => sum + seconds, 0)),
      }),
    }),
  };
}

/** Seconds, to the millisecond. */
const milliseconds = (seconds: number) => Math.round(seconds * 1000) / 1000;
