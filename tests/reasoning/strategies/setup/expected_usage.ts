/** Token counts: of the first prompt, and sums over all calls. */
export type ExpectedUsage = ReturnType<typeof usage>;

export function usage(
  prompt: number,
  cached: number,
  generated: number,
  reasoning: number,
  calls: number,
  allPrompts: number,
  allCached: number,
) {
  return { prompt, cached, generated, reasoning, calls, allPrompts, allCached };
}
