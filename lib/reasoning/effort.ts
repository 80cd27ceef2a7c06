import type { Effort, EffortRoutes, ThinkingEffort } from "./request.ts";

/** Every value of `reasoning_effort`, from least to most. */
export const EFFORTS = [
  "none",
  "minimal",
  "low",
  "medium",
  "high",
  "xhigh",
  "max",
] as const satisfies readonly Effort[];

/** Returns false for the efforts at which one plain call answers. */
export function isThinking(effort: Effort): effort is ThinkingEffort {
  return effort !== "none" && effort !== "minimal";
}

/** Default of the configuration's `routing.effort`. */
export const EFFORT_ROUTES: EffortRoutes = {
  none: "direct",
  minimal: "direct",
  low: "think",
  medium: "vote_or_moa",
  high: "verify",
  xhigh: "rsa",
  max: "rsa",
};
