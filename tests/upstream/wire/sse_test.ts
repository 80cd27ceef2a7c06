import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { createSseParser, type SseEvent } from "../../../lib/upstream/wire/sse.ts";

/** Parses bytes in these pieces, decoded as upstream bodies are. */
function parse(pieces: Iterable<Uint8Array>, maxLineLength = 10_000): SseEvent[] {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const parser = createSseParser(maxLineLength);
  const events: SseEvent[] = [];
  for (const piece of pieces) {
    events.push(...parser.push(decoder.decode(piece, { stream: true })));
  }
  return [...events, ...parser.push(decoder.decode()), ...parser.end()];
}

const bytes = (text: string) => new TextEncoder().encode(text);
const parseText = (text: string, maxLineLength?: number) => parse([bytes(text)], maxLineLength);
const data = (...texts: string[]): SseEvent[] => texts.map((data) => ({ event: "", data }));

const CASES: [name: string, text: string, events: SseEvent[]][] = [
  ["nothing", "", []],
  ["blank lines only", "\n\n\r\n\r\r", []],
  ["one event", "data: a\n\n", data("a")],
  ["two events", "data: a\n\ndata: b\n\n", data("a", "b")],
  ["no space after the colon", "data:a\n\n", data("a")],
  ["only one leading space is dropped", "data:  a\n\n", data(" a")],
  ["a tab is not a space", "data:\ta\n\n", data("\ta")],
  ["trailing spaces are kept", "data: a \n\n", data("a ")],
  ["a colon in the value", "data: a: b\n\n", data("a: b")],
  ["several data lines", "data: a\ndata: b\ndata:\ndata: c\n\n", data("a\nb\n\nc")],
  ["the specification's first example", "data: YHOO\ndata: +2\ndata: 10\n\n", data("YHOO\n+2\n10")],
  ["empty data", "data\n\ndata\ndata\n\ndata:\n\n", data("", "\n", "")],
  ["an event's name", "event: error\ndata: a\n\n", [{ event: "error", data: "a" }]],
  [
    "a name applies to one event",
    "event: x\ndata: a\n\ndata: b\n\n",
    [{ event: "x", data: "a" }, { event: "", data: "b" }],
  ],
  ["the last name applies", "event: x\nevent: y\ndata: a\n\n", [{ event: "y", data: "a" }]],
  ["a name without data is ignored", "event: x\n\ndata: a\n\n", data("a")],
  [
    "comments",
    ": OPENROUTER PROCESSING\n\n:\n:x\ndata: a\n: in between\ndata: b\n\n",
    data("a\nb"),
  ],
  [
    "unknown fields",
    "id: 1\nretry: 5\nDATA: x\ndata : y\ndatax: z\n data: w\ndata: a\n\n",
    data("a"),
  ],
  ["CRLF", "event: x\r\ndata: a\r\ndata: b\r\n\r\n", [{ event: "x", data: "a\nb" }]],
  ["CR", "data: a\rdata: b\r\rdata: c\r\r", data("a\nb", "c")],
  ["mixed line endings", "data: a\r\ndata: b\n\rdata: c\r\r\ndata: d\n\n", data("a\nb", "c", "d")],
  ["LF before CR is two line endings", "data: a\n\rdata: b\n\n", data("a", "b")],
  [
    "other separators are not line endings",
    "data: a\u2028b\u2029c\u0085d\v\f\n\n",
    data(
      "a\u2028b\u2029c\u0085d\v\f",
    ),
  ],
  ["a byte order mark at the start", "\ufeffdata: a\n\n", data("a")],
  ["a later byte order mark", "data: \ufeffa\n\n", data("\ufeffa")],
  ["NUL", "data: a\u0000b\n\n", data("a\u0000b")],
  ["characters beyond the basic plane", "data: 😀é中\n\n", data("😀é中")],
  ["the end without a blank line", "data: a\n", data("a")],
  ["the end without a line ending", "data: a\n\nevent: x\ndata: b", [
    { event: "", data: "a" },
    { event: "x", data: "b" },
  ]],
  ["the end after CR", "data: a\r", data("a")],
];

for (const [name, text, events] of CASES) {
  Deno.test(`an event stream is parsed, however it is split: ${name}`, () => {
    assertEquals(parseText(text), events);
    const all = bytes(text);
    for (let at = 0; at <= all.length; at++) {
      assertEquals(parse([all.subarray(0, at), all.subarray(at)]), events);
    }
    assertEquals(parse([...all].map((byte) => Uint8Array.of(byte))), events);
  });
}

/** Lines and line endings of all kinds. */
const stream = () => {
  const end = fc.constantFrom("\n", "\r\n", "\r", "\n\n", "\r\n\r\n", "\r\r");
  const field = fc.constantFrom("data: ", "data:", "event: ", ":", ": ", "id: ", "data", "", "x");
  const value = fc.oneof(
    fc.string({ unit: "binary", maxLength: 8 }).map((text) => text.replace(/[\r\n]/g, "")),
    fc.constantFrom("[DONE]", '{"a":"é"}', "😀", "\ufeff", ": ", "data: x"),
  );
  return fc.array(fc.tuple(field, value, end)).map((lines) =>
    lines.map((line) => line.join("")).join("")
  );
};

Deno.test("any split of any stream is parsed as the whole is", () => {
  fc.assert(fc.property(
    stream(),
    fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
    (text, sizes) => {
      const all = bytes(text);
      const pieces: Uint8Array[] = [];
      for (let at = 0, i = 0; at < all.length; i++) {
        pieces.push(all.subarray(at, at += sizes[i % sizes.length]!));
      }
      assertEquals(parse(pieces), parseText(text));
    },
  ));
});

Deno.test("any stream is parsed alike with any line ending", () => {
  fc.assert(fc.property(stream(), (text) => {
    const lines = text.replace(/\r\n?/g, "\n");
    assertEquals(parseText(text), parseText(lines));
    assertEquals(parseText(lines.replaceAll("\n", "\r\n")), parseText(lines));
    assertEquals(parseText(lines.replaceAll("\n", "\r")), parseText(lines));
  }));
});

Deno.test("any text is read as it was written", () => {
  const texts = fc.array(fc.array(fc.string({ unit: "grapheme" }), { minLength: 1 }));
  fc.assert(fc.property(texts, (events) => {
    const lines = events.map((lines) => lines.map((line) => line.replace(/[\r\n]/g, "")));
    const text = lines.map((event) => event.map((line) => `data: ${line}\n`).join("") + "\n");
    assertEquals(parseText(text.join("")), data(...lines.map((event) => event.join("\n"))));
  }));
});

Deno.test("a line longer than the limit is rejected, whole or in pieces", () => {
  const line = `data: ${"x".repeat(94)}`;
  assertEquals(parseText(`${line}\n\n`, 100), data("x".repeat(94)));
  assertThrows(() => parseText(`${line}x\n\n`, 100), RangeError, "100 characters");
  assertThrows(() => parseText(`: ${"x".repeat(99)}\n`, 100), RangeError);
  const parser = createSseParser(100);
  for (const character of line) parser.push(character);
  assertThrows(() => parser.push("x"), RangeError);
});

Deno.test("each of several lines in pieces may be as long as the limit", () => {
  const parser = createSseParser(100);
  for (let i = 0; i < 3; i++) {
    for (const character of `data: ${"x".repeat(94)}`) parser.push(character);
    assertEquals(parser.push("\n\n"), data("x".repeat(94)));
  }
});

Deno.test("an unfinished line is rejected as soon as it is too long", () => {
  const parser = createSseParser(1_000);
  parser.push("x".repeat(1_000));
  assertThrows(() => parser.push("x"), RangeError);
});

Deno.test("an event of many lines longer than the limit is rejected", () => {
  const lines = (count: number, line: string) => `data: ${line}\n`.repeat(count);
  assertEquals(parseText(`${lines(10, "123456789")}\n`, 99).length, 1);
  assertThrows(() => parseText(`${lines(10, "1234567890")}\n`, 99), RangeError);
  // Empty lines count too.
  assertThrows(() => parseText(lines(101, ""), 99), RangeError);
  assertEquals(parseText(`${lines(60, "1")}\n`.repeat(9), 120).length, 9);
});

Deno.test("a long line in many pieces is joined once", () => {
  const piece = "x".repeat(64);
  const parser = createSseParser(10_000_000);
  parser.push("data: ");
  for (let i = 0; i < 100_000; i++) parser.push(piece);
  assertEquals(parser.push("\n\n")[0]!.data.length, 6_400_000);
});
