import { isObjectOrArray, type JsonObject } from "../../json.ts";
import { splitPair } from "../../text.ts";
import { UpstreamError } from "../errors/upstream_error.ts";
import { errorFromEvent, errorFromStatus } from "../errors/error_response.ts";
import { type MessageState, stateOf } from "./message_state.ts";
import { createToolCallReader, type ToolCallDelta } from "./tool_calls.ts";
import { type TokenCounts, usageOf } from "./usage.ts";

/** Why a completion ended, in OpenAI's terms. */
export type FinishReason = "stop" | "length" | "tool_calls" | "content_filter";

/** What one read of an upstream's answer brought; texts that arrived together are joined. */
export interface Delta {
  /** Number of the sample, from 0, if several were requested; undefined: it is about all of them. */
  sample?: number;
  /** Reasoning that comes before `content`. */
  reasoning?: string;
  content?: string;
  refusal?: string;
  toolCalls?: ToolCallDelta[];
  /** Pieces of what the provider wants back with the message. */
  state?: MessageState[];
  finishReason?: FinishReason;
  /** The stop sequence that ended the answer, if the upstream names it. */
  stopSequence?: string;
  usage?: TokenCounts;
  /** Parts that follow the texts. */
  parts?: AnswerParts[];
}

/** What else an answer may contain, under its names on the wire. */
export type AnswerParts = Partial<Record<keyof typeof PARTS, JsonObject>>;

/** Fields by their place: the message, its choice, or beside the choices as Perplexity has them. */
const PARTS = {
  message: ["annotations", "images", "audio"],
  choice: ["logprobs"],
  completion: ["citations", "search_results"],
} as const;

const PART_FIELDS = (Object.keys(PARTS) as (keyof typeof PARTS)[])
  .flatMap((place) => PARTS[place].map((field) => [place, field] as const));

/** Whether a delta contains a part of the answer, not only usage or a finish reason. */
export function hasOutput(delta: Delta): boolean {
  return delta.content !== undefined || delta.reasoning !== undefined ||
    delta.refusal !== undefined || delta.toolCalls !== undefined || delta.parts !== undefined;
}

/** Returns the parts of one chunk, or of a whole completion; undefined without any. */
function partsOf(sources: Record<keyof typeof PARTS, JsonObject>): AnswerParts | undefined {
  let parts: AnswerParts | undefined;
  for (const [place, field] of PART_FIELDS) {
    const value = sources[place][field];
    if (!isObjectOrArray(value) || Object.keys(value).length === 0) continue;
    ((parts ??= {})[place] ??= {})[field] = value;
  }
  return parts;
}

/** Converts the chunks of one call, in any provider's dialect, into deltas. */
export interface DeltaReader {
  /**
   * Adds the JSON of one event, or of a whole completion.
   *
   * @throws {UpstreamError} for an error event and for JSON that is not a completion.
   */
  add(json: unknown): void;
  /** Ends the answer. */
  end(): void;
  /** Returns the deltas since the last call. */
  take(): Delta[];
  /** Whether a finish reason has been read, and no output since. */
  isFinished(): boolean;
  /** Whether output has followed a finish reason: some gateways send one with every chunk. */
  hasFalseFinish(): boolean;
  /** Whether a stream's first chunk with output, or one before it, had a finish reason. */
  hasEarlyFinish(): boolean;
  /** Whether the answer was cut, so that nothing more is read. */
  isFull(): boolean;
}

const toJson = (value: unknown): string =>
  typeof value === "string" ? value : value ? JSON.stringify(value) : "";
const toText = (value: unknown): string => typeof value === "string" ? value : "";

const LENGTH = "length maxlength maxtokens maxoutputtokens modellength modelcontextwindowexceeded";
const TOOL_CALLS = "toolcall toolcalls tooluse functioncall";
const CONTENT_FILTER = "contentfilter contentfiltered guardrailintervened safety sensitive " +
  "recitation prohibitedcontent blocklist spii";

/** Finish reasons by the letters of the upstream's word, in lower case. All others are `stop`. */
const FINISH_REASONS = new Map([
  ...LENGTH.split(" ").map((letters) => [letters, "length"] as const),
  ...TOOL_CALLS.split(" ").map((letters) => [letters, "tool_calls"] as const),
  ...CONTENT_FILTER.split(" ").map((letters) => [letters, "content_filter"] as const),
]);

/** Returns a finish reason's letters in lower case, without the name of an enumeration. */
function lettersOf(reason: unknown): string {
  if (typeof reason !== "string") return "";
  const letters = reason.slice(0, 100).toLowerCase().replace(/^.*\./, "")
    .replace(/[^a-z]/g, "");
  return letters === "null" || letters === "none" ? "" : letters;
}

/** Finish reasons of failed answers, by DeepSeek, vLLM and SGLang, with their HTTP status. */
const FAILURES = new Map<string, number>([
  ["insufficientsystemresource", 503],
  ["abort", 500],
]);

/** Magistral's parts have the types `thinking` and `text`, with more parts in `thinking`. */
function partsText(parts: unknown, type: "text" | "thinking"): string {
  if (typeof parts === "string") return type === "text" ? parts : "";
  if (!Array.isArray(parts)) return "";
  return parts.map((part) => {
    if (!isObjectOrArray(part)) return type === "text" ? toText(part) : "";
    if ((part.type === "thinking") !== (type === "thinking")) return "";
    return type === "text" ? toText(part.text) : partsText(part.thinking, "text");
  }).join("");
}

/** `reasoning_details` of OpenRouter and MiniMax. */
function detailsText(details: unknown): string {
  if (!Array.isArray(details)) return "";
  return details
    .map((detail) => isObjectOrArray(detail) ? toText(detail.text) || toText(detail.summary) : "")
    .join("");
}

/** Returns the first reasoning field that is not empty; the others are aliases of it. */
function reasoningOf(message: JsonObject): string {
  return toText(message.reasoning_content) || toText(message.reasoning) ||
    toText(message.reasoning_text) || toText(message.thinking) ||
    detailsText(message.reasoning_details) || partsText(message.content, "thinking");
}

/** Choices of one answer that are read. */
const MAX_CHOICES = 16;

/** Maximum number of tool calls of one choice. */
const MAX_CALLS = 1_000_000;

/** Pictures and other parts of one answer, which do not count as its text. */
export const MAX_PARTS_CHARACTERS = 12_582_912;

/** Counted for each piece of a tool call, beside its texts. */
const PIECE_CHARACTERS = 64;

/**
 * Creates a reader for one call.
 *
 * @param maxCharacters longest answer, reasoning and tool calls included but no pictures; `add`
 *   throws a `RangeError` for a longer one. Default: no limit.
 * @param cuts whether a longer text is cut instead, with the finish reason `length`.
 */
export function createDeltaReader(maxCharacters = Infinity, cuts = false): DeltaReader {
  let characters = 0;
  let partsCharacters = 0;
  let ready: Delta[] = [];
  let isFinished = false;
  let hasFalseFinish = false;
  let hasEarlyFinish = false;
  let isFull = false;
  /** Whether an earlier chunk had output. */
  let hadBegun = false;
  /** Whether a chunk had output. */
  let hasBegun = false;
  let lastParts = "";
  /** The choice that the text comes from. */
  let textChoice: number | undefined;
  let toolCalls: ReturnType<typeof createToolCallReader> | undefined;
  /** First halves of characters whose second halves have not arrived yet. */
  const halves = { reasoning: "", content: "", refusal: "" };

  function current(): Delta {
    let last = ready.at(-1);
    if (last === undefined) ready.push(last = {});
    return last;
  }

  function count(length: number): void {
    characters += length;
    if (characters > maxCharacters) {
      throw new RangeError(`Cannot read answer: more than ${maxCharacters} characters`);
    }
  }

  function countParts(length: number): void {
    partsCharacters += length;
    if (partsCharacters > MAX_PARTS_CHARACTERS) {
      throw new RangeError(
        `Cannot read answer: parts of more than ${MAX_PARTS_CHARACTERS} characters`,
      );
    }
  }

  function addToolCall(
    index: unknown,
    id: unknown,
    call: JsonObject,
    delta: Delta,
    extra?: JsonObject | undefined,
  ): void {
    const [name, json] = [toText(call.name), toJson(call.arguments)];
    count(PIECE_CHARACTERS + name.length + json.length);
    toolCalls ??= createToolCallReader();
    const pieces = toolCalls.add(index, toText(id), name, json, extra);
    if (pieces.length > 0) (delta.toolCalls ??= []).push(...pieces);
  }

  function addMessage(message: JsonObject, isWhole: boolean, choice: number): void {
    let reasoning = reasoningOf(message);
    let content = partsText(message.content, "text");
    if (content !== "") textChoice ??= choice;
    if (choice !== textChoice) content = "";
    const refusal = toText(message.refusal);
    const room = maxCharacters - characters;
    if (cuts && reasoning.length + content.length > room) {
      reasoning = reasoning.slice(0, room);
      content = content.slice(0, room - reasoning.length);
      isFull = true;
    }
    count(reasoning.length + content.length + refusal.length);
    const hasCalls = Array.isArray(message.tool_calls) && message.tool_calls.length > 0;
    if (reasoning || content || refusal || hasCalls) {
      hasBegun = true;
      if (isFinished) hasFalseFinish = true;
      isFinished = false;
    }
    let delta = current();
    const state = stateOf(message);
    if (state !== undefined) {
      count(JSON.stringify(state).length);
      (delta.state ??= []).push(state);
    }
    if (reasoning !== "") {
      // Reasoning that follows content in the same read must not overtake it.
      if (delta.content !== undefined) ready.push(delta = {});
      delta.reasoning = (delta.reasoning ?? "") + reasoning;
    }
    if (content !== "") delta.content = (delta.content ?? "") + content;
    if (refusal !== "") delta.refusal = (delta.refusal ?? "") + refusal;
    if (Array.isArray(message.tool_calls)) {
      for (const [i, call] of message.tool_calls.entries()) {
        if (!isObjectOrArray(call)) continue;
        const index = isWhole ? i : call.index;
        const unique = typeof index === "number" ? index + choice * MAX_CALLS : index;
        // Gemini's signatures of thoughts.
        const extra = isObjectOrArray(call.extra_content) ? call.extra_content : undefined;
        if (extra !== undefined) count(JSON.stringify(extra).length);
        addToolCall(
          unique,
          call.id,
          isObjectOrArray(call.function) ? call.function : {},
          delta,
          extra,
        );
      }
    } else if (isObjectOrArray(message.function_call)) {
      addToolCall(0, "", message.function_call, delta);
    }
  }

  function addParts(parts: AnswerParts | undefined): void {
    if (parts === undefined) return;
    const json = JSON.stringify(parts);
    // Perplexity repeats the sources in every chunk.
    if (json === lastParts) return;
    lastParts = json;
    countParts(json.length);
    (current().parts ??= []).push(parts);
  }

  function end(): void {
    const rest = toolCalls?.end() ?? [];
    if (rest.length > 0) (current().toolCalls ??= []).push(...rest);
  }

  function addChoice(completion: JsonObject, choice: JsonObject): void {
    const isWhole = !isObjectOrArray(choice.delta);
    const message = choice.delta ?? choice.message;
    // Some gateways spread text and tool calls over several choices.
    const number = typeof choice.index === "number" ? choice.index : 0;
    if (isObjectOrArray(message)) {
      addMessage(message, isWhole, number);
      if (number === 0) addParts(partsOf({ completion, choice, message }));
    }
    if (isFull) return finish("length", choice);
    const reason = lettersOf(choice.finish_reason);
    if (reason === "error") throw errorFromEvent(choice.error);
    const failure = FAILURES.get(reason);
    if (failure !== undefined) throw errorFromStatus(failure, { message: "", code: "" });
    const isComplete = isWhole && isObjectOrArray(message) && ready.some(hasOutput);
    if (reason !== "" && !isWhole && !hadBegun) hasEarlyFinish = true;
    if (reason !== "" || isComplete) finish(reason, choice);
  }

  function finish(reason: string, choice: JsonObject): void {
    isFinished = true;
    end();
    const last = current();
    last.finishReason = FINISH_REASONS.get(reason) ?? "stop";
    // vLLM's field and SGLang's; a number is a token id.
    const stop = toText(choice.stop_reason) || toText(choice.matched_stop);
    if (stop !== "") last.stopSequence = stop;
  }

  function joinPairs(delta: Delta, field: keyof typeof halves): void {
    if (delta[field] === undefined) return;
    const [whole, half] = splitPair(halves[field] + delta[field]);
    halves[field] = half;
    if (whole === "") delete delta[field];
    else delta[field] = whole;
  }

  return {
    add(json) {
      if (!isObjectOrArray(json)) throw notACompletion();
      if (json.error) throw errorFromEvent(json.error);
      const usage = usageOf(json.usage) ??
        usageOf(isObjectOrArray(json.x_groq) && json.x_groq.usage);
      if (usage !== undefined) current().usage = usage;
      hadBegun = hasBegun;
      if (!Array.isArray(json.choices)) {
        if (usage === undefined && isObjectOrArray(json.message)) throw notACompletion();
        return;
      }
      for (const choice of json.choices.slice(0, MAX_CHOICES)) {
        if (isObjectOrArray(choice) && !isFull) addChoice(json, choice);
      }
    },
    end,
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
    isFinished: () => isFinished,
    hasFalseFinish: () => hasFalseFinish,
    hasEarlyFinish: () => hasEarlyFinish,
    isFull: () => isFull,
  };
}

export function notACompletion(): UpstreamError {
  return new UpstreamError("upstream_error", "The upstream's answer is not a chat completion.");
}
