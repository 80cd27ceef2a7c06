/**
 * What upstream models have been found not to take. Learnt from their refusals and answers,
 * remembered for each upstream and model for as long as the process lives.
 *
 * @module
 */
import type { Target } from "./target.ts";
import type { UpstreamError } from "./errors.ts";

/** How an upstream model wants to be asked. */
export interface Capabilities {
  /** Whether it takes a response format of type `json_schema`. */
  jsonSchema: boolean;
  /** Whether it takes a response format of type `json_object`. */
  jsonObject: boolean;
  /** Whether an answer has followed a schema. */
  heldSchema: boolean;
  /** Whether it has been seen to reason by itself. */
  reasons: boolean;
  /** Whether it takes `stream_options`. */
  streamOptions: boolean;
  /** What it calls the ceiling for generated tokens. */
  maxTokens: "max_tokens" | "max_completion_tokens" | "none";
  /** Whether it takes more than one system message. */
  manySystemMessages: boolean;
  /** Whether it takes the role `developer`. */
  developerRole: boolean;
  /** Whether it wants its reasoning back with the tool calls that it led to. */
  toolReasoning: boolean;
}

/** The memory of what was learnt. */
export interface CapabilityMemory {
  /** How to ask this upstream model. The object is never changed. */
  of(target: Target): Readonly<Capabilities>;
  /**
   * Learns from a refusal.
   *
   * @param sent how the refused request was asked.
   * @param used which of the optional things the refused request really held.
   * @returns whether asking again, in the way now known, may do better.
   */
  learn(
    target: Target,
    error: UpstreamError,
    sent: Readonly<Capabilities>,
    used: Used,
  ): boolean;
  /** The model has been seen to reason by itself. */
  reasons(target: Target): void;
  /** How it holds to a form in JSON. */
  json: {
    /** Whether it has a schema mode, and has held to it. */
    isSure(target: Target): boolean;
    /** The answer followed the schema. */
    held(target: Target): void;
    /** The answer did not follow the format that was sent for a schema. */
    ignored(target: Target): void;
  };
}

/** A type of response format that upstreams may lack. */
export type ResponseFormatType = "json_schema" | "json_object";

/** The strongest format that the upstream takes for an answer that has to be JSON. */
export function formatTypeFor(
  capabilities: Readonly<Capabilities>,
  hasSchema: boolean,
): ResponseFormatType | undefined {
  if (hasSchema && capabilities.jsonSchema) return "json_schema";
  return capabilities.jsonObject ? "json_object" : undefined;
}

/** The optional things that a request held. */
export interface Used {
  /** The type of its response format, if it had one. */
  format: ResponseFormatType | undefined;
  /** A ceiling for generated tokens. */
  maxTokens: boolean;
  /** `stream_options`. */
  streamOptions: boolean;
  /** More than one system message. */
  manySystemMessages: boolean;
  /** A message with the role `developer`. */
  developerRole: boolean;
  /** A message with tool calls. */
  toolCalls: boolean;
}

const FORMAT =
  /response_?format|json_?schema|json_?object|json[ _](mode|validate)|structured|guided|grammar|schema/i;
const VAGUE = /^[\w ]{0,30}(invalid|bad) request\W*$|^\W*$/i;
const UNKNOWN_FIELD =
  /unsupported|not supported|unknown|unrecognized|unexpected|extra|not permitted|not allowed|invalid param|instead/i;
const SYSTEM =
  /(multiple|single|one|only|first|second|begin|start|additional)\W.*\bsystem\b|\bsystem\b.*\b(multiple|single|one|only|first|begin|start|alternat)|roles must alternate/i;

/** What is taken for granted of an upstream of which nothing is known. */
function assumed({ upstream }: Target): Capabilities {
  return {
    jsonSchema: true,
    jsonObject: true,
    heldSchema: false,
    reasons: false,
    streamOptions: true,
    maxTokens: /\/\/api\.openai\.com/.test(upstream.base_url)
      ? "max_completion_tokens"
      : "max_tokens",
    manySystemMessages: true,
    developerRole: true,
    toolReasoning: false,
  };
}

/** Creates an empty memory. */
export function createCapabilityMemory(): CapabilityMemory {
  const known = new Map<string, Readonly<Capabilities>>();
  const keyOf = ({ upstream, model }: Target) => `${upstream.base_url}\n${model}`;

  function of(target: Target): Readonly<Capabilities> {
    const key = keyOf(target);
    let found = known.get(key);
    if (found === undefined) known.set(key, found = assumed(target));
    return found;
  }

  function set(target: Target, change: Partial<Capabilities>): void {
    known.set(keyOf(target), { ...of(target), ...change });
  }

  function drop(target: Target, format: ResponseFormatType): void {
    set(target, format === "json_schema" ? { jsonSchema: false } : { jsonObject: false });
  }

  return {
    of,
    learn(target, error, sent, used) {
      const status = error.upstreamStatus;
      if (
        error.code !== "upstream_rejected" || (status !== 400 && status !== 422)
      ) return false;
      const said = error.upstreamMessage ?? "";
      if (used.streamOptions && /stream_?options|include_usage/i.test(said)) {
        set(target, { streamOptions: false });
        return true;
      }
      if (used.maxTokens && /max_(completion_)?tokens/i.test(said)) {
        const other = sent.maxTokens === "max_tokens" ? "max_completion_tokens" : "max_tokens";
        // "Use the other" or "unknown parameter" is about the name; a range is about the number.
        const wrongName = new RegExp(`(?<!_)\\b${sent.maxTokens}\\b`).test(said) &&
          UNKNOWN_FIELD.test(said);
        if (wrongName) {
          const first = sent.maxTokens === assumed(target).maxTokens;
          set(target, { maxTokens: first ? other : "none" });
          return true;
        }
      }
      if (used.toolCalls && /reasoning_content/i.test(said)) {
        // Some refuse a tool's result without it, others refuse the field itself.
        const toolReasoning = !UNKNOWN_FIELD.test(said);
        set(target, { toolReasoning });
        return toolReasoning !== sent.toolReasoning;
      }
      if (used.developerRole && /developer/i.test(said)) {
        set(target, { developerRole: false });
        return true;
      }
      if (used.manySystemMessages && SYSTEM.test(said)) {
        set(target, { manySystemMessages: false });
        return true;
      }
      // A refusal without a reason is most often about the newest thing in the request.
      if (used.format !== undefined && (FORMAT.test(said) || VAGUE.test(said))) {
        drop(target, used.format);
        return true;
      }
      return false;
    },
    reasons(target) {
      if (!of(target).reasons) set(target, { reasons: true });
    },
    json: {
      isSure: (target) => of(target).jsonSchema && of(target).heldSchema,
      held(target) {
        if (!of(target).heldSchema) set(target, { heldSchema: true });
      },
      ignored(target) {
        const format = formatTypeFor(of(target), true);
        if (format !== undefined) drop(target, format);
      },
    },
  };
}
