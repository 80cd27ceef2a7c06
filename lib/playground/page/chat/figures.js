/**
 * Describes what an answer took: tokens, calls, cost and time.
 *
 * @param {any} usage
 * @param {number} totalSeconds
 */
export function figures(usage, totalSeconds) {
  /** @type {string[]} */
  const facts = [];
  if (usage) {
    const { upstream } = usage;
    const about = upstream?.estimated ? "≈ " : "";
    const thinking = usage.completion_tokens_details?.reasoning_tokens ?? 0;
    const tokens = formatNumber(usage.total_tokens);
    facts.push(
      `${about}${tokens} tokens${thinking > 0 ? ` (${formatNumber(thinking)} thinking)` : ""}`,
    );
    if (upstream?.calls !== undefined) {
      facts.push(upstream.calls === 1 ? "1 call" : `${formatNumber(upstream.calls)} calls`);
    }
    if (upstream?.cost !== undefined) facts.push(formatDollars(upstream.cost));
  }
  facts.push(`${totalSeconds.toFixed(1)} s in all`);
  return facts;
}

const formatNumber = new Intl.NumberFormat("en").format;

/** With 4 decimal places, or more if the first three digits need them. */
const formatDollars = new Intl.NumberFormat("en", {
  style: "currency",
  currency: "USD",
  minimumFractionDigits: 0,
  maximumFractionDigits: 4,
  maximumSignificantDigits: 3,
  roundingPriority: "morePrecision",
}).format;
