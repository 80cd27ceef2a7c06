import { createContext, type RunOptions } from "./context.ts";
import type { ReasoningEvent } from "./events.ts";
import type { RunPlan } from "./plan.ts";
import { relayAnswer } from "./relay/answer.ts";
import { createUsageMeter, type UsageMeter } from "./usage.ts";

export type { RunOptions } from "./context.ts";

/** Runs a plan. The last two events are `usage` and `finish`. */
export function run(plan: RunPlan, options: RunOptions): AsyncGenerator<ReasoningEvent> {
  const { strategy, effort, followUps } = plan;
  const meter = createUsageMeter();
  const context = createContext(plan, options, meter);
  if (effort === undefined) {
    const { messages } = plan.request;
    const spec = { role: strategy.plainRole ?? "answer", messages };
    return withUsage(relayAnswer(context, spec, 1), meter, options);
  }
  // `planRun` has validated the options with the strategy's own schema.
  const events = strategy.run({ ...context, effort, followUps, options: plan.options as never });
  return withUsage(events, meter, options);
}

/** Inserts `usage` before `finish`. */
async function* withUsage(
  events: AsyncGenerator<ReasoningEvent>,
  meter: UsageMeter,
  { observer, onStart, onEnd }: RunOptions,
): AsyncGenerator<ReasoningEvent> {
  onStart?.();
  let failure: unknown;
  let isWhole = false;
  try {
    for await (const event of events) {
      if (event.type === "finish") {
        yield { type: "usage", usage: meter.total() };
        isWhole = true;
      }
      yield event;
    }
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    observer?.end(meter.total(), isWhole, failure);
    onEnd?.(meter.total());
  }
}
