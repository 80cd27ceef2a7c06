import { abortable } from "@std/async";
import { within } from "../../clock.ts";
import type { ReasoningEvent } from "../events.ts";
import { commonPrompts } from "../prompts.ts";
import type { CallSpec, Strategy, StrategyContext } from "../strategy.ts";

/** Time in which the code should end when it is no longer needed, in milliseconds. */
const END_MS = 1_000;

/** A strategy may yield these events; the others are the server's own. */
const EVENTS: Readonly<Record<ReasoningEvent["type"], boolean>> = {
  status: true,
  candidate: true,
  step_start: true,
  reasoning: true,
  step_end: true,
  answer: true,
  refusal: true,
  tool_call: true,
  tool_start: true,
  tool_output: true,
  tool_end: true,
  parts: true,
  state: true,
  finish: true,
  compaction: false,
  record: false,
  usage: false,
  restart: false,
};

/** A log shows the name of an error alone. */
const errorNamed = (name: "NotAnEvent" | "UnknownPrompt") => Object.assign(new Error(), { name });

/** A call that the budget does not allow. */
class OverBudget extends Error {
  override readonly name = "OverBudget";
}

/**
 * Returns a strategy that keeps the limits of a request whatever its code does, except that a loop
 * without `await` can't be stopped: a call beyond the budget ends it with the reason `length`, an
 * aborted run ends at once, and the last event is always `finish`.
 */
export function bounded(strategy: Strategy): Strategy {
  // Clients can't send options that the schema does not have.
  const options = strategy.options.strict();
  return { ...strategy, options, run: (context) => runBounded(strategy, context) };
}

async function* runBounded(
  { run, prompts }: Pick<Strategy, "run" | "prompts">,
  context: StrategyContext<never, string, string>,
): AsyncGenerator<ReasoningEvent> {
  const { signal } = context;
  let calls = 0;
  const call = (spec: CallSpec) => {
    if (++calls > context.maxCalls || !context.canAnswer()) throw new OverBudget();
    return context.call(spec);
  };
  const prompt: typeof context.prompt = (name, values) => {
    if (!Object.hasOwn(prompts, name) && !Object.hasOwn(commonPrompts, name)) {
      throw errorNamed("UnknownPrompt");
    }
    return context.prompt(name, values);
  };
  const events = run({ ...context, call, prompt });
  try {
    for (;;) {
      signal.throwIfAborted();
      const { done, value } = await abortable(events.next(), signal);
      if (done) break;
      if (!isEvent(value)) throw errorNamed("NotAnEvent");
      yield value;
      if (value.type === "finish") return;
    }
    yield { type: "finish", reason: "stop" };
  } catch (error) {
    if (!(error instanceof OverBudget)) throw error;
    yield { type: "finish", reason: "length" };
  } finally {
    // Its calls are counted when they end.
    await within(context.clock, END_MS, events.return(undefined).catch(() => {}));
  }
}

/** Types are not checked when a file is loaded. */
function isEvent(value: unknown): boolean {
  const { type, text = "" } = Object(value) as { type?: unknown; text?: unknown };
  return typeof text === "string" && Object.hasOwn(EVENTS, String(type)) &&
    EVENTS[type as ReasoningEvent["type"]];
}
