/**
 * A fault, and how a request under it has to end.
 *
 * @module
 */
import { ANSWER, healthy, reasoning } from "./answers.ts";
import type { FaultyCall, Script } from "../faulty_upstream.ts";

/** How a request ends. */
export type Ending =
  | {
    /** A whole answer: its text. */
    whole: string;
    /** Its reasoning; default: of a direct answer none, of steps two whole ones. */
    reasoning?: string;
  }
  | {
    /** An error: its HTTP status. */
    status: number;
    /** Its code. */
    code: string;
    /** Headers that must match. */
    headers?: Record<string, RegExp>;
  }
  | {
    /** An error frame: its code. */
    frame: string;
    /** The reasoning before it. */
    reasoning?: string;
    /** The text before it. */
    content?: string;
  };

/** How a request ends, and what it costs. */
export type Outcome = Ending & {
  /** Calls that the upstream gets. */
  requests: number;
  /** Calls that the second upstream gets; default: none. */
  second?: number;
};

/** How a model reasons. */
export type Strategy = "direct" | "steps";

/** How a client asks. */
export type Mode = "stream" | "json";

/** The one outcome of every cell. */
export type Outcomes = Record<Strategy, Record<Mode, Outcome>>;

/** One way in which an upstream fails. */
export interface Fault {
  /** What it is called. */
  name: string;
  /** What the upstream does. */
  play: (call: FaultyCall) => Script;
  /** Where the upstream is, in place of one that listens. */
  at?: "closed port" | "no such host";
  /** What a second upstream does, behind the first. */
  second?: (call: FaultyCall) => Script;
  /** Settings of the upstream. */
  upstream?: Record<string, unknown>;
  /** Settings of the server. */
  server?: Record<string, unknown>;
  /** Repeats, where no upstream can count. */
  retries?: number;
  /** How many bytes the upstream can get rid of, at most. */
  mostWritten?: Partial<Record<Mode, number>>;
  /** Whether it is too heavy to be one of many at once. */
  heavy?: boolean;
  /** How a request has to end. */
  outcomes: Outcomes;
}

/** The same for a stream and for JSON. */
export function all(outcome: Outcome): Record<Mode, Outcome> {
  return { stream: outcome, json: outcome };
}

/** Every request ends with this error, which shows before anything else does. */
export function error(
  status: number,
  code: string,
  requests: number,
  headers?: Record<string, RegExp>,
): Outcomes {
  const outcome = all({ status, code, requests, ...(headers === undefined ? {} : { headers }) });
  return { direct: outcome, steps: outcome };
}

/** Another error, or another cost, for JSON than for a stream. */
export function errors(stream: Outcomes, json: Outcomes): Outcomes {
  return {
    direct: { stream: stream.direct.stream, json: json.direct.json },
    steps: { stream: stream.steps.stream, json: json.steps.json },
  };
}

/** The second upstream gives a whole answer; the first gets so many calls for each of its. */
export function fallenBack(requests: number): Outcomes {
  return {
    direct: all({ whole: ANSWER, requests, second: 1 }),
    steps: all({ whole: ANSWER, requests: 3 * requests, second: 3 }),
  };
}

/** Every request ends with a whole answer. */
export function whole(
  options: { content?: string; direct?: number; steps?: number; reasoning?: string } = {},
): Outcomes {
  const { content = ANSWER, direct = 1, steps = 3 } = options;
  const thoughts = options.reasoning === undefined ? {} : { reasoning: options.reasoning };
  return {
    direct: all({ whole: content, requests: direct }),
    steps: all({ whole: content, requests: steps, ...thoughts }),
  };
}

/**
 * Every call breaks after its first half. A stream has shown that half: a thinking call is
 * resumed, the answer ends in the frame. Of JSON nothing was shown: it is repeated.
 */
export function brokenHalfway(status: number, code: string): Outcomes {
  const json: Outcome = { status, code, requests: 3 };
  return {
    direct: { stream: { frame: code, content: "The answer", requests: 1 }, json },
    steps: {
      stream: {
        frame: code,
        reasoning: reasoning(3, [1, 2, 3]),
        content: "The answer",
        requests: 4,
      },
      json,
    },
  };
}

/** The same with an error for which no repeat is worth while. */
export function refusedHalfway(status: number, code: string): Outcomes {
  const json: Outcome = { status, code, requests: 1 };
  return {
    direct: { stream: { frame: code, content: "The answer", requests: 1 }, json },
    steps: { stream: { frame: code, reasoning: "**Step 1**\n\nThought 1", requests: 1 }, json },
  };
}

/** The first thinking call breaks after its first half: the step stands, the run goes on. */
export function resumed(): Outcomes {
  return {
    direct: all({ whole: ANSWER, requests: 1 }),
    steps: {
      stream: { whole: ANSWER, reasoning: reasoning(2, [1]), requests: 3 },
      json: { whole: ANSWER, requests: 4 },
    },
  };
}

/** The answer's call breaks after its first half, behind two steps that are whole. */
export function answerBroken(status: number, code: string): Outcomes {
  return {
    direct: brokenHalfway(status, code).direct,
    steps: {
      stream: { frame: code, reasoning: reasoning(2), content: "The answer", requests: 3 },
      json: { status, code, requests: 5 },
    },
  };
}

/** The answer's call fails before its text, behind two steps that are whole. */
export function answerRefused(status: number, code: string, requests: number): Outcomes {
  const direct = all({ status, code, requests });
  return {
    direct,
    steps: {
      stream: { frame: code, reasoning: reasoning(2), requests: 2 + requests },
      json: { status, code, requests: 2 + requests },
    },
  };
}

type Play = Fault["play"];

/** Only the first call of a run of steps. */
export const onFirstThought = (play: Play): Play => (call) =>
  call.kind === "thinking" && call.index === 0 ? play(call) : healthy(call);

/** Only the calls for the answer. */
export const onAnswer = (play: Play): Play => (call) =>
  call.kind === "answer" ? play(call) : healthy(call);

/** Only the first so many calls of a request. */
export const times = (count: number, play: Play): Play => (call) =>
  call.index < count ? play(call) : healthy(call);
