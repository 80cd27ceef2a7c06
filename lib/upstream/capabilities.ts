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
  /** The strongest way in which it can be made to follow a JSON Schema. */
  responseFormat: "json_schema" | "json_object" | "none";
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
  /** Learns that the answer did not follow the schema that was sent. */
  schemaIgnored(target: Target): void;
}

/** The optional things that a request held. */
export interface Used {
  /** A response format made from a schema. */
  schema: boolean;
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

const WEAKER = {
  json_schema: "json_object",
  json_object: "none",
  none: "none",
} as const;

const FORMAT =
  /response_?format|json_?schema|json_?object|json[ _](mode|validate)|structured|guided|grammar|schema/i;
const SYSTEM =
  /(multiple|single|one|only|first|second|begin|start|additional)\W.*\bsystem\b|\bsystem\b.*\b(multiple|single|one|only|first|begin|start|alternat)|roles must alternate/i;

/** Creates an empty memory. */
export function createCapabilityMemory(): CapabilityMemory {
  const known = new Map<string, Readonly<Capabilities>>();
  const keyOf = ({ upstream, model }: Target) => `${upstream.base_url}\n${model}`;

  function of(target: Target): Readonly<Capabilities> {
    return known.get(keyOf(target)) ?? {
      responseFormat: "json_schema",
      streamOptions: true,
      maxTokens: /\/\/api\.openai\.com/.test(target.upstream.base_url)
        ? "max_completion_tokens"
        : "max_tokens",
      manySystemMessages: true,
      developerRole: true,
      toolReasoning: false,
    };
  }

  function set(target: Target, change: Partial<Capabilities>): void {
    known.set(keyOf(target), { ...of(target), ...change });
  }

  /** Weakens from what was sent: calls side by side must not weaken twice for one reason. */
  function weaken(target: Target, sent: Capabilities["responseFormat"]): void {
    if (of(target).responseFormat === sent) {
      set(target, { responseFormat: WEAKER[sent] });
    }
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
          /unsupported|not supported|unknown|unrecognized|unexpected|extra|not permitted|invalid param|instead/i
            .test(said);
        if (wrongName) {
          const first = sent.maxTokens === of({ ...target, model: "" }).maxTokens;
          set(target, { maxTokens: first ? other : "none" });
          return true;
        }
      }
      if (used.toolCalls && /reasoning_content/i.test(said)) {
        // Some refuse the tool's result without it, others refuse the field itself.
        const wanted = !sent.toolReasoning;
        if (of(target).toolReasoning === sent.toolReasoning) set(target, { toolReasoning: wanted });
        return wanted;
      }
      if (used.developerRole && /developer/i.test(said)) {
        set(target, { developerRole: false });
        return true;
      }
      if (used.manySystemMessages && SYSTEM.test(said)) {
        set(target, { manySystemMessages: false });
        return true;
      }
      if (used.schema && FORMAT.test(said)) {
        weaken(target, sent.responseFormat);
        return true;
      }
      return false;
    },
    schemaIgnored(target) {
      weaken(target, of(target).responseFormat);
    },
  };
}
