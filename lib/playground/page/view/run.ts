/**
 * How an answer came about, read from the events that were stored with it.
 *
 * @module
 */
import type { Answer } from "../chat/turns.ts";

export interface PromptMessage {
  /** Number within the run, from 0. */
  message: number;
  role: string;
  text: string;
  /** Whether an earlier call had the message too. */
  isKnown: boolean;
}

export interface Call {
  kind: "call";
  task: number;
  role: string;
  /** Number among several calls of the role, from 1; 0: the only one. */
  number: number;
  /** Seconds since the run began, as the other times. */
  start: number;
  first: number | undefined;
  end: number;
  attempts: number;
  outcome: string;
  promptTokens: number;
  completionTokens: number;
  isEstimated: boolean;
  /** Cost in USD. */
  cost: number | undefined;
  /** Undefined if the key may not see them. */
  texts: { prompt: PromptMessage[]; thinking: string; output: string } | undefined;
}

export interface ToolRun {
  kind: "tool";
  task: number;
  name: string;
  start: number;
  end: number;
  outcome: string;
  texts: { arguments: string; output: string } | undefined;
}

/** What the run showed about itself at a time. */
export interface Mark {
  kind: "step" | "candidate" | "tally" | "status";
  at: number;
  /** Start of a step; undefined for other marks. */
  start?: number;
  label: string;
  text: string;
}

/** Calls of one role that follow each other, and what they led to. */
export interface Phase {
  role: string;
  start: number;
  /** Each consists of calls and the tool runs between them. */
  tasks: (Call | ToolRun)[][];
  marks: Mark[];
}

export interface Run {
  /** In order of their start. */
  entries: (Call | ToolRun)[];
  marks: Mark[];
  phases: Phase[];
  /** Number of calls and tool runs that are not shown. */
  omitted: number;
  /** When the last of all ended. */
  seconds: number;
}

/** Further calls are counted, but not shown. */
const MAX_ENTRIES = 300;

/** Further events are ignored. */
const MAX_MARKS = 300;

type Fields = Record<string, unknown>;

const text = (value: unknown) => typeof value === "string" ? value : "";
const number = (value: unknown) => typeof value === "number" && value >= 0 ? value : 0;
const optional = (value: unknown) => typeof value === "number" ? value : undefined;
const fields = (value: unknown) =>
  (typeof value === "object" && value !== null ? value : {}) as Fields;

export function readRun({ parts }: Answer): Run {
  const events = parts.flatMap((part) => "o1" in part ? [part.o1] : []);
  const messages = new Map<number, { role: string; text: string }>();
  const all = events.flatMap((event) => entryOf(event, messages));
  const entries = all.slice(0, MAX_ENTRIES).sort((a, b) => a.start - b.start);
  const calls = entries.filter((entry) => entry.kind === "call");
  for (const group of Map.groupBy(calls, ({ role }) => role).values()) {
    if (group.length > 1) group.forEach((call, index) => call.number = index + 1);
  }
  const marks = marksOf(events).slice(0, MAX_MARKS);
  return {
    entries,
    marks,
    phases: phasesOf(entries, marks),
    omitted: all.length - entries.length,
    seconds: Math.max(0, ...entries.map(({ end }) => end), ...marks.map(({ at }) => at)),
  };
}

function entryOf(
  event: Fields,
  messages: Map<number, { role: string; text: string }>,
): (Call | ToolRun)[] {
  const { type, texts } = event;
  if (type !== "call" && type !== "tool") return [];
  const start = number(event.start);
  const shared = {
    task: number(event.task),
    start,
    end: Math.max(start, number(event.end)),
    outcome: text(event.outcome),
  };
  const shown = texts === undefined ? undefined : fields(texts);
  if (type === "tool") {
    return [{
      kind: "tool",
      ...shared,
      name: text(event.name),
      texts: shown && { arguments: text(shown.arguments), output: text(shown.output) },
    }];
  }
  return [{
    kind: "call",
    ...shared,
    role: text(event.role),
    number: 0,
    first: optional(event.first),
    attempts: number(event.attempts),
    promptTokens: number(event.prompt_tokens),
    completionTokens: number(event.completion_tokens),
    isEstimated: event.estimated === true,
    cost: optional(event.cost),
    texts: shown && {
      prompt: promptOf(shown.prompt, messages),
      thinking: text(shown.thinking),
      output: text(shown.output),
    },
  }];
}

function promptOf(
  prompt: unknown,
  messages: Map<number, { role: string; text: string }>,
): PromptMessage[] {
  if (!Array.isArray(prompt)) return [];
  return prompt.map((entry) => {
    const { message, role, text: words } = fields(entry);
    const key = number(message);
    const isKnown = messages.has(key);
    if (!isKnown) messages.set(key, { role: text(role), text: text(words) });
    return { message: key, ...messages.get(key)!, isKnown };
  });
}

function marksOf(events: readonly Fields[]): Mark[] {
  let step = 0;
  return events.flatMap((event): Mark[] => {
    const at = number(event.at);
    switch (event.type) {
      case "step_start":
        step = at;
        return [];
      case "step_end":
        return [{ kind: "step", at, start: step, label: text(event.title), text: "" }];
      case "candidate":
        return [{
          kind: "candidate",
          at,
          label: `${number(event.index) + 1}`,
          text: text(event.answer) || text(event.text),
        }];
      case "tally":
        return [{ kind: "tally", at, label: text(event.text), text: votesOf(event.counts) }];
      case "status":
        return [{ kind: "status", at, label: text(event.text), text: "" }];
      default:
        return [];
    }
  });
}

function votesOf(counts: unknown): string {
  if (!Array.isArray(counts)) return "";
  return counts.map((count) => {
    const { answer, votes } = fields(count);
    return `${number(votes)} × ${text(answer)}`;
  }).join("\n");
}

/** Groups the calls of one role that follow each other. A mark belongs to the phase in its time. */
function phasesOf(entries: readonly (Call | ToolRun)[], marks: readonly Mark[]): Phase[] {
  const tasks = Map.groupBy(entries, ({ task }) => task);
  const phases: Phase[] = [];
  for (const task of tasks.values()) {
    const { start } = task[0]!;
    const role = task.find((entry) => entry.kind === "call")?.role ?? "";
    const last = phases.at(-1);
    if (last?.role === role) last.tasks.push(task);
    else phases.push({ role, start, tasks: [task], marks: [] });
  }
  for (const mark of marks) {
    const phase = phases.findLast(({ start }) => start <= (mark.start ?? mark.at)) ?? phases[0];
    phase?.marks.push(mark);
  }
  return phases;
}
