/**
 * Runs and their events, for tests of encoders.
 *
 * @module
 */
import fc from "fast-check";
import type { ReasoningEvent, ToolCallEvent } from "../../lib/reasoning/events.ts";
import type { Usage } from "../../lib/reasoning/usage/meter.ts";

/** The content of a run, however it is split into events. */
export interface Run {
  steps: readonly RunStep[];
  /** Status lines between the last step and the answer. */
  status?: readonly string[];
  answer?: string;
  refusal?: string;
  /** The pieces of one call are not interleaved with those of another. */
  calls?: readonly { id: string; name: string; arguments: string }[];
  /** Default: `tool_calls` if there are any, else `stop`. */
  finish?: "stop" | "length" | "tool_calls" | "content_filter";
}

/** A step of a {@linkcode Run}. */
export interface RunStep {
  /** Status lines before it. */
  status?: readonly string[];
  /** Empty for untitled steps. */
  title?: string;
  /** Whether the title arrives too late to be shown. */
  late?: boolean;
  content?: string;
  /** Default: 1.5. */
  seconds?: number;
}

/** The usage of every run. */
export const USAGE: Usage = {
  promptTokens: 11,
  cachedTokens: 3,
  completionTokens: 40,
  reasoningTokens: 25,
  upstream: {
    calls: 4,
    prompt_tokens: 60,
    cached_tokens: 3,
    completion_tokens: 40,
    estimated: false,
  },
};

/** Splits a text into pieces. */
export type Cut = (text: string) => string[];

export const whole: Cut = (text) => text === "" ? [] : [text];

export const characters: Cut = (text) => [...text];

/** Returns the events of a run, with its texts split into pieces. */
export function eventsOf(run: Run, cut: Cut = whole): ReasoningEvent[] {
  const events: ReasoningEvent[] = [];
  const addStatus = (lines: readonly string[] = []) => {
    for (const text of lines) events.push({ type: "status", text });
  };
  run.steps.forEach((runStep, index) => {
    const { title = "", late = false, content = "", seconds = 1.5 } = runStep;
    const step = index + 1;
    addStatus(runStep.status);
    events.push({ type: "step_start", step, titled: title !== "" });
    for (const text of late ? [] : cut(title)) {
      events.push({ type: "reasoning", step, part: "title", text });
    }
    for (const text of cut(content)) {
      events.push({ type: "reasoning", step, part: "content", text });
    }
    events.push({ type: "step_end", step, title, content, seconds });
  });
  addStatus(run.status);
  for (const text of cut(run.answer ?? "")) events.push({ type: "answer", text });
  for (const text of cut(run.refusal ?? "")) events.push({ type: "refusal", text });
  run.calls?.forEach(({ id, name, arguments: json }, index) => {
    const pieces = cut(json);
    const first: ToolCallEvent = { type: "tool_call", index, id, name, arguments: "" };
    events.push(pieces.length === 1 ? { ...first, arguments: json } : first);
    if (pieces.length === 1) return;
    for (const text of pieces) events.push({ type: "tool_call", index, arguments: text });
  });
  events.push({ type: "usage", usage: USAGE });
  events.push({ type: "finish", reason: run.finish ?? (run.calls ? "tool_calls" : "stop") });
  return events;
}

/** Text that may break encoders: quotes, line breaks, NUL, tags, characters outside the BMP. */
export const wildText = (): fc.Arbitrary<string> =>
  fc.array(
    fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom(
        "\u2028",
        "\u2029",
        "\u0000",
        '"',
        "\\",
        "\n",
        "\r",
        "\r\n",
        "\n\n",
        "data: [DONE]\n\n",
        "</think>",
        "</details>",
        "<",
        "</",
        "{title}",
        "$&",
        "😀",
        "é",
        "\ufeff",
      ),
    ),
    { maxLength: 6 },
  ).map((parts) => parts.join(""));

/** Text without line breaks. */
const line = () => wildText().map((text) => text.replace(/[\r\n]/g, " "));

export function anyRun(): fc.Arbitrary<Run> {
  const step = fc.record({
    status: fc.array(line(), { maxLength: 2 }),
    title: fc.oneof(fc.constant(""), line()),
    late: fc.boolean(),
    content: wildText(),
    seconds: fc.double({ min: 0, max: 1e4, noNaN: true }),
  });
  const text = () => wildText().filter((text) => text !== "");
  const call = fc.record({ id: fc.uuid(), name: fc.string({ minLength: 1 }), arguments: text() });
  const steps = fc.array(step, { maxLength: 4 });
  const finish = fc.constantFrom<NonNullable<Run["finish"]>>("stop", "length", "content_filter");
  return fc.oneof(
    fc.record({ steps, status: fc.array(line(), { maxLength: 2 }), answer: wildText(), finish }),
    fc.record({ steps, refusal: text() }),
    fc.record({ steps, answer: wildText(), calls: fc.array(call, { minLength: 1, maxLength: 3 }) }),
  );
}

/** Any way to split a text, but never inside a surrogate pair. */
export function anyCut(): fc.Arbitrary<Cut> {
  return fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 8 }).map(
    (sizes) => (text) => {
      const all = [...text];
      const pieces: string[] = [];
      for (let at = 0, i = 0; at < all.length; i++) {
        const size = sizes[i % sizes.length]!;
        pieces.push(all.slice(at, at + size).join(""));
        at += size;
      }
      return pieces;
    },
  );
}
