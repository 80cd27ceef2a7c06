import type { Delta } from "../../upstream/wire/deltas.ts";
import type { TokenCounts } from "../../upstream/wire/usage.ts";
import type { UpstreamOptions } from "../../upstream/options.ts";
import type { Message } from "../request.ts";
import { estimatePrompt, estimateText } from "./estimate.ts";

/** What one or several upstream calls used. */
export interface CallUsage {
  prompt_tokens: number;
  /** Generated tokens. */
  completion_tokens: number;
  /** In USD; absent if no upstream has a price. */
  cost?: number;
  /** Whether an upstream did not report its counts, so that they are estimates. */
  estimated: boolean;
}

/** Sums over the upstream calls of one request; clients see them as `usage.upstream`. */
export interface UpstreamUsage extends CallUsage {
  calls: number;
  /** Prompt tokens read from the provider's cache. */
  cached_tokens: number;
  /** What each of the models whose answers were combined used and contributed. */
  contributions?: Contribution[];
}

/** What the calls of one role used, and how much of the answer stems from them. */
export interface Contribution extends Omit<CallUsage, "estimated"> {
  role: string;
  calls: number;
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

/** Counts the tokens of one call, or of one sample of a call that has several. */
export interface CallMeter {
  /**
   * Called when the call is sent, and again for each retry, which may go to another upstream. A
   * call that is not sent counts 0.
   *
   * @param price that of the upstream; the last one applies.
   */
  sent(price?: UpstreamOptions["price"]): void;
  add(delta: Delta): void;
  /** Returns the meter of another sample of the same call; that of the call is number 0. */
  sample(number: number, role: string): CallMeter;
  /** Counts what the upstream reports of one sample, or of the whole call. */
  report(usage: TokenCounts, number?: number): void;
  /**
   * @param failed whether the upstream failed: without any output it then counts 0 tokens.
   * @returns what the call used, or the sample, as far as it is known; undefined if it was not sent.
   */
  end(failed?: boolean): CallUsage | undefined;
}

/** What one or several meters have counted so far. */
export interface UsageSums {
  /** Generated tokens. */
  generated(): number;
  /** Number of samples that were asked for; a call has one or more. */
  samples(): number;
  /** In USD, as far as prices are known. */
  cost(): number;
  total(): Usage;
}

/** Counts the tokens of one request. */
export interface UsageMeter extends UsageSums {
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
}

/** Rounds a cost to billionths of a dollar. */
export function rounded(usd: number): number {
  return Math.round(usd * 1e9) / 1e9;
}

interface SampleCount {
  role: string;
  /** Tokens, estimated from the texts. */
  reasoning: number;
  output: number;
  reported?: TokenCounts;
  /** Whether it has ended, so that it counts. */
  counts: boolean;
}

interface CallCount {
  price: UpstreamOptions["price"];
  /** Usage that the upstream reported for all samples together. */
  reported: TokenCounts | undefined;
  /** Samples, indexed by their number. */
  samples: SampleCount[];
  estimatePrompt: () => number;
}

/** Undefined if nothing of the call counts. */
function tokensOf(call: CallCount): (TokenCounts & { isEstimated: boolean }) | undefined {
  const { reported, estimatePrompt } = call;
  const samples = call.samples.filter(({ counts }) => counts);
  if (samples.length === 0) return undefined;
  if (reported !== undefined) return { ...reported, isEstimated: false };
  const counted = samples.flatMap((sample) => sample.reported ?? []);
  const [first = { prompt: estimatePrompt(), cached: 0 }] = counted;
  const completion = samples.reduce(
    (sum, sample) => sum + (sample.reported?.completion ?? estimateOf(sample)),
    0,
  );
  return {
    prompt: first.prompt,
    cached: first.cached,
    completion: Math.ceil(completion),
    isEstimated: counted.length < samples.length,
  };
}

const estimateOf = ({ reasoning, output }: SampleCount) => reasoning + output;

function costOf({ price }: CallCount, { prompt, cached, completion }: TokenCounts): number {
  if (price === undefined) return 0;
  return ((prompt - cached) * price.input + cached * (price.cached_input ?? price.input) +
    completion * price.output) / 1e6;
}

/** A sample's share of its call: of the prompt an equal one, of the rest that of its text. */
function shareOf({ samples }: CallCount, tokens: TokenCounts, role: string): TokenCounts {
  const own = samples.filter((sample) => sample.role === role);
  const part = own.length / samples.length;
  const estimate = (some: SampleCount[]) =>
    some.reduce((sum, sample) => sum + estimateOf(sample), 0);
  const all = estimate(samples);
  return {
    prompt: tokens.prompt * part,
    cached: tokens.cached * part,
    completion: tokens.completion * (all === 0 ? part : estimate(own) / all),
  };
}

/** What is known of one sample when it ends; the prompt counts for the first one. */
function usageOfSample(call: CallCount, sample: SampleCount): CallUsage {
  const { isEstimated, ...all } = tokensOf(call)!;
  const isFirst = call.samples[0] === sample;
  const tokens: TokenCounts = call.samples.length === 1 ? all : {
    prompt: isFirst ? all.prompt : 0,
    cached: isFirst ? all.cached : 0,
    completion: sample.reported?.completion ?? Math.ceil(estimateOf(sample)),
  };
  return {
    prompt_tokens: tokens.prompt,
    completion_tokens: tokens.completion,
    estimated: call.samples.length === 1 ? isEstimated : sample.reported === undefined,
    ...(call.price === undefined ? {} : { cost: rounded(costOf(call, tokens)) }),
  };
}

export function createUsageMeter(): UsageMeter {
  /** In the order of sending. */
  const calls: CallCount[] = [];
  let visibleTokens = 0;
  let contributions: Contribution[] = [];

  /** The calls that count, in the order of sending. */
  const counted = () =>
    calls.flatMap((call) => {
      const tokens = tokensOf(call);
      return tokens === undefined ? [] : [{ call, tokens }];
    });

  function sumsOf(counts: ReturnType<typeof counted>): TokenCounts & { cost: number } {
    const sums = { prompt: 0, cached: 0, completion: 0, cost: 0 };
    for (const { call, tokens } of counts) {
      sums.prompt += tokens.prompt;
      sums.cached += tokens.cached;
      sums.completion += tokens.completion;
      sums.cost += costOf(call, tokens);
    }
    return sums;
  }

  const generated = () => sumsOf(counted()).completion;
  const hasPrice = (own: readonly { call: CallCount }[]) =>
    own.some(({ call }) => call.price !== undefined);

  function usageOf(role: string) {
    const isOwn = (call: CallCount) => call.samples.some((sample) => sample.role === role);
    const own = counted().filter(({ call }) => isOwn(call))
      .map(({ call, tokens }) => ({ call, tokens: { ...tokens, ...shareOf(call, tokens, role) } }));
    const { prompt, completion, cost } = sumsOf(own);
    return {
      calls: calls.filter(isOwn).length,
      prompt_tokens: Math.round(prompt),
      completion_tokens: Math.round(completion),
      ...(hasPrice(own) ? { cost: rounded(cost) } : {}),
    };
  }

  /** Creates the meter of one sample. */
  function sampleMeter(call: CallCount, sample: SampleCount, visible: boolean): CallMeter {
    return {
      sent(current) {
        if (!calls.includes(call)) calls.push(call);
        call.price = current;
        call.reported = undefined;
      },
      add({ reasoning = "", content = "", refusal = "", toolCalls = [], usage }) {
        sample.reasoning += estimateText(reasoning);
        sample.output += estimateText(content) + estimateText(refusal);
        for (const { name = "", arguments: json } of toolCalls) {
          sample.output += estimateText(name) + estimateText(json);
        }
        if (usage !== undefined) call.reported = usage;
      },
      sample(number, role) {
        const other = { role, reasoning: 0, output: 0, counts: false };
        call.samples[number] = other;
        return sampleMeter(call, other, false);
      },
      report(usage, number) {
        if (number === undefined) call.reported = usage;
        else if (call.samples[number] !== undefined) call.samples[number].reported = usage;
      },
      end(failed = false) {
        if (sample.counts || !calls.includes(call)) return undefined;
        const estimate = estimateOf(sample);
        if (failed && call.reported === undefined && estimate === 0) {
          return { prompt_tokens: 0, completion_tokens: 0, estimated: false };
        }
        sample.counts = true;
        if (!visible) return usageOfSample(call, sample);
        const { completion, reasoning } = tokensOf(call)!;
        // Without the upstream's count, or with a 0 beside tagged thinking, the lengths of the
        // texts divide the total.
        const hidden = reasoning ||
          (estimate === 0 ? 0 : Math.round(completion * sample.reasoning / estimate));
        // The client sees only the last of several visible calls, which repairs the others.
        visibleTokens = Math.max(0, completion - hidden);
        return usageOfSample(call, sample);
      },
    };
  }

  return {
    call(messages, visible, definitions, role = "") {
      let promptEstimate: number | undefined;
      const sample = { role, reasoning: 0, output: 0, counts: false };
      const call: CallCount = {
        price: undefined,
        reported: undefined,
        samples: [sample],
        estimatePrompt: () => promptEstimate ??= estimatePrompt(messages, definitions),
      };
      return sampleMeter(call, sample, visible);
    },
    show(text) {
      visibleTokens = Math.min(generated(), Math.ceil(estimateText(text)));
    },
    countContributions(added) {
      contributions = added.map(({ role, accepted }) => ({ role, ...usageOf(role), accepted }));
    },
    generated,
    cost: () => sumsOf(counted()).cost,
    samples: () => calls.reduce((sum, { samples }) => sum + samples.length, 0),
    total() {
      const all = counted();
      const [first] = all;
      const { prompt, cached, completion, cost } = sumsOf(all);
      return {
        promptTokens: first?.tokens.prompt ?? 0,
        cachedTokens: first?.tokens.cached ?? 0,
        completionTokens: completion,
        reasoningTokens: Math.max(0, completion - visibleTokens),
        upstream: {
          calls: calls.length,
          prompt_tokens: prompt,
          cached_tokens: cached,
          completion_tokens: completion,
          ...(hasPrice(all) ? { cost: rounded(cost) } : {}),
          estimated: all.some(({ tokens }) => tokens.isEstimated),
          ...(contributions.length > 0 ? { contributions } : {}),
        },
      };
    },
  };
}
