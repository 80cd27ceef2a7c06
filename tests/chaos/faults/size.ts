/**
 * Faults of size: endless and very long answers.
 *
 * @module
 */
import {
  ANSWER,
  chunk,
  DONE,
  end,
  finishChunk,
  head,
  healthy,
  piece,
  reasoning,
  textAnswer,
} from "../../support/faulty/answers.ts";
import { error, errors, type Fault, onAnswer, whole } from "./fault.ts";
import type { Action } from "../../support/faulty/upstream.ts";

const failed = (requests: number) => error(502, "upstream_error", requests);

/** Writes until the caller disconnects or `bytes` are sent. */
function flood(start: string, more: string, bytes: number): Action {
  return async (wire) => {
    await piece(start)(wire);
    const block = piece(more.repeat(Math.ceil(65_536 / more.length)));
    for (let sent = 0; sent < bytes; sent += 65_536) await block(wire);
  };
}

const MB_200 = 200 * 1_048_576;
const SYSTEM_BUFFERS = 40 * 1_048_576;

export const SIZE_FAULTS: readonly Fault[] = [
  {
    name: "a body of 200 MB",
    play: (call) =>
      call.stream
        ? [head(), flood("data: ", "x", MB_200), end]
        : [head(), flood('{"choices":[{"message":{"content":"', "x", MB_200), end],
    maxWritten: { stream: SYSTEM_BUFFERS, json: 33_554_432 + SYSTEM_BUFFERS },
    heavy: true,
    outcomes: failed(1),
  },
  {
    name: "an error with a body of 200 MB",
    play: () => [head({ status: 500 }), flood("x", "x", MB_200), end],
    upstream: { retry: { max_attempts: 1 } },
    maxWritten: { stream: SYSTEM_BUFFERS, json: SYSTEM_BUFFERS },
    heavy: true,
    outcomes: failed(1),
  },
  {
    name: "an endless comment",
    play: (call) => [head(), flood(call.stream ? ": " : " ", " ", MB_200), end],
    maxWritten: { stream: SYSTEM_BUFFERS, json: 33_554_432 + SYSTEM_BUFFERS },
    heavy: true,
    outcomes: failed(1),
  },
  {
    name: "a line of 1 MB over the limit",
    play: onAnswer((call) => {
      const text = "x".repeat(1_048_576);
      return call.stream
        ? [head(), piece(chunk({ content: text })), piece(finishChunk), piece(DONE), end]
        : healthy(call);
    }),
    upstream: { max_line_bytes: 262_144 },
    heavy: true,
    outcomes: errors({
      direct: failed(1).direct,
      steps: {
        stream: { frame: "upstream_error", reasoning: reasoning(2), requests: 3 },
        json: { whole: ANSWER, requests: 3 },
      },
    }, whole()),
  },
  {
    name: "a line of 1 MB under the limit",
    play: onAnswer(textAnswer(["x".repeat(1_048_576)])),
    upstream: { max_line_bytes: 2_097_152 },
    heavy: true,
    outcomes: whole({ content: "x".repeat(1_048_576) }),
  },
];
