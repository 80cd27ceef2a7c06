/**
 * Titled steps, one upstream call each, then the answer: O1-API's way, repaired.
 *
 * @module
 */
import { z } from "zod";
import { relayAnswer } from "../relay/answer.ts";
import { MAX_STEPS, reasonsNotAtAll } from "../effort.ts";
import { type ReasoningEvent, UpstreamError } from "../events.ts";
import { stepsPrompts } from "../prompts.ts";
import { createRepetitionDetector } from "../relay/repetition.ts";
import type { JsonFormat } from "../../upstream/target.ts";
import type { Message } from "../request.ts";
import { createStepReader, type Step } from "./steps/reader.ts";
import type { RunnableStrategy, StrategyContext } from "../strategy.ts";
import { direct } from "./direct.ts";

const count = z.number().int().min(1).max(1_000);

const options = z.strictObject({
  min_steps: count.default(3).describe("Steps before it may stop."),
  max_steps: count.optional().describe(
    "Steps at most; default: by effort, 4 to 25.",
  ),
});

type Options = z.output<typeof options>;

const STEP_FORMAT: JsonFormat = {
  name: "reasoning_step",
  strict: true,
  inWords: false,
  schema: {
    type: "object",
    properties: {
      title: { type: "string" },
      content: { type: "string" },
      next_action: { type: "string", enum: ["continue", "final_answer"] },
    },
    required: ["title", "content", "next_action"],
    additionalProperties: false,
  },
};

/** What one call for a step came to. */
interface StepResult extends Step {
  /** Number of the next step to be shown. */
  next: number;
  /** Whether the upstream stopped before the step was complete. */
  cut: boolean;
}

/** One upstream call for each step. The prompt only ever grows at its end, for prompt caches. */
export const steps: RunnableStrategy = {
  summary: "Titled steps, one call each, then the answer.",
  options,
  prompts: stepsPrompts,
  roles: ["step", "answer"],
  waits: () => 0,
  async *run(request, context: StrategyContext<Options>) {
    if (reasonsNotAtAll(context.effort)) {
      return yield* direct.run(request, context);
    }
    const min = context.options.min_steps;
    const max = context.options.max_steps ?? MAX_STEPS[context.effort];
    const repetition = createRepetitionDetector();
    const instructions = context.prompt("step").replaceAll(
      "{min_steps}",
      String(min),
    );
    const conversation: Message[] = [
      { role: "system", content: instructions + context.toolsNote() },
      ...request.messages,
    ];
    let next = 1;
    let cut = false;
    let waits = context.wait;
    let ask = "next";
    for (let taken = 1; taken <= max && context.canThink(); taken++) {
      if (conversation.at(-1)!.role === "assistant" && taken > 1) {
        conversation.push({ role: "user", content: context.prompt(cut ? "resume" : ask) });
        ask = "next";
      }
      const step = yield* takeStep(context, conversation, next);
      ({ next, cut } = step);
      if (step.title === "" && step.content === "") {
        // A call that broke before it said anything is made again.
        if (cut) continue;
        break;
      }
      conversation.push({ role: "assistant", content: asJson(step) });
      const repeats = repetition.repeats(`${step.title} ${step.content}`);
      if (taken < min || cut || !repeats && step.nextAction !== "final_answer") continue;
      if (repeats || waits-- <= 0) break;
      ask = "wait";
    }
    // What asked for a step that never came.
    const last = conversation.at(-1)!.content;
    if (last === context.prompt("next") || last === context.prompt("wait")) conversation.pop();
    const thought = conversation.length > request.messages.length + 1;
    if (thought) {
      conversation.push({ role: "user", content: context.prompt("answer") });
    }
    const messages = thought ? conversation : request.messages;
    yield* relayAnswer(context, { role: "answer", messages }, next);
  },
};

/** Asks for a step and streams it while it is written. */
async function* takeStep(
  context: StrategyContext<Options>,
  messages: Message[],
  first: number,
): AsyncGenerator<ReasoningEvent, StepResult> {
  const reader = createStepReader();
  const { clock } = context;
  let start = clock.now();
  let number = first;
  let thoughts: string[] | undefined;
  let shown = false;
  let began = false;
  let cut = false;

  function show(parts: ReturnType<typeof reader.push>): ReasoningEvent[] {
    const events: ReasoningEvent[] = [];
    for (const { part, text } of parts) {
      if (!shown) {
        if (thoughts !== undefined) events.push(endThoughts(thoughts));
        shown = true;
        events.push({ type: "step_start", step: number, titled: true });
      }
      events.push({ type: "reasoning", step: number, part, text });
    }
    return events;
  }

  /** A reasoning model thinks before it writes its step: that is an untitled step of its own. */
  function endThoughts(pieces: readonly string[]): ReasoningEvent {
    const now = clock.now();
    const seconds = (now - start) / 1000;
    const content = pieces.join("");
    thoughts = undefined;
    start = now;
    return { type: "step_end", step: number++, title: "", content, seconds };
  }

  try {
    for await (
      const delta of context.call({ role: "step", messages, json: STEP_FORMAT })
    ) {
      began ||= delta.content !== undefined || delta.reasoning !== undefined;
      if (delta.reasoning !== undefined && !shown) {
        if (thoughts === undefined) {
          thoughts = [];
          yield { type: "step_start", step: number, titled: false };
        }
        thoughts.push(delta.reasoning);
        yield {
          type: "reasoning",
          step: number,
          part: "content",
          text: delta.reasoning,
        };
      }
      if (delta.content !== undefined) yield* show(reader.push(delta.content));
      if (delta.finishReason === "length") cut = true;
    }
  } catch (error) {
    // What was shown stands; the next step goes on from there.
    if (!(error instanceof UpstreamError) || !began || !context.spendRetry(error)) throw error;
    cut = true;
  }
  const { parts, step } = reader.end();
  yield* show(parts);
  if (thoughts !== undefined) yield endThoughts(thoughts);
  if (shown) {
    const seconds = (clock.now() - start) / 1000;
    yield {
      type: "step_end",
      step: number,
      title: step.title,
      content: step.content,
      seconds,
    };
    number++;
  }
  if (!step.isJson && !cut && step.content !== "") {
    context.json.ignored("step");
  }
  return { ...step, next: number, cut };
}

function asJson(step: StepResult): string {
  const content = step.cut ? `${step.content} [cut off]` : step.content;
  return JSON.stringify({
    title: step.title,
    content,
    next_action: step.nextAction,
  });
}
