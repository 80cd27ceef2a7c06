import { assert, assertEquals } from "@std/assert";
import {
  createLog,
  type LogFields,
  stackWithoutMessage,
} from "../../../lib/server/telemetry/log.ts";

const WILD = "a\nb\r\x1b[31mc\x00\x7f\x9b31m\u2028\u202ed\u{e0041} ü 漢 👍";

function lineOf(format: "text" | "json", message: string, fields?: LogFields): string {
  const lines: string[] = [];
  const write = (line: string) => lines.push(line);
  createLog({ level: "debug", format, now: () => 0, write }).warn(message, fields);
  assertEquals(lines.length, 1);
  return lines[0]!;
}

Deno.test("no text can forge a line, colour a terminal or reverse its text", () => {
  for (const format of ["text", "json"] as const) {
    const line = lineOf(format, WILD, { path: WILD });
    assertEquals(/[\p{Cc}\p{Cf}\u2028\u2029]/u.exec(line), null, line);
    assert(line.includes("ü 漢 👍"), line);
  }
});

Deno.test("a JSON line contains exactly what was logged", () => {
  const { message, path } = JSON.parse(lineOf("json", WILD, { path: WILD }));
  assertEquals([message, path], [WILD, WILD]);
});

Deno.test("in text format, a value with a space or a quote is quoted", () => {
  const line = lineOf("text", "Hi", { a: "x y", b: 'x"y', c: "plain/1.0", d: 7, e: undefined });
  assertEquals(line, '00:00:00 warn: Hi a="x y" b="x\\"y" c=plain/1.0 d=7');
});

Deno.test("an unexpected error is logged with its stack, without its message", () => {
  let thrown: unknown;
  try {
    JSON.parse("SECRET");
  } catch (error) {
    thrown = error;
  }
  const cause = stackWithoutMessage(thrown);
  assert(String(thrown).includes("SECRET"));
  assertEquals(cause.includes("SECRET"), false);
  assert(/^SyntaxError\n\s+at .*log_test\.ts/s.test(cause), cause);
  assertEquals(stackWithoutMessage("SECRET"), "string");
  assertEquals(
    stackWithoutMessage(Object.assign(new Error("SECRET\n    at SECRET"))).includes("SECRET"),
    false,
  );
});
