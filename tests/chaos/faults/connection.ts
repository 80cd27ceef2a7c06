/**
 * Faults of the connection: refused, reset, silent, slow, lost.
 *
 * @module
 */
import {
  ANSWER,
  chunk,
  completion,
  DONE,
  end,
  finishChunk,
  frame,
  frames,
  halfThen,
  halfThenClose,
  halves,
  head,
  healthy,
  piece,
  raw,
  reasoning,
  roleChunk,
  wait,
} from "../../support/faulty/answers.ts";
import {
  answerBroken,
  brokenHalfway,
  error,
  type Fault,
  onAnswer,
  onFirstThought,
  resumed,
  times,
  whole,
} from "./fault.ts";
import {
  type Action,
  close,
  type FaultyCall,
  hang,
  reset,
  type Script,
} from "../../support/faulty/upstream.ts";

const SHORT = { first_token_ms: 450, idle_ms: 450, total_ms: 1200 };
const timedOut = (requests = 1) => error(504, "upstream_timeout", requests);
const unreachable = (requests: number) => error(502, "upstream_unreachable", requests);
const failed = (requests: number) => error(502, "upstream_error", requests);

/** Writes an answer in pieces, with a delay before each. */
function drip(pieces: number, ms: number) {
  return (call: FaultyCall): Script => {
    const text = call.stream
      ? [...frames(call).map(frame), DONE].join("")
      : JSON.stringify(completion(halves(call).join("")));
    const bytes = new TextEncoder().encode(text);
    const size = Math.ceil(bytes.length / pieces);
    const actions: Action[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      actions.push(wait(ms), piece(bytes.slice(at, at + size)));
    }
    return [head(), ...actions, end];
  };
}

/** Repeats a write forever, with a delay after each. */
function forever(ms: number, write: Action): Action {
  return async (wire) => {
    for (;;) {
      await write(wire);
      await wire.wait(ms);
    }
  };
}

const euro = new TextEncoder().encode("€");

/** Closes the connection within a character. */
const midCharacter: Script = [
  (wire) => {
    const start = wire.call.stream ? 'data: {"choices":[{"delta":{"content":"' : "";
    return piece(new Uint8Array([...new TextEncoder().encode(start), euro[0]!]))(wire);
  },
  close,
];

/** A stream up to its finish reason, then other actions. */
function finishedThen(...after: Script) {
  return (call: FaultyCall): Script => {
    if (!call.stream) return healthy(call);
    const texts = halves(call).map((content) => piece(chunk({ content })));
    return [head(), piece(roleChunk), ...texts, piece(finishChunk), ...after];
  };
}

export const CONNECTION_FAULTS: readonly Fault[] = [
  { name: "refused", at: "closed port", play: healthy, retries: 2, outcomes: unreachable(0) },
  {
    name: "a host that does not exist",
    at: "no such host",
    play: healthy,
    retries: 2,
    outcomes: unreachable(0),
  },
  { name: "reset before the headers", play: () => [reset], outcomes: unreachable(3) },
  { name: "closed before the headers", play: () => [close], outcomes: unreachable(3) },
  {
    name: "cut within the headers",
    play: () => [raw("HTTP/1.1 200 OK\r\ncontent-ty"), close],
    outcomes: unreachable(3),
  },
  {
    name: "not HTTP",
    play: () => [raw("SSH-2.0-OpenSSH_9.9\r\n"), close],
    outcomes: unreachable(3),
  },
  { name: "reset halfway", play: halfThen(reset), outcomes: brokenHalfway(502, "upstream_error") },
  { name: "closed halfway", play: halfThen(close), outcomes: brokenHalfway(502, "upstream_error") },
  {
    name: "closed halfway, without a length",
    play: halfThenClose(""),
    outcomes: brokenHalfway(502, "upstream_error"),
  },
  {
    name: "cut within a line",
    play: halfThen(piece('data: {"choices":[{"del'), close),
    outcomes: brokenHalfway(502, "upstream_error"),
  },
  {
    name: "cut within a line, without a length",
    play: halfThenClose('data: {"choices":[{"del'),
    outcomes: brokenHalfway(502, "upstream_error"),
  },
  {
    name: "cut within a character",
    play: halfThen(...midCharacter),
    outcomes: brokenHalfway(502, "upstream_error"),
  },
  {
    name: "shorter than its content-length",
    play: (call) => {
      const text = call.stream ? "" : '{"choices":[{';
      return [head({ framing: "1.0", headers: { "content-length": "999" } }), raw(text), close];
    },
    outcomes: failed(3),
  },
  {
    name: "a break in the first thought",
    play: onFirstThought(halfThen(close)),
    outcomes: resumed(),
  },
  {
    name: "a break within a line of the first thought, without a length",
    play: onFirstThought(halfThenClose('data: {"choices":[{"del')),
    outcomes: resumed(),
  },
  {
    name: "a reset in the first thought",
    play: onFirstThought(halfThen(reset)),
    outcomes: resumed(),
  },
  {
    name: "a stall in the first thought",
    play: onFirstThought(halfThen(hang)),
    upstream: { timeouts: { idle_ms: 450, total_ms: 1500 } },
    outcomes: {
      direct: resumed().direct,
      steps: {
        stream: resumed().steps.stream,
        json: { status: 504, code: "upstream_timeout", requests: 1 },
      },
    },
  },
  {
    name: "a break in the first thought before any visible text",
    play: onFirstThought((call) =>
      call.stream
        ? [head(), piece(chunk({ content: '{"ti' })), wait(50), close]
        : halfThen(close)(call)
    ),
    outcomes: whole({ steps: 4 }),
  },
  {
    name: "a break in the reasoning of the first thought",
    play: onFirstThought((call) =>
      call.stream
        ? [
          head(),
          piece(chunk({ reasoning_content: "Hm" })),
          (wire) => wire.seen("Hm"),
          close,
        ]
        : halfThen(close)(call)
    ),
    outcomes: {
      direct: whole().direct,
      steps: {
        stream: { whole: ANSWER, reasoning: `Hm\n\n${reasoning(2)}`, requests: 4 },
        json: { whole: ANSWER, requests: 4 },
      },
    },
  },
  {
    name: "a break in the answer",
    play: onAnswer(halfThen(close)),
    outcomes: answerBroken(502, "upstream_error"),
  },
  {
    name: "a stall in the answer",
    play: onAnswer(halfThen(hang)),
    upstream: { timeouts: { idle_ms: 450, total_ms: 1500 } },
    outcomes: answerBroken(504, "upstream_timeout"),
  },
  {
    name: "one break after the role",
    play: times(
      1,
      (call) =>
        call.stream ? [head(), piece(roleChunk), wait(50), close] : [head(), piece("{"), close],
    ),
    outcomes: whole({ direct: 2, steps: 4 }),
  },
  {
    name: "one break after an empty chunk",
    play: times(
      1,
      (call) =>
        call.stream ? [head(), piece(chunk({})), wait(50), close] : [head(), piece("{"), close],
    ),
    outcomes: whole({ direct: 2, steps: 4 }),
  },
  {
    name: "silence before the headers",
    play: () => [hang],
    upstream: { timeouts: { headers_ms: 450 } },
    outcomes: timedOut(),
  },
  {
    name: "silence before the headers, after the commit",
    play: () => [hang],
    upstream: { timeouts: { headers_ms: 450 } },
    server: { commit_after_ms: 1 },
    outcomes: {
      direct: {
        stream: { frame: "upstream_timeout", requests: 1 },
        json: { status: 504, code: "upstream_timeout", requests: 1 },
      },
      steps: {
        stream: { frame: "upstream_timeout", requests: 1 },
        json: { status: 504, code: "upstream_timeout", requests: 1 },
      },
    },
  },
  {
    name: "silence within the headers",
    play: () => [raw("HTTP/1.1 200 OK\r\ncontent-ty"), hang],
    upstream: { timeouts: { headers_ms: 450 } },
    outcomes: timedOut(),
  },
  {
    name: "silence before the first byte of the body",
    play: () => [head(), hang],
    upstream: { timeouts: SHORT },
    outcomes: timedOut(),
  },
  {
    name: "silence after the role",
    play: (call) => [head(), piece(call.stream ? roleChunk : "{"), hang],
    upstream: { timeouts: SHORT },
    outcomes: timedOut(),
  },
  {
    name: "a stall halfway",
    play: halfThen(hang),
    upstream: { timeouts: SHORT },
    outcomes: brokenHalfway(504, "upstream_timeout"),
  },
  {
    name: "only comments",
    play: (call) => [head(), forever(20, piece(call.stream ? ": wait\n\n" : " "))],
    upstream: { timeouts: SHORT },
    outcomes: timedOut(),
  },
  {
    name: "endless comments halfway",
    play: halfThen(forever(20, piece(": wait\n\n"))),
    upstream: { timeouts: { total_ms: 1200 } },
    outcomes: brokenHalfway(504, "upstream_timeout"),
  },
  {
    name: "slow reads under the idle limit",
    play: onAnswer(drip(12, 100)),
    upstream: { timeouts: { idle_ms: 2500 } },
    outcomes: whole(),
  },
  {
    name: "slow reads over the idle limit",
    play: halfThen(wait(900), piece(" is"), wait(900), end),
    upstream: { timeouts: SHORT },
    outcomes: brokenHalfway(504, "upstream_timeout"),
  },
  {
    name: "finished, without [DONE]",
    play: finishedThen(end),
    outcomes: whole(),
  },
  {
    name: "finished, then closed",
    play: finishedThen(close),
    outcomes: whole(),
  },
  {
    name: "finished, then silent",
    play: onAnswer(finishedThen(hang)),
    outcomes: whole(),
  },
  {
    name: "[DONE], then silent",
    play: finishedThen(piece(DONE), hang),
    outcomes: whole(),
  },
];
