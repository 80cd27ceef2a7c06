/**
 * What a format is: where the reasoning goes.
 *
 * @module
 */
import type { ReasoningEvent } from "../../reasoning/events.ts";

/** A format of one's own: templates with `{n}`, `{title}`, `{content}` and `{seconds}`. */
export interface TemplateFormat {
  /** A step, e.g. `## {n}. {title}\n{content}\n\n`. */
  step: string;
  /** The answer, e.g. `{content}`. */
  answer: string;
  /** What follows the answer where status lines are on, e.g. `({seconds} s)`. */
  total?: string | undefined;
  /** What stands for a line break inside a step; default: the line break itself. */
  lineBreak?: string;
}

/** The names of the formats that are built in. */
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

/** The name of a built-in format. */
export type FormatName = typeof FORMATS[number];

/** A format: a built-in one by name, or templates. */
export type Format = FormatName | TemplateFormat;

/** A piece of text, and whether it is reasoning in its own field or content. */
export interface Piece {
  /** Where it goes. */
  to: "reasoning" | "content";
  /** The characters; never empty. */
  text: string;
}

/** Turns events into pieces of text. */
export interface Formatter {
  /** The pieces that an event adds, in order. */
  push(event: ReasoningEvent): Piece[];
}

/** What changes how a format is written. */
export interface FormatterOptions {
  /** Whether the text goes out while it is made; what is known only at the end is left out then. */
  stream: boolean;
  /** Whether status lines are shown. */
  statusLines: boolean;
}
