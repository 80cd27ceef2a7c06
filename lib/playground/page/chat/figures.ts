import type { Usage } from "../api/types.ts";
import { translate } from "../language/translate.ts";

/** Describes what an answer took: tokens, calls, cost and time. */
export function figures(usage: Usage | undefined, totalSeconds: number): string[] {
  const facts: string[] = [];
  if (usage !== undefined) {
    const { upstream } = usage;
    const about = upstream?.estimated ? "≈ " : "";
    const thinking = usage.completion_tokens_details?.reasoning_tokens ?? 0;
    const tokens = formatNumber(usage.total_tokens);
    facts.push(
      about + (thinking > 0
        ? translate("{tokens} tokens ({thinking} thinking)", {
          tokens,
          thinking: formatNumber(thinking),
        })
        : translate("{tokens} tokens", { tokens })),
    );
    if (upstream?.calls !== undefined) {
      facts.push(
        upstream.calls === 1
          ? translate("1 call")
          : translate("{count} calls", { count: formatNumber(upstream.calls) }),
      );
    }
    if (upstream?.cost !== undefined) facts.push(formatDollars(upstream.cost));
  }
  facts.push(translate("{seconds} s in total", { seconds: totalSeconds.toFixed(1) }));
  return facts;
}

export const formatNumber = new Intl.NumberFormat("en").format;

/** With 4 decimal places, or more if the first three digits need them. */
export const formatDollars = new Intl.NumberFormat("en", {
  style: "currency",
  currency: "USD",
  minimumFractionDigits: 0,
  maximumFractionDigits: 4,
  maximumSignificantDigits: 3,
  roundingPriority: "morePrecision",
}).format;
