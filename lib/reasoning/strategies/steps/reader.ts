/**
 * Reads one reasoning step while a model writes it: ideally
 * `{"title", "content", "next_action": "continue" | "final_answer"}`, in practice also with code
 * fences and prose around it, other names for the keys, a wrapper, several objects, a cut, or no
 * JSON at all.
 */
import { type Input, isQuote, peek, type Reading, readUntil, takeSpace } from "./input.ts";
import { findObject, type ObjectStart, type Prose } from "./prose.ts";
import { readSource, readString } from "./values.ts";
import { createStepWriter, type StepPart, type StepWriter } from "./writer.ts";

export interface Step {
  /** The first non-empty title, or `""`. */
  title: string;
  content: string;
  /** The last action that the text names; defaults to "continue". */
  nextAction: "continue" | "final_answer";
  /** Whether the text held an object with at least one key of a step. */
  isJson: boolean;
}

/** What the value of a key means to the step. */
type Role = "title" | "content" | "action" | "isFinal" | "none";

/** Keys without case, underscores, hyphens and spaces. */
const KEYS: readonly (readonly [role: Role, keys: string])[] = [
  ["title", "title steptitle heading name"],
  [
    "content",
    "content reasoning thought thinking explanation text description stepcontent analysis details " +
    "answer",
  ],
  ["action", "nextaction action next status"],
  ["isFinal", "final isfinal finalanswer"],
];
const ROLES = new Map(
  KEYS.flatMap(([role, keys]) => keys.split(" ").map((key) => [key, role] as const)),
);

/** A word of `next_action` that ends the reasoning. */
const FINAL_REGEXP = /(?<![a-z])(?:final|done|finish|complete|stop|end)/i;

/** What has been read of a step. */
interface Progress {
  writer: StepWriter;
  nextAction: Step["nextAction"];
  isJson: boolean;
  /** Whether an object had a title or content. */
  hasText: boolean;
  /** Whether an object had a value that is no part of a step. */
  hasOther: boolean;
  /** Whether an object was complete. */
  isComplete: boolean;
}

/**
 * Creates a reader of one step.
 *
 * The parts of one kind, joined, are exactly the step's text of that kind, except that a title that
 * comes after content is only in `step.title`. A lone surrogate becomes U+FFFD.
 *
 * - Objects and arrays under unknown keys are searched. Content that is itself an object, an array,
 *   a number or a boolean is returned as its source.
 * - A second title becomes a bold line of the content. Each further content is a paragraph.
 * - Up to 256 characters of prose before the object, code fences, and all text after it are
 *   dropped. Longer prose is content. In prose, only an object whose first key is a step's counts.
 * - Text without an object is the content, trimmed.
 * - Of a cut object, what was read is the step. If there was an object with neither title nor
 *   content, either complete or with values under other keys, the whole text is the content.
 */
export function createStepReader() {
  const input: Input = { text: "", at: 0, ended: false };
  const writer = createStepWriter();
  const progress: Progress = {
    writer,
    nextAction: "continue",
    isJson: false,
    hasText: false,
    hasOther: false,
    isComplete: false,
  };
  const reading = readStep(input, progress);
  /** All text so far, as long as nothing of it has been written. */
  let unwritten = "";

  return {
    /** Returns the title and content that became certain; at most one part of each, title first. */
    push(text: string): StepPart[] {
      if (writer.isEmpty()) unwritten += text;
      input.text = text;
      input.at = 0;
      reading.next();
      if (!writer.isEmpty()) unwritten = "";
      return writer.takeParts();
    },
    /** Ends the text. Nothing may be pushed afterwards. */
    end(): { parts: StepPart[]; step: Step } {
      input.ended = true;
      reading.next();
      const { nextAction, isJson, hasText, hasOther, isComplete } = progress;
      if (!hasText && (isComplete || hasOther) && writer.isEmpty()) {
        writer.content(unwritten.trim());
      }
      writer.close();
      const parts = writer.takeParts();
      return { parts, step: { ...writer.texts(), nextAction, isJson } };
    },
  };
}

function* readStep(input: Input, progress: Progress): Reading {
  const { writer } = progress;
  const prose: Prose = {
    stage: "prelude",
    held: "",
    isBare: true,
    isKnownKey: (key) => roleOf(key) !== "none",
    show: writer.content,
  };
  for (;;) {
    const start = yield* findObject(input, prose);
    if (start === undefined) return;
    writer.close();
    yield* readObject(input, progress, start);
  }
}

function* readObject(input: Input, progress: Progress, start: ObjectStart): Reading {
  // Open brackets are a list because models nest deeper than a call stack.
  const open = ["{"];
  if ("key" in start) yield* readValue(input, progress, start.key);
  else yield* readMember(input, progress, start.quote);
  while (open.length > 0) {
    const char = yield* peek(input);
    if (char === "") return;
    input.at++;
    if (char === "{" || char === "[") open.push(char);
    else if (char === "}" || char === "]") open.pop();
    else if (isQuote(char)) {
      if (open.at(-1) === "{") yield* readMember(input, progress, char);
      else yield* readString(input, char, false, () => progress.hasOther = true);
    }
  }
  progress.isComplete = true;
}

/** Reads a key, whose opening quote has been taken, and its value. */
function* readMember(input: Input, progress: Progress, quote: string): Reading {
  let key = "";
  yield* readString(input, quote, false, (text) => key += text);
  if ((yield* peek(input)) !== ":") return;
  input.at++;
  yield* readValue(input, progress, key);
}

/** Reads a string, a scalar, or content of any kind. Leaves other arrays and objects unread. */
function* readValue(input: Input, progress: Progress, key: string): Reading {
  const { writer } = progress;
  const role = roleOf(key);
  if (role !== "none") progress.isJson = true;
  if (role === "title" || role === "content") progress.hasText = true;
  let action = "";
  const accept = (text: string) => {
    if (role === "title") writer.title(text);
    else if (role === "content") writer.content(text);
    else if (role === "none") progress.hasOther = true;
    else action += text;
  };

  yield* takeSpace(input);
  const char = yield* peek(input);
  if (isQuote(char)) {
    input.at++;
    yield* readString(input, char, true, accept);
  } else if (role === "content" && (char === "{" || char === "[")) {
    yield* readSource(input, accept);
  } else if ("{[,}]".includes(char)) {
    return;
  } else {
    let scalar = "";
    yield* readUntil(input, /[,}\]"]/g, (text) => scalar += text);
    // `null`, perhaps cut, says nothing.
    if (!"null".startsWith(scalar.trim())) accept(scalar.trim());
  }
  if (role === "action") setFinal(progress, FINAL_REGEXP.test(action.trim()));
  if (role === "isFinal") setFinal(progress, action.trim().toLowerCase() === "true");
  writer.close();
}

function setFinal(progress: Progress, isFinal: boolean): void {
  progress.nextAction = isFinal ? "final_answer" : "continue";
}

function roleOf(key: string): Role {
  return ROLES.get(key.toLowerCase().replace(/[_\- ]/g, "")) ?? "none";
}
