import { runChoices, sumOf } from "./output/choices.ts";
import { type ContextOptions, createContext, type RunOptions } from "./context.ts";
import { type ReasoningEvent, UpstreamError } from "./events.ts";
import type { RunPlan } from "./plan.ts";
import { isTooLong, relayAnswer, withStatus } from "./output/answer.ts";
import { createAnswerWatch } from "./output/answer_watch.ts";
import { compacting, needsCompaction } from "./output/compact.ts";
import { createRecorder, withRecords } from "./output/records.ts";
import { truncating } from "./output/truncate.ts";
import type { ReasoningRequest } from "./request.ts";
import type { Tool } from "../tools/tool.ts";
import type { Strategy, StrategyContext } from "./strategy.ts";
import { afterApproved } from "./tools/approved.ts";
import { withToolUses } from "./tools/display.ts";
import { definitionOf } from "./tools/turns.ts";
import { createToolRunner } from "./tools/runner.ts";
import { createToolUseCounter } from "./tools/use_limits.ts";
import { createUsageMeter, type UsageMeter, type UsageSums } from "./usage/meter.ts";

export type { RunOptions } from "./context.ts";

/** Distance between the seeds of two choices. Each thinking call of a choice uses one seed. */
const SEED_STEP = 1_000;

/** Runs a plan. The last two events are `usage` and `finish`. */
export function run(given: RunPlan, options: RunOptions): AsyncGenerator<ReasoningEvent> {
  const { clock, records, tools = [] } = options;
  const plan = withAskedTools(given, tools);
  const shared: ContextOptions = {
    ...options,
    tools: tools.filter(({ needsApproval }) => !needsApproval),
    hasAskedTools: tools.some(({ needsApproval }) => needsApproval),
    toolUses: createToolUseCounter(plan.request.toolRules),
  };
  if (!plan.request.wantsRecords || records === undefined) return runPlan(plan, shared);
  const recorder = createRecorder(clock, records.withTexts);
  return withRecords(runPlan(plan, { ...shared, recorder }), recorder);
}

/** Adds tools whose calls end the turn to those of the client. */
function withAskedTools(plan: RunPlan, tools: readonly Tool[]): RunPlan {
  const asked = tools.filter(({ needsApproval }) => needsApproval).map(definitionOf);
  if (asked.length === 0) return plan;
  const { request, request: { final } } = plan;
  const all = [...final.tools ?? [], ...asked];
  return { ...plan, request: { ...request, final: { ...final, tools: all } } };
}

function runPlan(plan: RunPlan, options: ContextOptions): AsyncGenerator<ReasoningEvent> {
  const { choices = 1 } = plan.request;
  if (needsCompaction(plan.request)) return runCompacted(plan, options);
  if (choices === 1) {
    const meter = createUsageMeter();
    return withUsage(runOne(plan, options, meter), meter, options);
  }
  const meters = Array.from({ length: choices }, createUsageMeter);
  const all = sumOf(meters);
  const events = runChoices(choices, (choice, ended) => {
    const signal = AbortSignal.any([options.signal, ended]);
    return runOne(planOf(plan, choice), { ...options, signal }, meters[choice]!, all);
  });
  return withUsage(events, all, options, choices);
}

/**
 * The client's limit applies to the answer alone; the usage counts the summary as thinking. Nothing
 * shows the summary's work, so it uses no tools.
 */
function runCompacted(plan: RunPlan, options: ContextOptions): AsyncGenerator<ReasoningEvent> {
  const meter = createUsageMeter();
  const summaryMeter = createUsageMeter();
  const all = sumOf([meter, summaryMeter]);
  const summarise = (request: ReasoningRequest) =>
    runOne(
      { ...plan, request, effort: undefined, re2: false },
      { ...options, tools: [], hasAskedTools: false, approved: [] },
      summaryMeter,
      all,
    );
  function answer(request: ReasoningRequest): AsyncGenerator<ReasoningEvent> {
    summaryMeter.show("");
    return runOne({ ...plan, request }, options, meter, all);
  }
  return withUsage(compacting(plan.request, summarise, answer), all, options);
}

function runOne(
  plan: RunPlan,
  options: ContextOptions,
  meter: UsageMeter,
  all: UsageSums = meter,
): AsyncGenerator<ReasoningEvent> {
  if (options.approved?.length) {
    const { approved, ...others } = options;
    return withToolUses((onToolUse) => {
      const runTool = createToolRunner({ ...options, onToolUse });
      const task = options.recorder?.nextTask() ?? 0;
      return afterApproved(
        plan,
        approved,
        (call) => runTool(call.tool, call, options.signal, task, call.id),
        (plan) => runOne(plan, others, meter, all),
      );
    });
  }
  if (plan.request.truncates) {
    return truncating(
      { ...plan.request, truncates: false },
      (request) => runOne({ ...plan, request }, options, meter, all),
    );
  }
  if (!options.tools?.length) return runStrategy(plan, options, meter, all);
  return withToolUses((onToolUse) => runStrategy(plan, { ...options, onToolUse }, meter, all));
}

function runStrategy(
  plan: RunPlan,
  options: ContextOptions,
  meter: UsageMeter,
  all: UsageSums,
): AsyncGenerator<ReasoningEvent> {
  const { strategy, effort, followUps } = plan;
  const context = createContext(plan, options, meter, all);
  if (effort === undefined) {
    const { messages } = plan.request;
    const spec = { role: strategy.plainRole ?? "answer", messages };
    return relayAnswer(context, spec, 1);
  }
  // `planRun` has validated the options with the strategy's own schema.
  const runContext = { ...context, effort, followUps, options: plan.options as never };
  return orPlainly(strategy, runContext);
}

type RunContext = StrategyContext<never, string, string>;

/**
 * Runs a strategy. One plain call answers instead if the client's conversation fits into the model's
 * context, and with what the strategy adds to it does not, if all that the strategy ends with is
 * thinking, such as that of a call that a short limit has cut off, or if it fails before it has
 * called the model that answers plainly.
 */
async function* orPlainly(
  { run, plainRole = "answer" }: Strategy,
  context: RunContext,
): AsyncGenerator<ReasoningEvent> {
  const { messages } = context.request;
  const watch = createAnswerWatch();
  let wasPlain = false;
  let wasCalled = false;
  const call: RunContext["call"] = (spec) => {
    if (context.isSameModel(spec.role, plainRole)) {
      wasCalled = true;
      wasPlain ||= spec.messages === messages;
    }
    return context.call(spec);
  };
  const mayAnswer = () => !wasPlain && context.canAnswer();
  let isMissing = false;
  let hasFailed = false;
  try {
    for await (const event of run({ ...context, call })) {
      isMissing = event.type === "finish" && !watch.hasBegun() && mayAnswer();
      if (isMissing) break;
      watch.add(event);
      yield event;
    }
  } catch (error) {
    hasFailed = error instanceof UpstreamError && !wasCalled;
    isMissing = !watch.hasBegun() && (hasFailed || isTooLong(error)) && mayAnswer();
    if (!isMissing) throw error;
  }
  if (!isMissing) return;
  yield* watch.endStep();
  yield* withStatus(
    hasFailed ? "The thinking failed. Another model answers without it." : undefined,
    relayAnswer(context, { role: plainRole, messages }, watch.next()),
  );
}

/** The plan of one choice, with a seed of its own, so that choices differ. */
function planOf(plan: RunPlan, choice: number): RunPlan {
  const { request } = plan;
  const { seed } = request.final;
  if (seed === undefined) return plan;
  const final = { ...request.final, seed: seed + choice * SEED_STEP };
  return { ...plan, request: { ...request, final } };
}

/** Inserts `usage` before the last `finish`. */
async function* withUsage(
  events: AsyncGenerator<ReasoningEvent>,
  meter: UsageSums,
  { observer, onStart, onEnd }: RunOptions,
  choices = 1,
): AsyncGenerator<ReasoningEvent> {
  onStart?.();
  let failure: unknown;
  let left = choices;
  try {
    for await (const event of events) {
      if (event.type === "finish" && --left === 0) yield { type: "usage", usage: meter.total() };
      yield event;
    }
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    const total = meter.total();
    observer?.end?.(total, left === 0, failure);
    onEnd?.(total);
  }
}
