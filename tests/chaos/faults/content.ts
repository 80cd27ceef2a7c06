/**
 * Faults of an upstream's answers.
 *
 * @module
 */
import {
  body,
  chunk,
  completion,
  DONE,
  end,
  finishChunk,
  frame,
  halfThen,
  head,
  piece,
  USAGE,
  usageChunk,
} from "../../support/faulty/answers.ts";
import {
  answerBroken,
  brokenHalfway,
  error,
  errors,
  type Fault,
  onAnswer,
  onFirstThought,
  rejectedHalfway,
  resumed,
  whole,
} from "./fault.ts";
import type { FaultyCall, Script } from "../../support/faulty/upstream.ts";

const failed = (requests: number) => error(502, "upstream_error", requests);

/** The same body with and without a stream. */
const always = (json: unknown) => () => body(JSON.stringify(json));

/** A stream of these events; a call without a stream gets the JSON. */
function events(texts: readonly string[], json: unknown) {
  return (call: FaultyCall): Script =>
    call.stream ? [head(), ...texts.map(piece), end] : body(JSON.stringify(json));
}

const ERROR = { error: { message: "Secret words", type: "server_error" } };
const withError = chunk({ content: "" }, null, ERROR);
const OVERLOADED = { type: "overloaded_error", message: "Overloaded" };

/** An error after the first half of a stream; a call without a stream gets only the error. */
const halfThenError = (text: string, json: unknown) => (call: FaultyCall): Script =>
  call.stream ? halfThen(piece(text), end)(call) : body(JSON.stringify(json));

const garbage = Uint8Array.from({ length: 5_000 }, (_, i) => (i * 193 + 128) % 256);

const finish = (reason: string) =>
  halfThenError(frame(chunk({}, reason)), completion(null, reason));

export const CONTENT_FAULTS: readonly Fault[] = [
  {
    name: "an HTML page with status 200",
    play: () => body("<html>Sign in</html>", { type: "text/html; charset=utf-8" }),
    outcomes: failed(1),
  },
  { name: "a list instead of a completion", play: always([]), outcomes: failed(1) },
  { name: "a string instead of a completion", play: always("x"), outcomes: failed(1) },
  { name: "null instead of a completion", play: always(null), outcomes: failed(1) },
  { name: "an empty object instead of a completion", play: always({}), outcomes: failed(1) },
  { name: "choices that are an object", play: always({ choices: {} }), outcomes: failed(1) },
  { name: "choices that are numbers", play: always({ choices: [1] }), outcomes: failed(1) },
  { name: "a completion without choices", play: always({ choices: [] }), outcomes: failed(1) },
  {
    name: "a list instead of a chunk",
    play: events(["data: []\n\n", DONE], []),
    outcomes: errors(failed(3), failed(1)),
  },
  {
    name: "a chunk that is not JSON",
    play: events(["data: what?\n\n", DONE], "what?"),
    outcomes: failed(1),
  },
  {
    name: "chunks without choices",
    play: events([frame({ choices: [] }), DONE], {}),
    outcomes: errors(failed(3), failed(1)),
  },
  {
    name: "chunks without choices, but with usage",
    play: events([frame(usageChunk), DONE], { choices: [], usage: USAGE }),
    outcomes: errors(failed(3), failed(1)),
  },
  { name: "only [DONE]", play: events([DONE], {}), outcomes: errors(failed(3), failed(1)) },
  { name: "an empty body", play: () => [head(), end], outcomes: failed(3) },
  {
    name: "an empty body of length 0",
    play: (call) => body("", call.stream ? { type: "text/event-stream" } : {}),
    outcomes: failed(3),
  },
  {
    name: "random bytes",
    play: (call) => body(garbage, call.stream ? { type: "text/event-stream" } : {}),
    outcomes: errors(failed(3), failed(1)),
  },
  {
    name: "null as content",
    play: (call) =>
      call.stream
        ? [
          head(),
          piece(chunk({ role: "assistant", content: null })),
          piece(finishChunk),
          piece(DONE),
          end,
        ]
        : body(completion(null)),
    outcomes: whole({ content: "", steps: 2, reasoning: "" }),
  },
  {
    name: "an error event",
    play: events([frame(ERROR), DONE], ERROR),
    outcomes: failed(3),
  },
  {
    name: "an error next to choices",
    play: events([frame(withError), DONE], { ...completion(null), ...ERROR }),
    outcomes: failed(3),
  },
  {
    name: "event: error",
    play: events([`event: error\n${frame(OVERLOADED)}`], { error: OVERLOADED }),
    outcomes: error(503, "upstream_overloaded", 3),
  },
  {
    name: "event: error with text",
    play: events(["event: error\ndata: it broke\n\n"], { error: "it broke" }),
    outcomes: failed(3),
  },
  {
    name: "an error event halfway",
    play: halfThenError(frame(ERROR), ERROR),
    outcomes: brokenHalfway(502, "upstream_error"),
  },
  {
    name: "an error next to choices halfway",
    play: halfThenError(frame(withError), ERROR),
    outcomes: brokenHalfway(502, "upstream_error"),
  },
  {
    name: "a rate limit halfway",
    play: halfThenError(frame({ error: { code: 429 } }), { error: { code: 429 } }),
    outcomes: brokenHalfway(429, "rate_limit_exceeded"),
  },
  {
    name: "a rejected key halfway",
    play: halfThenError(frame({ error: { code: 401 } }), { error: { code: 401 } }),
    outcomes: rejectedHalfway(424, "upstream_auth_error"),
  },
  {
    name: "an error event in the first thought",
    play: onFirstThought(halfThenError(frame(ERROR), ERROR)),
    outcomes: resumed(),
  },
  {
    name: "an error event in the answer",
    play: onAnswer(halfThenError(frame(ERROR), ERROR)),
    outcomes: answerBroken(502, "upstream_error"),
  },
  {
    name: "the finish reason error",
    play: finish("error"),
    outcomes: brokenHalfway(502, "upstream_error"),
  },
  {
    name: "the finish reason error in the first thought",
    play: onFirstThought(finish("error")),
    outcomes: resumed(),
  },
  {
    name: "the finish reason insufficient_system_resource",
    play: finish("insufficient_system_resource"),
    outcomes: brokenHalfway(503, "upstream_overloaded"),
  },
  {
    name: "the finish reason insufficient_system_resource in the answer",
    play: onAnswer(finish("insufficient_system_resource")),
    outcomes: answerBroken(503, "upstream_overloaded"),
  },
];
