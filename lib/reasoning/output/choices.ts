import type { ChoiceEvent, ReasoningEvent } from "../events.ts";
import { createQueue } from "../../queue.ts";
import { rounded, type Usage, type UsageMeter, type UsageSums } from "../usage/meter.ts";

type Item =
  & { choice: number }
  & (
    | { result: IteratorResult<ReasoningEvent> }
    | { error: unknown }
  );

/**
 * Runs several answers to one request at once. The events arrive as they come, each with the number
 * of its choice. The first failure ends all.
 *
 * @param start starts the run of a choice, which ends when the signal is aborted.
 */
export async function* runChoices(
  choices: number,
  start: (choice: number, signal: AbortSignal) => AsyncGenerator<ReasoningEvent>,
): AsyncGenerator<ChoiceEvent> {
  const controller = new AbortController();
  const runs = Array.from({ length: choices }, (_, choice) => start(choice, controller.signal));
  const queue = createQueue<Item>();
  const request = (choice: number) =>
    void runs[choice]!.next().then(
      (result) => queue.put({ choice, result }),
      (error) => queue.put({ choice, error }),
    );
  try {
    runs.forEach((_, choice) => request(choice));
    for (let left = choices; left > 0;) {
      const item = await queue.take();
      if ("error" in item) throw item.error;
      const { choice, result } = item;
      if (result.done) left--;
      else {
        yield { ...result.value, choice };
        request(choice);
      }
    }
  } finally {
    controller.abort(new DOMException("No longer needed", "AbortError"));
    await Promise.allSettled(runs.map((run) => run.return(undefined)));
  }
}

/** What several meters have counted together. The prompt counts once. */
export function sumOf(meters: readonly UsageMeter[]): UsageSums {
  const sum = (valueOf: (meter: UsageMeter) => number) =>
    meters.reduce((total, meter) => total + valueOf(meter), 0);
  return {
    generated: () => sum((meter) => meter.generated()),
    cost: () => sum((meter) => meter.cost()),
    samples: () => sum((meter) => meter.samples()),
    total: () => meters.map((meter) => meter.total()).reduce(add),
  };
}

function add(a: Usage, b: Usage): Usage {
  const { cost: costA, ...first } = a.upstream;
  const { cost: costB, ...second } = b.upstream;
  const contributions = [...first.contributions ?? [], ...second.contributions ?? []];
  const hasCost = costA !== undefined || costB !== undefined;
  return {
    promptTokens: a.promptTokens || b.promptTokens,
    cachedTokens: a.promptTokens > 0 ? a.cachedTokens : b.cachedTokens,
    completionTokens: a.completionTokens + b.completionTokens,
    reasoningTokens: a.reasoningTokens + b.reasoningTokens,
    upstream: {
      calls: first.calls + second.calls,
      prompt_tokens: first.prompt_tokens + second.prompt_tokens,
      cached_tokens: first.cached_tokens + second.cached_tokens,
      completion_tokens: first.completion_tokens + second.completion_tokens,
      ...(hasCost ? { cost: rounded((costA ?? 0) + (costB ?? 0)) } : {}),
      estimated: first.estimated || second.estimated,
      ...(contributions.length > 0 ? { contributions } : {}),
    },
  };
}
