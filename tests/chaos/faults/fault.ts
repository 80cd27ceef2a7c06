/**
 * A fault, and the expected end of requests under it.
 *
 * @module
 */
import { ANSWER, healthy, reasoning } from "../../support/faulty/answers.ts";
import type { FaultyCall, Script } from "../../support/faulty/upstream.ts";

export type Ending =
  | {
    /** Text of a complete answer. */
    whole: string;
    /** Default: none for a direct answer, two complete steps for steps. */
    reasoning?: string;
  }
  | {
    /** HTTP status of an error. */
    status: number;
    code: string;
    /** Headers that must match. */
    headers?: Record<string, RegExp>;
  }
  | {
    /** Code of an error frame. */
    frame: string;
    /** Reasoning before the frame. */
    reasoning?: string;
    /** Text before the frame. */
    content?: string;
  };

export type Outcome = Ending & {
  /** Number of calls to the upstream. */
  requests: number;
  /** Number of calls to the second upstream. Default: 0. */
  second?: number;
};

export type Strategy = "direct" | "steps";

export type Mode = "stream" | "json";

export type Outcomes = Record<Strategy, Record<Mode, Outcome>>;

export interface Fault {
  name: string;
  play: (call: FaultyCall) => Script;
  /** Address of the upstream. Default: one that listens. */
  at?: "closed port" | "no such host";
  /** Script of a second upstream, to fall back to. */
  second?: (call: FaultyCall) => Script;
  upstream?: Record<string, unknown>;
  server?: Record<string, unknown>;
  /** Number of retries, if no upstream can count calls. */
  retries?: number;
  /** Number of bytes that the upstream can send before it is stopped. */
  maxWritten?: Partial<Record<Mode, number>>;
  /** Whether it is too expensive for many at once. */
  heavy?: boolean;
  outcomes: Outcomes;
}

/** The same outcome with and without a stream. */
export function bothModes(outcome: Outcome): Record<Mode, Outcome> {
  return { stream: outcome, json: outcome };
}

/** Every request ends with this error and without output. */
export function error(
  status: number,
  code: string,
  requests: number,
  headers?: Record<string, RegExp>,
): Outcomes {
  const outcome = bothModes({
    status,
    code,
    requests,
    ...(headers === undefined ? {} : { headers }),
  });
  return { direct: outcome, steps: outcome };
}

/** Different outcomes with and without a stream. */
export function errors(stream: Outcomes, json: Outcomes): Outcomes {
  return {
    direct: { stream: stream.direct.stream, json: json.direct.json },
    steps: { stream: stream.steps.stream, json: json.steps.json },
  };
}

/** The second upstream answers; the first gets this number of calls before each. */
export function fallenBack(requests: number): Outcomes {
  return {
    direct: bothModes({ whole: ANSWER, requests, second: 1 }),
    steps: bothModes({ whole: ANSWER, requests: 3 * requests, second: 3 }),
  };
}

/** Every request ends with a complete answer. */
export function whole(
  options: { content?: string; direct?: number; steps?: number; reasoning?: string } = {},
): Outcomes {
  const { content = ANSWER, direct = 1, steps = 3 } = options;
  const thoughts = options.reasoning === undefined ? {} : { reasoning: options.reasoning };
  return {
    direct: bothModes({ whole: content, requests: direct }),
    steps: bothModes({ whole: content, requests: steps, ...thoughts }),
  };
}

/**
 * Every call breaks after its first half. In a stream that half is visible: a thinking call is
 * resumed, the answer ends with an error frame. Without a stream the call is retried, unless it
 * timed out.
 */
export function brokenHalfway(status: number, code: string): Outcomes {
  const json: Outcome = { status, code, requests: status === 504 ? 1 : 3 };
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

/** The same with an error that is not retryable. */
export function rejectedHalfway(status: number, code: string): Outcomes {
  const json: Outcome = { status, code, requests: 1 };
  return {
    direct: { stream: { frame: code, content: "The answer", requests: 1 }, json },
    steps: { stream: { frame: code, reasoning: "**Step 1**\n\nThought 1", requests: 1 }, json },
  };
}

/** The first thinking call breaks after its first half: the step is kept and the run continues. */
export function resumed(): Outcomes {
  return {
    direct: bothModes({ whole: ANSWER, requests: 1 }),
    steps: {
      stream: { whole: ANSWER, reasoning: reasoning(2, [1]), requests: 3 },
      json: { whole: ANSWER, requests: 4 },
    },
  };
}

/** The answer's call breaks after its first half, after two complete steps. */
export function answerBroken(status: number, code: string): Outcomes {
  return {
    direct: brokenHalfway(status, code).direct,
    steps: {
      stream: { frame: code, reasoning: reasoning(2), content: "The answer", requests: 3 },
      json: { status, code, requests: status === 504 ? 3 : 5 },
    },
  };
}

/** The answer's call fails before its text, after two complete steps. */
export function answerFailed(status: number, code: string, requests: number): Outcomes {
  const direct = bothModes({ status, code, requests });
  return {
    direct,
    steps: {
      stream: { frame: code, reasoning: reasoning(2), requests: 2 + requests },
      json: { status, code, requests: 2 + requests },
    },
  };
}

type Play = Fault["play"];

/** Applies to the first thinking call of a request. */
export const onFirstThought = (play: Play): Play => (call) =>
  call.kind === "thinking" && call.index === 0 ? play(call) : healthy(call);

/** Applies to the calls for the answer. */
export const onAnswer = (play: Play): Play => (call) =>
  call.kind === "answer" ? play(call) : healthy(call);

/** Applies to the first `count` calls of a request. */
export const times = (count: number, play: Play): Play => (call) =>
  call.index < count ? play(call) : healthy(call);
