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

interface Ended {
  task: number;
  /** Seconds since the run began, as the other times. */
  start: number;
  end: number;
  outcome: "ok" | "failed" | "error" | "cancelled";
}

/** What the server records of a call. */
interface CallRecord extends Ended {
  type: "call";
  role: string;
  first?: number;
  attempts: number;
  prompt_tokens: number;
  completion_tokens: number;
  estimated: boolean;
  /** Cost in USD. */
  cost?: number;
  /** Absent if the key may not see them. A message that an earlier call had is its number alone. */
  texts?: { prompt: { message: number }[]; thinking: string; output: string };
}

export interface Call extends CallRecord {
  /** Number among several calls of the role, from 1; 0: the only one. */
  number: number;
  prompt: PromptMessage[];
}

export interface ToolRun extends Ended {
  type: "tool";
  name: string;
  texts?: { arguments: string; output: string };
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

type Event =
  | CallRecord
  | ToolRun
  | { type: "step_start"; at: number }
  | { type: "step_end"; at: number; title: string }
  | { type: "candidate"; at: number; index: number; answer: string | null; text: string }
  | { type: "tally"; at: number; text: string; counts: { answer: string; votes: number }[] }
  | { type: "status"; at: number; text: string };

export function readRun({ parts }: Answer): Run {
  const events = parts.flatMap((part) => "o1" in part ? [part.o1 as unknown as Event] : []);
  const messages = new Map<number, { message: number }>();
  const all = events.flatMap((event): (Call | ToolRun)[] => {
    if (event.type === "tool") return [event];
    return event.type === "call"
      ? [{ ...event, number: 0, prompt: promptOf(event, messages) }]
      : [];
  });
  const entries = all.slice(0, MAX_ENTRIES).sort((a, b) => a.start - b.start);
  const calls = entries.filter((entry) => entry.type === "call");
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

function promptOf(
  { texts }: CallRecord,
  messages: Map<number, { message: number }>,
): PromptMessage[] {
  return (texts?.prompt ?? []).map((given) => {
    const known = messages.get(given.message);
    if (known === undefined) messages.set(given.message, given);
    return { ...known ?? given, isKnown: known !== undefined } as PromptMessage;
  });
}

function marksOf(events: readonly Event[]): Mark[] {
  let step = 0;
  return events.flatMap((event): Mark[] => {
    switch (event.type) {
      case "step_start":
        step = event.at;
        return [];
      case "step_end":
        return [{ kind: "step", at: event.at, start: step, label: event.title, text: "" }];
      case "candidate": {
        const { at, index, answer, text } = event;
        return [{ kind: "candidate", at, label: `${index + 1}`, text: answer || text }];
      }
      case "tally": {
        const votes = event.counts.map(({ answer, votes }) => `${votes} × ${answer}`);
        return [{ kind: "tally", at: event.at, label: event.text, text: votes.join("\n") }];
      }
      case "status":
        return [{ kind: "status", at: event.at, label: event.text, text: "" }];
      default:
        return [];
    }
  });
}

/** Groups the calls of one role that follow each other. A mark belongs to the phase in its time. */
function phasesOf(entries: readonly (Call | ToolRun)[], marks: readonly Mark[]): Phase[] {
  const tasks = Map.groupBy(entries, ({ task }) => task);
  const phases: Phase[] = [];
  for (const task of tasks.values()) {
    const { start } = task[0]!;
    const role = task.find((entry) => entry.type === "call")?.role ?? "";
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
