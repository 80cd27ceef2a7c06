/**
 * Valid dialects, which all give a complete answer.
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
  frames,
  halves,
  head,
  healthy,
  piece,
  raw,
  roleChunk,
  textAnswer,
  USAGE,
  usageChunk,
  written,
} from "../../support/faulty/answers.ts";
import { type Fault, onAnswer, whole } from "./fault.ts";
import { type Action, close, type FaultyCall, type Script } from "../../support/faulty/upstream.ts";

async function gzip(text: string): Promise<Uint8Array> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const streamText = (call: FaultyCall) => [...frames(call).map(frame), DONE].join("");
const wholeText = (call: FaultyCall) => JSON.stringify(completion(halves(call).join("")));
const textFor = (call: FaultyCall) => call.stream ? streamText(call) : wholeText(call);

/** The complete text between two scripts. */
function around(before: Script, after: Script = [end], write: (text: string) => Action = piece) {
  return (call: FaultyCall): Script => [...before, write(textFor(call)), ...after];
}

/** Writes every byte separately, so that characters are split. */
function bytewise(text: string): Script {
  const bytes = new TextEncoder().encode(text);
  return [head(), ...Array.from(bytes, (byte) => piece(new Uint8Array([byte]))), end];
}

const PLAYS: Record<string, Fault["play"]> = {
  "no deviation": healthy,
  "gzip": (call) => [async (wire) => {
    const bytes = await gzip(textFor(call));
    await head({ headers: { "content-encoding": "gzip" } })(wire);
    await piece(bytes)(wire);
    await end(wire);
  }],
  "HTTP/1.0, ended by closing": around([head({ framing: "1.0" })], [close], raw),
  "HTTP/1.1, ended by closing": around([head({ framing: "close" })], [close], raw),
  "trailers": around([head({ headers: { trailer: "x-sum" } })], [raw("0\r\nx-sum: 1\r\n\r\n")]),
  "early hints": around([raw("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"), head()]),
  "every byte in a chunk": (call) => bytewise(textFor(call)),
  "no [DONE]": written((texts) => texts.slice(0, -1).join("")),
  "no finish reason, but [DONE]": written((texts) => [...texts.slice(0, -3), DONE].join("")),
  "no blank line at the end": written((texts) => texts.join("").trimEnd()),
  "CRLF": written((texts) => texts.join("").replaceAll("\n", "\r\n")),
  "CR": written((texts) => texts.join("").replaceAll("\n", "\r")),
  "comments": written((texts) => texts.map((text) => `: comment\n\n${text}`).join("")),
  "other fields": written((texts) =>
    texts.map((text) => `id: 1\nretry: 5\nevent: message\n${text}`).join("")
  ),
  "no space after the colon": written((texts) => texts.join("").replaceAll("data: ", "data:")),
  "several data lines": written((texts) =>
    texts.join("").replaceAll(/^data: \{/gm, "data: {\ndata: ")
  ),
  "a BOM": (call) => [head(), piece(`\ufeff${textFor(call)}`), end],
  "a stream of type text/plain": (call) =>
    call.stream ? [head({ type: "text/plain" }), piece(streamText(call)), end] : healthy(call),
  "no content type of a stream": (call) =>
    call.stream
      ? [raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"), piece(streamText(call)), end]
      : healthy(call),
  "JSON instead of a stream": (call) => body(wholeText(call)),
  "a stream instead of JSON": (call) => {
    const type = "text/event-stream";
    return [head({ type }), piece(streamText(call)), end];
  },
  "usage after the finish reason": (call) =>
    textAnswer(halves(call), [finishChunk, usageChunk])(call),
  "usage with the finish reason": (call) =>
    textAnswer(halves(call), [{ ...finishChunk, usage: USAGE }])(call),
  "no usage": (call) =>
    call.stream
      ? textAnswer(halves(call), [finishChunk])(call)
      : body({ ...completion(halves(call).join("")), usage: undefined }),
  "null as usage": (call) =>
    call.stream
      ? textAnswer(halves(call), [{ ...finishChunk, usage: null }])(call)
      : body({ ...completion(halves(call).join("")), usage: null }),
  "null as error": (call) =>
    call.stream
      ? [
        head(),
        piece({ ...roleChunk, error: null }),
        ...frames(call).slice(1).map(piece),
        piece(DONE),
        end,
      ]
      : body({ ...completion(halves(call).join("")), error: null }),
  "text after [DONE]": written((texts) => [...texts, frame(chunk({ content: "late" }))].join("")),
};

const LETTERS = "Zwölf 🙂 — 数";

const withLetters: Fault["play"] = (call) =>
  bytewise(textFor(call).replace(halves(call)[0], LETTERS));

export const DIALECTS: readonly Fault[] = [
  ...Object.entries(PLAYS).map(([name, play]): Fault => ({ name, play, outcomes: whole() })),
  {
    name: "characters split between reads",
    play: onAnswer(withLetters),
    outcomes: whole({ content: `${LETTERS} is 4.` }),
  },
  {
    name: "a character in two halves",
    play: onAnswer(textAnswer(["A \ud83d", "\ude42"])),
    outcomes: whole({ content: "A 🙂" }),
  },
  {
    name: "the finish reason length in the answer",
    play: onAnswer(textAnswer(["Half"], [chunk({}, "length")])),
    outcomes: whole({ content: "Half" }),
  },
];
