/**
 * Records of the upstream calls and tool runs of one run, for clients that want to see how an answer
 * came about. They name roles, never upstreams.
 */
import type { Clock } from "../../clock.ts";
import type {
  CallRecord,
  ChoiceEvent,
  PromptMessage,
  ReasoningEvent,
  RunRecord,
} from "../events.ts";
import type { Message } from "../request.ts";
import type { CallDelta } from "../strategy.ts";
import type { WholeRun } from "../tools/runner.ts";
import { shorten } from "../tools/turns.ts";
import type { CallUsage } from "../usage/meter.ts";

/** The middle of a longer text is left out. */
const MAX_TEXT = 16_000;

/** Characters of all texts of a run. */
const MAX_TEXTS = 500_000;

/** Further calls are not recorded. */
const MAX_RECORDS = 1_000;

/** A shorter rest of {@linkcode MAX_TEXTS} is not worth its ellipsis. */
const MIN_TEXT = 100;

export type Recorder = ReturnType<typeof createRecorder>;

/** @param withTexts whether records contain prompts, answers, and what tools were given and returned. */
export function createRecorder(clock: Clock, withTexts: boolean) {
  const began = clock.now();
  const numbers = new Map<string, number>();
  const records: RunRecord[] = [];
  let count = 0;
  let tasks = 0;
  let left = MAX_TEXTS;
  const seconds = (time = clock.now()) => Math.round(time - began) / 1000;

  function bounded(text: string): string {
    const max = Math.min(MAX_TEXT, left);
    const shown = text.length <= max || max >= MIN_TEXT
      ? shorten(text, max)
      : `[${text.length} characters left out]`;
    left = Math.max(0, left - shown.length);
    return shown;
  }

  function promptOf(messages: readonly Message[]): PromptMessage[] {
    return messages.map((message) => {
      const text = textOf(message);
      const key = `${message.role} ${text}`;
      const number = numbers.get(key);
      if (number !== undefined) return { message: number };
      numbers.set(key, numbers.size);
      return { message: numbers.size - 1, role: message.role, text: bounded(text) };
    });
  }

  function add(record: RunRecord): void {
    if (count++ < MAX_RECORDS) records.push(record);
  }

  return {
    /** Seconds since the run began. */
    seconds,
    /** Returns the number of the next task. */
    nextTask: () => ++tasks,
    /** Returns the records since the last call of this function. */
    take: () => records.splice(0),
    /** Returns a watch for a call that begins. */
    call(task: number, role: string, messages: readonly Message[]) {
      const start = seconds();
      let attempts = 0;
      let first: number | undefined;
      let thinking = "";
      let output = "";
      return {
        sent: () => attempts++,
        delta({ reasoning = "", content = "", refusal = "", thought, toolCalls = [] }: CallDelta) {
          first ??= seconds();
          if (!withTexts) return;
          if (thought !== undefined) {
            thinking += output + thought;
            output = "";
          }
          thinking += reasoning;
          output += content + refusal;
          for (const { name, arguments: json } of toolCalls) {
            output += name === undefined ? json : `\n${name} ${json}`;
          }
        },
        /** @param usage undefined if the call was not sent. */
        end(outcome: CallRecord["outcome"], usage: CallUsage | undefined) {
          if (usage === undefined || count >= MAX_RECORDS) return;
          add({
            type: "call",
            task,
            role,
            start,
            ...(first === undefined ? {} : { first }),
            end: seconds(),
            attempts,
            outcome,
            ...usage,
            ...(withTexts && {
              texts: {
                prompt: promptOf(messages),
                thinking: bounded(thinking),
                output: bounded(output.trim()),
              },
            }),
          });
        },
      };
    },
    /** Adds a run of a tool. */
    tool({ start, arguments: json, output, ...fields }: WholeRun): void {
      add({
        type: "tool",
        ...fields,
        start: seconds(start),
        end: seconds(),
        ...(withTexts && { texts: { arguments: bounded(json), output: bounded(output) } }),
      });
    },
  };
}

/**
 * Adds the records between the other events, and the time of each event. A failure also comes after
 * the records, unless it comes first of all: then the response can still have its status code.
 */
export async function* withRecords(
  events: AsyncGenerator<ReasoningEvent>,
  recorder: Recorder,
): AsyncGenerator<ChoiceEvent> {
  const records = () => recorder.take().map((record) => ({ type: "record" as const, record }));
  let hasBegun = false;
  try {
    for await (const event of events) {
      hasBegun = true;
      yield* records();
      yield { ...event, at: recorder.seconds() };
    }
  } catch (error) {
    if (hasBegun) yield* records();
    throw error;
  }
}

/** The text of a message; other parts are named, not shown. */
function textOf({ content, tool_calls: calls }: Message): string {
  const parts = typeof content === "string"
    ? [content]
    : Array.isArray(content)
    ? content.map((part) => typeof part?.text === "string" ? part.text : `[${part?.type}]`)
    : [];
  if (calls !== undefined) parts.push(JSON.stringify(calls));
  return parts.join("\n");
}
