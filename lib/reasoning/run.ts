import { createContext, type RunOptions } from "./context.ts";
import type { ReasoningEvent } from "./events.ts";
import type { RunPlan } from "./plan.ts";
import { isTooLong, relayAnswer } from "./relay/answer.ts";
import type { Strategy, StrategyContext } from "./strategy.ts";
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
  const runContext = { ...context, effort, followUps, options: plan.options as never };
  return withUsage(orPlainly(strategy, runContext), meter, options);
}

type RunContext = StrategyContext<never, string, string>;

/**
 * Runs a strategy. If the client's conversation fits into the model's context, and with what the
 * strategy adds to it does not, one plain call answers.
 */
async function* orPlainly(
  { run, plainRole = "answer" }: Strategy,
  context: RunContext,
): AsyncGenerator<ReasoningEvent> {
  const { messages } = context.request;
  let isAnswering = false;
  let wasPlain = false;
  let openStep: { step: number; content: string[] } | undefined;
  let next = 1;
  const call: RunContext["call"] = (spec) => {
    wasPlain ||= spec.messages === messages;
    return context.call(spec);
  };
  try {
    for await (const event of run({ ...context, call })) {
      if (event.type === "step_start") {
        openStep = { step: event.step, content: [] };
        next = event.step + 1;
      } else if (event.type === "reasoning") {
        if (event.part === "content") openStep?.content.push(event.text);
      } else if (event.type === "step_end") openStep = undefined;
      else if (event.type !== "status" && event.type !== "candidate") isAnswering = true;
      yield event;
    }
  } catch (error) {
    if (isAnswering || wasPlain || !isTooLong(error) || !context.canAnswer()) throw error;
    if (openStep !== undefined) {
      const content = openStep.content.join("");
      yield { type: "step_end", step: openStep.step, title: "", content, seconds: 0 };
    }
    yield* relayAnswer(context, { role: plainRole, messages }, next);
  }
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
