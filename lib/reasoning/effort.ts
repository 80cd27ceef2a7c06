/** Ordered from the least to the most thinking. */
export const EFFORTS = [
  "none",
  "minimal",
  "low",
  "medium",
  "high",
  "xhigh",
  "max",
] as const;

/** OpenAI's `reasoning_effort`. */
export type Effort = typeof EFFORTS[number];

/** The efforts at which a strategy runs; at the others one plain call answers. */
export type ThinkingEffort = Exclude<Effort, "none" | "minimal">;

/** What `auto` runs at each effort: a strategy's name, or `vote_or_moa` to decide by question. */
export type EffortRoutes = Readonly<Record<Effort, string>>;

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
