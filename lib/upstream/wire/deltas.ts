/**
 * Every provider's dialect of Chat Completions in, one {@linkcode Delta} out.
 *
 * @module
 */
import { UpstreamError } from "../errors.ts";
import { errorFromEvent, errorFromStatus } from "./error_response.ts";

/** A piece of a tool call. */
export interface ToolCallDelta {
  /** Which of the parallel calls, from 0. */
  index: number;
  /** The call's id, in its first piece. */
  id?: string;
  /** The function's name, in the call's first piece. */
  name?: string;
  /** The next characters of the arguments' JSON. */
  arguments: string;
}

/** Tokens of one call, as its upstream counted them. */
export interface TokenCounts {
  /** Prompt tokens. */
  prompt: number;
  /** Prompt tokens read from the provider's cache. */
  cached: number;
  /** Generated tokens, reasoning included. */
  completion: number;
  /** Reasoning tokens among the generated ones, where the upstream says so. */
  reasoning?: number;
}

/** What one read of an upstream's answer brought: texts that came together are joined. */
export interface Delta {
  /** The next characters of the upstream's own reasoning; they come before `content`. */
  reasoning?: string;
  /** The next characters of the answer. */
  content?: string;
  /** The next characters of a refusal. */
  refusal?: string;
  /** Pieces of tool calls. */
  toolCalls?: ToolCallDelta[];
  /** Why the completion ended. */
  finishReason?: "stop" | "length" | "tool_calls" | "content_filter";
  /** The stop sequence that ended it, where the upstream says so. */
  stopSequence?: string;
  /** Token counts of the call. */
  usage?: TokenCounts;
}

/** Whether a delta holds any text or call, and not only counts or a finish reason. */
export function saysSomething(delta: Delta): boolean {
  return delta.content !== undefined || delta.reasoning !== undefined ||
    delta.refusal !== undefined || delta.toolCalls !== undefined;
}

/** Gathers chunks of one call into deltas. */
export interface DeltaReader {
  /**
   * Takes the JSON of one event, or of a whole completion.
   *
   * @throws {UpstreamError} for an error event and for JSON of no known shape.
   */
  add(json: unknown): void;
  /** What has come since the last call of this; empty where nothing has. */
  take(): Delta[];
  /** Whether a finish reason has been read. */
  finished(): boolean;
}

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null;
const text = (value: unknown): string => typeof value === "string" ? value : "";
const count = (value: unknown): number => typeof value === "number" && value > 0 ? value : 0;

const FINISH = new Map<string, NonNullable<Delta["finishReason"]>>([
  ["stop", "stop"],
  ["end_turn", "stop"],
  ["eos", "stop"],
  ["stop_sequence", "stop"],
  ["length", "length"],
  ["max_tokens", "length"],
  ["model_length", "length"],
  ["tool_calls", "tool_calls"],
  ["tool_use", "tool_calls"],
  ["function_call", "tool_calls"],
  ["content_filter", "content_filter"],
]);

/** Finish reasons of answers that were broken off: DeepSeek's, vLLM's and SGLang's. */
const BROKEN_OFF = new Map<string, number>([
  ["insufficient_system_resource", 503],
  ["abort", 500],
]);

/** Text of content parts: Magistral's are `thinking` and `text` with arrays inside. */
function partsText(parts: unknown, type: "text" | "thinking"): string {
  if (typeof parts === "string") return type === "text" ? parts : "";
  if (!Array.isArray(parts)) return "";
  return parts.map((part) => {
    if (!isObject(part)) return type === "text" ? text(part) : "";
    if (part.type === "thinking") {
      if (type === "text") return "";
      return typeof part.thinking === "string" ? part.thinking : partsText(part.thinking, "text");
    }
    return type === "text" ? text(part.text) : "";
  }).join("");
}

/** OpenRouter's and MiniMax's `reasoning_details`. */
function detailsText(details: unknown): string {
  if (!Array.isArray(details)) return "";
  return details.map((detail) => isObject(detail) ? text(detail.text) || text(detail.summary) : "")
    .join("");
}

/** The first of a message's reasoning fields that says anything: aliases repeat each other. */
function reasoningOf(message: Json): string {
  return text(message.reasoning_content) || text(message.reasoning) ||
    text(message.reasoning_text) || text(message.thinking) ||
    detailsText(message.reasoning_details) ||
    partsText(message.content, "thinking");
}

function usageOf(usage: unknown): TokenCounts | undefined {
  if (!isObject(usage)) return undefined;
  const details = isObject(usage.completion_tokens_details) ? usage.completion_tokens_details : {};
  const prompt = isObject(usage.prompt_tokens_details) ? usage.prompt_tokens_details : {};
  const counts: TokenCounts = {
    prompt: count(usage.prompt_tokens),
    cached: count(prompt.cached_tokens) || count(usage.prompt_cache_hit_tokens),
    completion: count(usage.completion_tokens),
  };
  if (counts.prompt === 0 && counts.completion === 0) return undefined;
  const reasoning = details.reasoning_tokens ?? usage.reasoning_tokens;
  if (typeof reasoning !== "number") return counts;
  counts.reasoning = reasoning;
  // xAI leaves the reasoning out of the generated tokens, but not out of the total.
  const sum = counts.prompt + counts.completion + reasoning;
  if (reasoning > 0 && usage.total_tokens === sum) counts.completion += reasoning;
  return counts;
}

/** A text without the first half of a surrogate pair at its end, and that half. */
function cutHalf(text: string): [whole: string, half: string] {
  const last = text.charCodeAt(text.length - 1);
  const isHalf = last >= 0xd800 && last <= 0xdbff;
  const whole = isHalf ? text.slice(0, -1) : text;
  return [whole.toWellFormed(), isHalf ? text.slice(-1) : ""];
}

/** A tool call that is being read. */
interface OpenCall {
  index: number;
  id: string;
  name: string;
  /** Arguments that can't go out yet: the name is missing, or half of a character. */
  held: string;
  /** Whether its first piece is out. */
  begun: boolean;
}

/** Creates a reader for the chunks of one call. */
export function createDeltaReader(): DeltaReader {
  let ready: Delta[] = [];
  let finished = false;
  const calls: OpenCall[] = [];
  const byUpstreamIndex = new Map<unknown, OpenCall>();
  const half = { reasoning: "", content: "", refusal: "" };

  function current(): Delta {
    let last = ready.at(-1);
    if (last === undefined) ready.push(last = {});
    return last;
  }

  /**
   * The call that a piece belongs to. Some upstreams leave `index` out or count every call as 0,
   * some give each piece of a call an id: a call begins with a name under a new id.
   */
  function callOf(upstreamIndex: unknown, id: string, name: string): OpenCall {
    const counted = typeof upstreamIndex === "number";
    let call = counted
      ? byUpstreamIndex.get(upstreamIndex)
      : id === ""
      ? calls.at(-1)
      : calls.find((call) => call.id === id);
    const isNamedTwice = call !== undefined && call.name !== "" && name !== "";
    if (call === undefined || isNamedTwice && (id === "" ? !counted : call.id !== id)) {
      call = { index: calls.length, id, name, held: "", begun: false };
      calls.push(call);
    }
    if (counted) byUpstreamIndex.set(upstreamIndex, call);
    call.id ||= id;
    call.name ||= name;
    return call;
  }

  function toolCall(value: unknown, delta: Delta, position?: number): void {
    if (!isObject(value)) return;
    const fn = isObject(value.function) ? value.function : {};
    const call = callOf(position ?? value.index, text(value.id), text(fn.name));
    const json = fn.arguments ?? "";
    call.held += typeof json === "string" ? json : JSON.stringify(json);
    if (call.begun || call.name !== "") release(call, delta);
  }

  /** Gives out what a call has come to: its id and name in the first piece only. */
  function release(call: OpenCall, delta: Delta): void {
    const piece: ToolCallDelta = { index: call.index, arguments: "" };
    [piece.arguments, call.held] = cutHalf(call.held);
    if (!call.begun) {
      call.begun = true;
      if (call.id !== "") piece.id = call.id;
      if (call.name !== "") piece.name = call.name;
    } else if (piece.arguments === "") return;
    (delta.toolCalls ??= []).push(piece);
  }

  function message(value: unknown, isWhole: boolean): void {
    if (!isObject(value)) return;
    const reasoning = reasoningOf(value);
    const content = partsText(value.content, "text");
    const refusal = text(value.refusal);
    let delta = current();
    if (reasoning !== "") {
      // Reasoning that follows content within one read must not overtake it.
      if (delta.content !== undefined) ready.push(delta = {});
      delta.reasoning = (delta.reasoning ?? "") + reasoning;
    }
    if (content !== "") delta.content = (delta.content ?? "") + content;
    if (refusal !== "") delta.refusal = (delta.refusal ?? "") + refusal;
    if (Array.isArray(value.tool_calls)) {
      for (const [i, call] of value.tool_calls.entries()) {
        toolCall(call, delta, isWhole ? i : undefined);
      }
    } else if (isObject(value.function_call)) {
      toolCall({ function: value.function_call }, delta, 0);
    }
  }

  /** A character outside the basic plane may come in two halves: hold the first back. */
  function joinPairs(delta: Delta, field: keyof typeof half): void {
    if (delta[field] === undefined) return;
    const [whole, rest] = cutHalf(half[field] + delta[field]);
    half[field] = rest;
    if (whole === "") delete delta[field];
    else delta[field] = whole;
  }

  return {
    add(json) {
      if (!isObject(json)) throw malformed();
      if (json.error) throw errorFromEvent(json.error);
      const usage = usageOf(json.usage) ??
        usageOf(isObject(json.x_groq) && json.x_groq.usage);
      if (usage !== undefined) current().usage = usage;
      if (!Array.isArray(json.choices)) {
        if (usage === undefined && isObject(json.message)) throw malformed();
        return;
      }
      const choice: unknown = json.choices[0];
      if (!isObject(choice)) return;
      message(choice.delta ?? choice.message, !isObject(choice.delta));
      const reason = text(choice.finish_reason);
      if (reason === "error") throw errorFromEvent(choice.error);
      const broken = BROKEN_OFF.get(reason);
      if (broken !== undefined) throw errorFromStatus(broken, { message: "", code: "" });
      if (reason !== "") {
        finished = true;
        for (const call of calls) if (!call.begun) release(call, current());
        const last = current();
        last.finishReason = FINISH.get(reason) ?? "stop";
        // vLLM's field and SGLang's; a number is a token's.
        const stop = text(choice.stop_reason) || text(choice.matched_stop);
        if (stop !== "") last.stopSequence = stop;
      }
    },
    take() {
      const taken = ready;
      ready = [];
      for (const delta of taken) {
        joinPairs(delta, "reasoning");
        joinPairs(delta, "content");
        joinPairs(delta, "refusal");
      }
      return taken.filter((delta) => Object.keys(delta).length > 0);
    },
    finished() {
      return finished;
    },
  };
}

/** The upstream answered with something that is no chat completion. */
export function malformed(): UpstreamError {
  return new UpstreamError(
    "upstream_error",
    "The upstream's answer is not a chat completion.",
  );
}
