import { z } from "zod";
import { contentText, type JsonFormat } from "../../upstream/target.ts";
import { instruct } from "../conversation.ts";
import { type ReasoningEvent, UpstreamError } from "../events.ts";
import { isTooLong, relayFitting, withStatus } from "../output/answer.ts";
import { createRepetitionDetector } from "../output/repetition.ts";
import { createUntitledStep } from "../output/untitled_step.ts";
import type { Message, ReasoningRequest, ThinkingEffort } from "../request.ts";
import { type ContextOf, defineStrategy, type Strategy } from "../strategy.ts";
import { withoutSteps } from "./steps/answer.ts";
import { createStepReader, type Step } from "./steps/reader.ts";
import type { StepPart } from "./steps/writer.ts";

const count = z.number().int().min(1).max(1_000);

const options = z.strictObject({
  min_steps: count.default(3).describe("Minimum number of steps, as far as the budget allows."),
  max_steps: count.optional().describe("Maximum number of steps. Default: 4 to 25, by effort."),
});

const prompts = {
  /** Instructions; `{min_steps}` is replaced. */
  step:
    `Reason step by step before you answer, one step in each reply, in at least {min_steps} steps. Explore other answers, consider where your reasoning could be wrong, and check the result by another method.

Until you are asked for the final answer, each reply is one JSON object and nothing else, with three keys: "title" names the step in a few words, "content" holds its reasoning, and "next_action" is "continue", or "final_answer" if you are done. Other instructions of this conversation hold for what you conclude.`,
  /** Asks for another step. */
  next: `Continue with the next step, as one JSON object.`,
  /** Asks for another step after one that was cut off. */
  resume:
    `Your last step was cut off. Go on from where it ended with the next step, as one JSON object.`,
  /** Asks for a step that checks the others. */
  wait:
    `Wait. Find the part of these steps that is most likely to be wrong, and check it by a different method, in one more step, as one JSON object.`,
  /** Asks for the answer. */
  answer: `Please provide the final answer based on the above reasoning.

Write the answer itself, not JSON and not the steps again, unless I asked for that form. Keep to the language, the format and the instructions of my request.`,
  /** Follows it if the client has tools. */
  call: `If the answer needs a tool, call the tool now instead of writing the answer.`,
};

type Context = ContextOf<typeof options, typeof prompts, "step" | "answer">;

const MAX_STEPS: Readonly<Record<ThinkingEffort, number>> = {
  low: 4,
  medium: 8,
  high: 12,
  xhigh: 25,
  max: 25,
};

const STEP_FORMAT: JsonFormat = {
  name: "reasoning_step",
  strict: true,
  inPrompt: false,
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

/** Several times what steps of large models take, and an end to the repetitions of small ones. */
const STEP_TOKENS = 2_048;

/** The result of one call for a step. */
interface StepResult extends Step {
  /** Number of the next step to be shown. */
  next: number;
  /** Whether the upstream stopped before the step was complete. */
  cut: boolean;
  /** Whether the model's context has no room for more. */
  isFull: boolean;
  /** Whether the call failed, so that only another model can answer. */
  hasFailed: boolean;
}

export const steps: Strategy = defineStrategy({
  summary: "Titled steps, one call each, then the answer.",
  label: { calls: "4 to 9, at most 26", latency: "all calls in sequence" },
  typicalCalls: 4,
  publishedAs: "o1",
  options,
  prompts,
  roles: ["step", "answer"],
  firstWave: () => 1,
  followUps: () => 0,
  async *run(context) {
    const { request } = context;
    const { min_steps: minSteps, max_steps: maxSteps = MAX_STEPS[context.effort] } =
      context.options;
    const repetition = createRepetitionDetector();
    const instructions = context.prompt("step", { min_steps: String(minSteps) });
    // Grows at its end only, so that the provider's prompt cache hits.
    const conversation = instruct(instructions + context.toolsNote, request);
    let next = 1;
    let cut = false;
    let hasFailed = false;
    let followUps = context.followUps;
    let ask: "next" | "wait" = "next";
    let asked: Message | undefined;
    const mayContinue = async () =>
      context.hasRoom("step", conversation) && await context.canThink();
    for (let taken = 1; taken <= maxSteps && await mayContinue(); taken++) {
      if (conversation.at(-1)!.role === "assistant" && taken > 1) {
        asked = { role: "user", content: context.prompt(cut ? "resume" : ask) };
        conversation.push(asked);
        ask = "next";
      }
      const step = yield* takeStep(context, conversation, next);
      ({ next, cut, hasFailed } = step);
      if (step.title === "" && step.content === "") {
        // A call that failed before its first word is repeated.
        if (cut && !step.isFull && !hasFailed) continue;
        break;
      }
      conversation.push({ role: "assistant", content: asJson(step) });
      if (step.isFull || hasFailed) break;
      const repeats = repetition.repeats(`${step.title} ${step.content}`);
      const isLast = repeats || !cut && step.nextAction === "final_answer";
      if (taken < minSteps || !isLast) continue;
      if (repeats || followUps-- <= 0) break;
      ask = "wait";
    }
    // The requested step was not written.
    if (conversation.at(-1) === asked) conversation.pop();
    const head = conversation.splice(0, request.messages.length + 1);
    const ends = conversationsOf(context, head, conversation);
    const answer = withStatus(
      hasFailed ? "A step failed. The answer is written without more steps." : undefined,
      relayFitting(context, { role: "answer" }, ends, next),
    );
    yield* request.json === undefined ? withoutSteps(answer, namesJson(request)) : answer;
  },
});

/** Whether the client's words may ask for JSON. */
function namesJson({ messages }: ReasoningRequest): boolean {
  return messages.some(({ content }) => /json/i.test(contentText(content)));
}

/** The conversations that ask for the answer: with all steps, with the last half of them, and so on. */
function conversationsOf(
  { request, prompt }: Context,
  head: readonly Message[],
  steps: readonly Message[],
): Message[][] {
  const conversations: Message[][] = [];
  const parts = [prompt("answer"), ...request.final.tools === undefined ? [] : [prompt("call")]];
  const ask: Message = { role: "user", content: parts.join("\n\n") };
  for (let kept = steps; kept.length > 0;) {
    conversations.push([...head, ...kept, ask]);
    // A step and the request for the next one belong together.
    kept = kept.slice(2 * Math.ceil(kept.length / 4));
  }
  return [...conversations, request.messages];
}

/** Asks for a step and streams it while it is written. */
async function* takeStep(
  context: Context,
  messages: Message[],
  first: number,
): AsyncGenerator<ReasoningEvent, StepResult> {
  const { clock } = context;
  let reader = createStepReader();
  // A reasoning model thinks before it writes its step.
  const thinking = createUntitledStep(clock, first);
  let start = clock.now();
  let number = first;
  let shown = false;
  let began = false;
  let cut = false;
  let isFull = false;
  let hasFailed = false;

  function endThinking(): ReasoningEvent[] {
    const events = thinking.end();
    if (events.length === 0) return events;
    start = clock.now();
    number++;
    return events;
  }

  function show(parts: readonly StepPart[]): ReasoningEvent[] {
    const events: ReasoningEvent[] = [];
    for (const { part, text } of parts) {
      if (!shown) {
        shown = true;
        events.push(...endThinking(), { type: "step_start", step: number, titled: true });
      }
      events.push({ type: "reasoning", step: number, part, text });
    }
    return events;
  }

  /** Ends the step that is shown. */
  function endStep(): { events: ReasoningEvent[]; step: Step } {
    const { parts, step } = reader.end();
    const events = [...show(parts), ...endThinking()];
    if (shown) {
      const { title, content } = step;
      const seconds = (clock.now() - start) / 1000;
      events.push({ type: "step_end", step: number++, title, content, seconds });
    }
    shown = false;
    return { events, step };
  }

  try {
    const spec = { role: "step" as const, messages, json: STEP_FORMAT, maxTokens: STEP_TOKENS };
    for await (const delta of context.call(spec)) {
      began ||= delta.content !== undefined || delta.reasoning !== undefined;
      if (delta.reasoning !== undefined && !shown) yield* thinking.add(delta.reasoning);
      if (delta.thought !== undefined) {
        yield* show(reader.push(delta.thought));
        yield* endStep().events;
        reader = createStepReader();
      }
      if (delta.content !== undefined) yield* show(reader.push(delta.content));
      if (delta.finishReason === "length") cut = true;
    }
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error;
    isFull = isTooLong(error);
    // The next step continues from what was shown.
    hasFailed = !isFull && (!began || !context.spendRetry(error));
    if (hasFailed && context.isSameModel("step", "answer")) throw error;
    cut = true;
  }
  const { events, step } = endStep();
  yield* events;
  if (step.isJson) context.json.followed("step", STEP_FORMAT);
  else if (!cut && step.content !== "") context.json.ignored("step", STEP_FORMAT);
  return { ...step, next: number, cut, isFull, hasFailed };
}

function asJson({ title, content, nextAction, cut }: StepResult): string {
  return JSON.stringify({
    title,
    // A small model copies a mark in words into its answer.
    content: cut ? `${content}…` : content,
    next_action: nextAction,
  });
}
