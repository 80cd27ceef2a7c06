import type { Delta } from "../upstream/wire/deltas.ts";
import type { TokenCounts } from "../upstream/wire/usage.ts";
import type { UpstreamOptions } from "../upstream/options.ts";
import type { Message } from "./request.ts";

/** Sums over the upstream calls of one request; clients see them as `usage.upstream`. */
export interface UpstreamUsage {
  calls: number;
  prompt_tokens: number;
  /** Prompt tokens read from the provider's cache. */
  cached_tokens: number;
  /** Generated tokens. */
  completion_tokens: number;
  /** In USD; absent if no upstream has a price. */
  cost?: number;
  /** Whether an upstream did not report its counts, so that they are estimates. */
  estimated: boolean;
  /** What each of the models whose answers were combined used and contributed. */
  contributions?: Contribution[];
}

/** What the calls of one role used, and how much of the answer stems from them. */
export interface Contribution {
  role: string;
  calls: number;
  prompt_tokens: number;
  completion_tokens: number;
  /** In USD; absent if no upstream of the role has a price. */
  cost?: number;
  /** Share of the answer, 0 to 1; see `acceptedShares`. */
  accepted: number;
}

/** Tokens that one request used. */
export interface Usage {
  /** Prompt of the first upstream call. */
  promptTokens: number;
  /** The part of it that was read from the provider's cache. */
  cachedTokens: number;
  /** Generated tokens of all calls. */
  completionTokens: number;
  /** Generated tokens that did not become visible answer. */
  reasoningTokens: number;
  upstream: UpstreamUsage;
}

/** Counts the tokens of one call. */
export interface CallMeter {
  /**
   * Called when the call is sent, and again for each retry, which may go to another upstream. A
   * call that is not sent counts 0.
   *
   * @param price that of the upstream; the last one applies.
   */
  sent(price?: UpstreamOptions["price"]): void;
  add(delta: Delta): void;
  /**
   * @param failed whether the upstream failed: without any output it then counts 0 tokens.
   * @returns what the call used; undefined if it was not sent.
   */
  end(failed?: boolean): CallUsage | undefined;
}

/** What one call used. */
export interface CallUsage {
  prompt_tokens: number;
  completion_tokens: number;
  /** In USD; absent if the upstream has no price. */
  cost?: number;
  /** Whether the counts are estimates. */
  estimated: boolean;
}

/** Counts the tokens of one request. */
export interface UsageMeter {
  /**
   * @param visible whether the call's content is the client's answer.
   * @param definitions tools and schemas that are sent beside the messages.
   */
  call(
    messages: readonly Message[],
    visible: boolean,
    definitions?: readonly unknown[],
    role?: string,
  ): CallMeter;
  /** Adds to the total what these roles used, with the share of the answer that stems from each. */
  countContributions(contributions: readonly Pick<Contribution, "role" | "accepted">[]): void;
  /** Counts a text of an earlier call as the visible answer, by an estimate. */
  show(text: string): void;
  /** Tokens generated so far. */
  generated(): number;
  /** USD spent so far, as far as prices are known. */
  cost(): number;
  total(): Usage;
}

/** Estimate for a picture, and minimum for a file, in tokens. */
const PART_TOKENS = 500;

/** Characters of base64 for each token of a file: of a text, and of a PDF with its fonts. */
const TEXT_FILE_CHARACTERS = 16 / 3;
const FILE_CHARACTERS = 200;

/** Estimates tokens: one for 4 characters, or for each character of a script without spaces. */
function estimateText(text: string): number {
  let tokens = 0;
  for (let i = 0; i < text.length; i++) {
    tokens += text.charCodeAt(i) < 0x2e80 ? 0.25 : 1;
  }
  return tokens;
}

function estimateContent(content: unknown): number {
  if (typeof content === "string") return estimateText(content);
  if (!Array.isArray(content)) return 0;
  return content.reduce<number>((sum, part) => sum + estimatePart(part), 0);
}

function estimatePart(
  part: { text?: unknown; file?: { file_data?: unknown }; input_audio?: { data?: unknown } } | null,
): number {
  if (typeof part?.text === "string") return estimateText(part.text);
  const data = part?.file?.file_data ?? part?.input_audio?.data;
  if (typeof data !== "string") return PART_TOKENS;
  const perToken = /^data:(text\/|application\/json)/.test(data)
    ? TEXT_FILE_CHARACTERS
    : FILE_CHARACTERS;
  return Math.max(PART_TOKENS, data.length / perToken);
}

function estimateJson(value: unknown): number {
  return value === undefined ? 0 : estimateText(JSON.stringify(value));
}

/** Estimates the tokens of a prompt with these messages, and definitions of tools and schemas. */
export function estimatePrompt(
  messages: readonly Message[],
  definitions: readonly unknown[] = [],
): number {
  let tokens = 0;
  for (const { content, tool_calls } of messages) {
    tokens += 4 + estimateContent(content) + estimateJson(tool_calls);
  }
  for (const definition of definitions) tokens += estimateJson(definition);
  return Math.ceil(tokens);
}

type RoleUsage = Omit<Contribution, "role" | "accepted">;

const NO_USAGE: Readonly<RoleUsage> = { calls: 0, prompt_tokens: 0, completion_tokens: 0 };

/** Rounds a cost to billionths of a dollar. */
export function rounded(usd: number): number {
  return Math.round(usd * 1e9) / 1e9;
}

export function createUsageMeter(): UsageMeter {
  const sums = { calls: 0, prompt: 0, cached: 0, completion: 0, visible: 0, cost: 0 };
  const byRole = new Map<string, RoleUsage>();
  let contributions: Contribution[] = [];
  let first: { order: number; prompt: number; cached: number } | undefined;
  let isEstimated = false;
  let hasPrice = false;

  return {
    call(messages, visible, definitions, role = "") {
      /** Number of the call in the order of sending; 0 until it is sent. */
      let order = 0;
      let reasoningEstimate = 0;
      let outputEstimate = 0;
      let reported: TokenCounts | undefined;
      let price: UpstreamOptions["price"];
      let isOpen = true;
      return {
        sent(current) {
          if (order === 0) {
            order = ++sums.calls;
            const own = byRole.get(role) ?? NO_USAGE;
            byRole.set(role, { ...own, calls: own.calls + 1 });
          }
          price = current;
          reported = undefined;
        },
        add({ reasoning = "", content = "", refusal = "", toolCalls = [], usage }) {
          reasoningEstimate += estimateText(reasoning);
          outputEstimate += estimateText(content) + estimateText(refusal);
          for (const { name = "", arguments: json } of toolCalls) {
            outputEstimate += estimateText(name) + estimateText(json);
          }
          if (usage !== undefined) reported = usage;
        },
        end(failed = false) {
          if (!isOpen || order === 0) return undefined;
          isOpen = false;
          const estimate = reasoningEstimate + outputEstimate;
          if (failed && reported === undefined && estimate === 0) {
            return { prompt_tokens: 0, completion_tokens: 0, estimated: false };
          }
          if (reported === undefined) isEstimated = true;
          const { prompt, cached, completion, reasoning }: TokenCounts = reported ??
            {
              prompt: estimatePrompt(messages, definitions),
              cached: 0,
              completion: Math.ceil(estimate),
            };
          sums.prompt += prompt;
          sums.cached += cached;
          sums.completion += completion;
          const own = byRole.get(role)!;
          own.prompt_tokens += prompt;
          own.completion_tokens += completion;
          if (visible) {
            // Without the upstream's count, or with a 0 beside tagged thinking, the lengths of the
            // texts divide the total.
            const hidden = reasoning ||
              (estimate === 0 ? 0 : Math.round(completion * reasoningEstimate / estimate));
            // The client sees only the last of several visible calls, which repairs the others.
            sums.visible = Math.max(0, completion - hidden);
          }
          if (first === undefined || order < first.order) first = { order, prompt, cached };
          const used = {
            prompt_tokens: prompt,
            completion_tokens: completion,
            estimated: reported === undefined,
          };
          if (price === undefined) return used;
          hasPrice = true;
          const cost = ((prompt - cached) * price.input +
            cached * (price.cached_input ?? price.input) + completion * price.output) / 1e6;
          sums.cost += cost;
          own.cost = (own.cost ?? 0) + cost;
          return { ...used, cost: rounded(cost) };
        },
      };
    },
    show(text) {
      sums.visible = Math.min(sums.completion, Math.ceil(estimateText(text)));
    },
    countContributions(added) {
      contributions = added.map(({ role, accepted }) => {
        const { cost, ...own } = byRole.get(role) ?? NO_USAGE;
        return { role, ...own, ...(cost === undefined ? {} : { cost: rounded(cost) }), accepted };
      });
    },
    generated: () => sums.completion,
    cost: () => sums.cost,
    total: () => ({
      promptTokens: first?.prompt ?? 0,
      cachedTokens: first?.cached ?? 0,
      completionTokens: sums.completion,
      reasoningTokens: Math.max(0, sums.completion - sums.visible),
      upstream: {
        calls: sums.calls,
        prompt_tokens: sums.prompt,
        cached_tokens: sums.cached,
        completion_tokens: sums.completion,
        ...(hasPrice ? { cost: rounded(sums.cost) } : {}),
        estimated: isEstimated,
        ...(contributions.length > 0 ? { contributions } : {}),
      },
    }),
  };
}
