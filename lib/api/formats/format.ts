import type { ReasoningEvent } from "../../reasoning/events.ts";

/** A custom format: templates with `{n}`, `{title}`, `{content}` and `{seconds}`. */
export interface TemplateFormat {
  /** A step, e.g. `## {n}. {title}\n{content}\n\n`. */
  step: string;
  /** The answer, e.g. `{content}`. */
  answer: string;
  /** Follows the answer if status lines are on, e.g. `({seconds} s)`. */
  total?: string | undefined;
  /** Replaces each line break inside a step. Default: the line break itself. */
  lineBreak?: string;
}

export const FORMATS = [
  "both",
  "reasoning_content",
  "reasoning",
  "think",
  "details",
  "markdown",
  "details_steps",
  "hidden",
] as const;

export type FormatName = typeof FORMATS[number];

/** Where the reasoning goes: a built-in format by name, or templates. */
export type Format = FormatName | TemplateFormat;

/** A piece of text, for the reasoning fields or for the content. */
export interface Piece {
  to: "reasoning" | "content";
  /** Never empty. */
  text: string;
}

/** Called with the events of one completion in order; returns what each of them adds. */
export type Formatter = (event: ReasoningEvent) => Piece[];

export interface FormatterOptions {
  /** Whether text is sent while it is generated. Then the time, known only at the end, is left out. */
  stream: boolean;
  statusLines: boolean;
}
