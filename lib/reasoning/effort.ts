/**
 * What `reasoning_effort` means for each strategy.
 *
 * @module
 */
import type { Effort, EffortRoutes } from "./request.ts";

/** Every value of the dial, from least to most. */
export const EFFORTS = [
  "none",
  "minimal",
  "low",
  "medium",
  "high",
  "xhigh",
  "max",
] as const satisfies readonly Effort[];

/** Whether this effort means not to reason at all. */
export function reasonsNotAtAll(effort: Effort): boolean {
  return effort === "none" || effort === "minimal";
}

/** What `auto` runs at each effort, unless the config says otherwise. */
export const EFFORT_ROUTES: EffortRoutes = {
  none: "direct",
  minimal: "direct",
  low: "think",
  medium: "vote_or_moa",
  high: "verify",
  xhigh: "rsa",
  max: "rsa",
};

/** Steps at most, by effort. */
export const MAX_STEPS: Readonly<Record<Effort, number>> = {
  none: 0,
  minimal: 0,
  low: 4,
  medium: 8,
  high: 12,
  xhigh: 25,
  max: 25,
};
