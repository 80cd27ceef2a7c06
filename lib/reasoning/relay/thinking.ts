/**
 * Calls for their thinking alone.
 *
 * @module
 */
import { type ReasoningEvent, UpstreamError } from "../events.ts";
import type { Message } from "../request.ts";
import type { CallContext, CallSpec, StrategyContext } from "../strategy.ts";
import { createRepetitionDetector } from "./repetition.ts";
import { createUntitledStep } from "./untitled_step.ts";

/** What a thinking call came to. */
export interface Thinking {
  /** The thinking: the upstream's own or tagged; of a model that does neither, all its text. */
  text: string;
  /** The number of the next step. */
  next: number;
}

/**
 * Streams the thinking of a call as an untitled step, and ends the call at its first answer token.
 * Of a call that breaks off, what was shown is the thinking.
 *
 * @param step the number of that step.
 * @throws {UpstreamError} when the call fails before it says anything.
 */
export async function* streamThinking<Role extends string>(
  context: CallContext<never, Role>,
  spec: CallSpec<Role>,
  step: number,
): AsyncGenerator<ReasoningEvent, Thinking> {
  const thinking = createUntitledStep(context.clock, step);
  let tagged = false;
  try {
    for await (const delta of context.call(spec)) {
      const { reasoning, content } = delta;
      if (reasoning !== undefined) tagged = true;
      // A model that keeps to no tags thinks in its text.
      for (const text of [reasoning, tagged ? undefined : content]) {
        if (text !== undefined) yield* thinking.add(text);
      }
      if (tagged && content !== undefined) break;
    }
  } catch (error) {
    // What was shown stands.
    if (!(error instanceof UpstreamError) || !thinking.isOpen()) throw error;
  }
  yield* thinking.end();
  const text = thinking.text();
  return { text, next: text === "" ? step : step + 1 };
}

/** What a thinking call and its follow-ups came to. */
export interface CheckedThinking extends Thinking {
  /** What was said, as it follows the conversation that was sent. */
  turns: Message[];
}

/**
 * As {@linkcode streamThinking}, and then up to `context.followUps` follow-ups (prompt `wait`), each a
 * step of its own. They end where budget or caps do, where one says nothing or nothing new, and
 * where one fails: what was thought before stands.
 *
 * @throws {UpstreamError} when the first call fails before it says anything.
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
    if (!context.canThink()) break;
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
