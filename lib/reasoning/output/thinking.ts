import { type ReasoningEvent, UpstreamError } from "../events.ts";
import type { Message } from "../request.ts";
import type { CallContext, CallSpec, StrategyContext } from "../strategy.ts";
import { createRepetitionDetector } from "./repetition.ts";
import { createUntitledStep } from "./untitled_step.ts";

export interface Thinking {
  /** The upstream's own or tagged thinking; all text of a model that does neither. */
  text: string;
  /** The number of the next step. */
  next: number;
}

/**
 * Streams the thinking of a call as an untitled step and ends the call at its first answer token.
 * If the call fails later, the thinking so far is returned.
 *
 * @param step the number of the step.
 * @throws {UpstreamError} if the call fails before its first token.
 */
async function* streamThinking<Role extends string>(
  context: CallContext<never, Role>,
  spec: CallSpec<Role>,
  step: number,
): AsyncGenerator<ReasoningEvent, Thinking> {
  const thinking = createUntitledStep(context.clock, step);
  let hasReasoning = false;
  try {
    for await (const delta of context.call(spec)) {
      const { reasoning, content, thought } = delta;
      if (reasoning !== undefined || thought !== undefined) hasReasoning = true;
      // A model that uses no tags thinks in its text.
      for (const text of [reasoning, thought, hasReasoning ? undefined : content]) {
        if (text !== undefined) yield* thinking.add(text);
      }
      if (hasReasoning && content !== undefined) break;
    }
  } catch (error) {
    if (!(error instanceof UpstreamError) || !thinking.isOpen()) throw error;
  }
  yield* thinking.end();
  const text = thinking.text();
  return { text, next: text === "" ? step : step + 1 };
}

export interface CheckedThinking extends Thinking {
  /** The messages to append to the conversation. */
  turns: Message[];
}

/**
 * Like {@linkcode streamThinking}, with up to `context.followUps` follow-ups (prompt `wait`), each a
 * step of its own. They end when budget or caps are exhausted, or when a follow-up fails, is empty
 * or repeats an earlier text; the thinking so far is returned.
 *
 * @throws {UpstreamError} if the first call fails before its first token.
 */
export async function* streamCheckedThinking<Role extends string>(
  context: StrategyContext<unknown, "wait", Role>,
  spec: CallSpec<Role>,
  step: number,
): AsyncGenerator<ReasoningEvent, CheckedThinking> {
  let { text, next } = yield* streamThinking(context, spec, step);
  const texts = [text];
  const turns: Message[] = text === "" ? [] : [{ role: "assistant", content: text }];
  const repetition = createRepetitionDetector();
  for (let left = context.followUps; text !== "" && !repetition.repeats(text) && left > 0; left--) {
    if (!await context.canThink()) break;
    const ask: Message = { role: "user", content: context.prompt("wait") };
    const messages = [...spec.messages, ...turns, ask];
    try {
      ({ text, next } = yield* streamThinking(context, { ...spec, messages }, next));
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      break;
    }
    if (text === "") break;
    texts.push(text);
    turns.push(ask, { role: "assistant", content: text });
  }
  return { text: texts.join("\n\n"), turns, next };
}
