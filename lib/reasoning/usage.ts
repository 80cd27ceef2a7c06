/**
 * Token counts of a request, over all its upstream calls.
 *
 * @module
 */
import type { Delta, TokenCounts } from "../upstream/wire/deltas.ts";
import type { UpstreamOptions } from "../upstream/options.ts";
import type { Message } from "./request.ts";

/** Exact sums over the upstream calls of one request, as `usage.upstream` shows them. */
export interface UpstreamUsage {
  /** Calls made. */
  calls: number;
  /** Prompt tokens, summed. */
  prompt_tokens: number;
  /** Prompt tokens read from the provider's cache, summed. */
  cached_tokens: number;
  /** Generated tokens, summed. */
  completion_tokens: number;
  /** USD, where the upstream's prices are known. */
  cost?: number;
  /** Whether a count is an estimate, because an upstream reported none. */
  estimated: boolean;
}

/** What a request used. Counts are tokens. */
export interface Usage {
  /** The first upstream call's prompt. */
  promptTokens: number;
  /** How many of these came from the provider's cache. */
  cachedTokens: number;
  /** Everything generated, over all calls. */
  completionTokens: number;
  /** What of that did not become visible answer. */
  reasoningTokens: number;
  /** The sums behind these. */
  upstream: UpstreamUsage;
}

/** Counts the tokens of one call. */
export interface CallMeter {
  /** The call has been sent; one that never is counts for nothing, and a repeat is no call more. */
  sent(): void;
  /** Takes what came, as the call's consumer sees it. */
  add(delta: Delta): void;
  /**
   * The call has ended.
   *
   * @param failed whether its upstream failed: where it said nothing, nothing is estimated.
   */
  end(failed?: boolean): void;
}

/** Counts the tokens of one request. */
export interface UsageMeter {
  /**
   * Makes ready to count a call.
   *
   * @param visible whether its content is the client's answer.
   */
  call(
    messages: readonly Message[],
    visible: boolean,
    price: UpstreamOptions["price"],
  ): CallMeter;
  /** A text of an earlier call is shown as the answer; its tokens are estimated. */
  show(text: string): void;
  /** Tokens generated so far. */
  generated(): number;
  /** USD spent so far, as far as prices are known. */
  cost(): number;
  /** What has been used. */
  total(): Usage;
}

/** About four characters of English or one of a script without spaces make a token. */
function estimate(text: string): number {
  let tokens = 0;
  for (let i = 0; i < text.length; i++) {
    tokens += text.charCodeAt(i) < 0x2e80 ? 0.25 : 1;
  }
  return tokens;
}

/** About what a picture or a file costs; the length of its data says nothing. */
const PART_TOKENS = 500;

function estimateContent(content: unknown): number {
  if (typeof content === "string") return estimate(content);
  if (!Array.isArray(content)) return 0;
  return content.reduce<number>(
    (sum, part) => sum + (typeof part?.text === "string" ? estimate(part.text) : PART_TOKENS),
    0,
  );
}

/** About how many tokens a prompt of these messages has, with the tools it describes. */
export function estimatePrompt(
  messages: readonly Message[],
  tools: readonly unknown[] = [],
): number {
  const tokens = messages.reduce(
    (sum, { content, tool_calls }) => sum + 4 + estimateContent(content) + estimateJson(tool_calls),
    0,
  );
  return Math.ceil(tokens + tools.reduce<number>((sum, tool) => sum + estimateJson(tool), 0));
}

function estimateJson(value: unknown): number {
  return value === undefined ? 0 : estimate(JSON.stringify(value));
}

/** Creates a meter for one request. */
export function createUsageMeter(): UsageMeter {
  const sums = {
    calls: 0,
    prompt: 0,
    cached: 0,
    completion: 0,
    visible: 0,
    cost: 0,
  };
  let first: { order: number; prompt: number; cached: number } | undefined;
  let estimated = false;
  let priced = false;

  return {
    call(messages, visible, price) {
      let order = 0;
      let hidden = 0;
      let shown = 0;
      let reported: TokenCounts | undefined;
      let open = true;
      return {
        sent() {
          if (order === 0) order = ++sums.calls;
        },
        add(delta) {
          if (delta.reasoning !== undefined) {
            hidden += estimate(delta.reasoning);
          }
          if (delta.content !== undefined) shown += estimate(delta.content);
          if (delta.refusal !== undefined) shown += estimate(delta.refusal);
          for (const call of delta.toolCalls ?? []) {
            shown += estimate(call.arguments) + estimate(call.name ?? "");
          }
          if (delta.usage !== undefined) reported = delta.usage;
        },
        end(failed = false) {
          if (!open || order === 0) return;
          open = false;
          if (failed && reported === undefined && hidden + shown === 0) return;
          if (reported === undefined) estimated = true;
          const counts = reported ??
            {
              prompt: estimatePrompt(messages),
              cached: 0,
              completion: Math.ceil(hidden + shown),
            };
          sums.prompt += counts.prompt;
          sums.cached += counts.cached;
          sums.completion += counts.completion;
          if (visible) {
            // Without the upstream's own count the texts' lengths divide the total. Many count 0
            // where the thinking came as tagged text.
            const reasoning = counts.reasoning ||
              (hidden === 0 ? 0 : Math.round(counts.completion * hidden / (hidden + shown)));
            // Only the last one is seen: an answer that had to be mended was not.
            sums.visible = Math.max(0, counts.completion - reasoning);
          }
          if (first === undefined || order < first.order) {
            first = { order, prompt: counts.prompt, cached: counts.cached };
          }
          if (price !== undefined) {
            priced = true;
            const cached = price.cached_input ?? price.input;
            sums.cost += ((counts.prompt - counts.cached) * price.input +
              counts.cached * cached +
              counts.completion * price.output) / 1e6;
          }
        },
      };
    },
    show(text) {
      sums.visible = Math.min(sums.completion, Math.ceil(estimate(text)));
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
        ...(priced ? { cost: Math.round(sums.cost * 1e9) / 1e9 } : {}),
        estimated,
      },
    }),
  };
}
