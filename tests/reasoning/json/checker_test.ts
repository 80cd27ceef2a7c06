import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { createJsonChecker } from "../../../lib/reasoning/json/checker.ts";
import { safePattern } from "../../../lib/reasoning/json/safe_pattern.ts";
import { cpuMs } from "../../support/measure/stall.ts";

const checker = (schema: Record<string, unknown>) =>
  createJsonChecker({ name: "x", schema, inPrompt: true });

/**
 * Far less than a slow regular expression takes, or a check that follows every reference, in
 * milliseconds of CPU.
 */
const CHECK_MS = 1_000;

function assertQuick(start: number): void {
  const ms = cpuMs() - start;
  assert(ms < CHECK_MS, `${ms} ms`);
}

/** Whether a value passes the check, which must not take long. */
function isAccepted(schema: Record<string, unknown>, value: unknown): boolean {
  const start = cpuMs();
  const { ok } = checker(schema)(JSON.stringify(value));
  assertQuick(start);
  return ok;
}

const LONG = `${"a".repeat(50_000)}!`;

/** Patterns on which the engine does not return for some texts. */
const EVIL = [
  "(a+)+$",
  "^(a+)+$",
  "^(a|a)*$",
  "^(a|aa)+$",
  "^([a-z]+)*$",
  "^(.*a){20}$",
  "^a*a*a*a*a*$",
  "a*a*a*a*a*$",
  "^(?=(a+)+$)a",
  "^(\\w+\\s?)*$",
  "^a{1,999}a{1,999}a{1,999}$",
  `${"a?".repeat(100)}${"a".repeat(100)}`,
];

for (const pattern of EVIL) {
  Deno.test(`the pattern ${pattern.slice(0, 30)} can't stall the server`, () => {
    assertEquals(safePattern(pattern), undefined);
    for (const value of [LONG, "a".repeat(40) + "!"]) {
      assert(isAccepted({ type: "string", pattern }, value));
      const properties = { x: { pattern }, pattern: { pattern } };
      assert(isAccepted({ properties }, { x: value, pattern: value }));
      assert(isAccepted({ patternProperties: { [pattern]: false } }, { [value]: 1 }));
      assert(isAccepted({ propertyNames: { pattern } }, { [value]: 1 }));
      assert(isAccepted({ enum: [value], allOf: [{ not: { not: { pattern } } }] }, value));
      assert(isAccepted({ $defs: { a: { pattern } }, items: { $ref: "#/$defs/a" } }, [value]));
    }
  });
}

Deno.test("safe patterns are checked", () => {
  const cases: [string, string, string][] = [
    ["^[A-Z]{3}$", "ABC", "ABCD"],
    ["^\\d{4}-\\d{2}-\\d{2}$", "2026-01-01", "2026-1-1"],
    ["^[a-z]+-[0-9]+$", "ab-12", "ab-"],
    ["^https?://", "https://x", "ftp://x"],
    ["^#[0-9a-fA-F]{6}$", "#aa00FF", "#aa00F"],
    ["^.{1,8}$", "漢👍", ""],
    ["^\\$\\d+$", "$5", "5"],
    ["^[\\w.-]+$", "a.b-c", "a b"],
    ["^100\\$", "100$ or so", "100"],
    ["^", "", ""],
  ];
  for (const [pattern, good, bad] of cases) {
    assert(isAccepted({ pattern }, good), pattern);
    if (bad !== good) assertEquals(isAccepted({ pattern }, bad), false, pattern);
    assert(isAccepted({ pattern }, bad + "x".repeat(301)));
  }
});

Deno.test("a pattern of up to 200 characters is checked", () => {
  assert(safePattern(`^${"a".repeat(199)}`) !== undefined);
  assertEquals(safePattern(`^${"a".repeat(200)}`), undefined);
});

Deno.test("the model gets the last five problems of its answer, with their places", () => {
  const schema = { items: { type: "number" } };
  const problemsOf = (value: unknown[]) => {
    const check = checker(schema)(JSON.stringify(value));
    assert(!check.ok);
    return check.problem.split("\n");
  };
  // Two for each item: it is not a number, so the list is not as it should be.
  assertEquals(problemsOf(["a"]).map((line) => line.split(":")[0]), ["#", "#/0"]);
  assertEquals(problemsOf(["a", "b"]).length, 4);
  assertEquals(problemsOf(["a", "b", "c"]).length, 5);
  assert(problemsOf(Array(9).fill("a")).at(-1)!.startsWith("#/8:"));
});

Deno.test("any number of safe patterns takes little time on any text", () => {
  const pattern = "^a*a*b$";
  assert(safePattern(pattern) !== undefined);
  isAccepted({ pattern }, LONG);
  isAccepted({ items: { pattern } }, Array(10_000).fill("a".repeat(300)));
});

Deno.test("a schema with patternProperties does not reject additional properties", () => {
  const schema = {
    properties: { a: { type: "number" } },
    patternProperties: { "^x-": { type: "string" } },
    additionalProperties: false,
  };
  assert(isAccepted(schema, { a: 1, "x-b": "c" }));
  assertEquals(isAccepted(schema, { a: "1" }), false);
});

Deno.test("a property may have the name of a keyword", () => {
  const names = ["const", "enum", "pattern", "required", "uniqueItems", "patternProperties"];
  for (const name of [...names, "__proto__", "constructor", "$recursiveRef", "format"]) {
    const properties = JSON.parse(`{"${name}":{"type":"number"}}`);
    const value = (text: string) => JSON.parse(`{"${name}":${text}}`);
    assert(isAccepted({ properties, required: [name] }, value("1")), name);
    assertEquals(isAccepted({ properties }, value('"1"')), false, name);
    assertEquals(
      isAccepted({ properties, additionalProperties: false }, { other: 1 }),
      false,
      name,
    );
  }
});

Deno.test("the client's schema is not modified", () => {
  const schema = { type: "object", properties: { a: { pattern: "(a+)+$" } }, uniqueItems: true };
  const before = structuredClone(schema);
  checker(schema)("{}");
  assertEquals(schema, before);
  assertEquals(Object.getOwnPropertyNames(schema), ["type", "properties", "uniqueItems"]);
});

/** A schema that refers to the next level twice, at each level. */
function bomb(levels: number, last: object): Record<string, unknown> {
  const $defs: Record<string, unknown> = { [`a${levels}`]: last };
  for (let i = 0; i < levels; i++) {
    const next = { $ref: `#/$defs/a${i + 1}` };
    $defs[`a${i}`] = { allOf: [next, next] };
  }
  return { $defs, properties: { x: { $ref: "#/$defs/a0" } } };
}

Deno.test("an unclosed code fence before many line breaks is read in linear time", () => {
  const start = cpuMs();
  assertEquals(checker({})("```" + "\n".repeat(100_000)).ok, false);
  assertQuick(start);
});

Deno.test("a schema that takes too long to check is rejected at once", () => {
  const { $defs } = bomb(40, {});
  const start = cpuMs();
  const error = assertThrows(() => checker({ $defs, $ref: "#/$defs/a0" }), Error);
  assertStringIncludes(error.message, "too long to check");
  assertThrows(() => checker({ allOf: Array(300_000).fill({}) }), Error);
  assertThrows(() => checker({ $ref: "#" }), RangeError);
  assertThrows(() => checker({ $ref: "#/nowhere" }), Error);
  assertQuick(start);
});

Deno.test("an answer whose check takes too long or never ends is accepted", () => {
  assert(isAccepted(bomb(40, { type: "number" }), { x: "no number" }));
  assertEquals(isAccepted(bomb(4, { type: "number" }), { x: "no number" }), false);
  assert(isAccepted({ properties: { a: { $ref: "#/properties/a" } } }, { a: 1 }));
  assert(isAccepted({ properties: { a: { $ref: "#/nowhere" } } }, { a: 1 }));
  assert(isAccepted({ uniqueItems: true }, Array(200_000).fill(1)));
  assert(isAccepted({ format: "url" }, `http://${LONG}`));
  const words = Array.from({ length: 20_000 }, (_, i) => `word ${i}`);
  isAccepted({ items: { enum: words } }, Array(100_000).fill("none"));
});

Deno.test("all items of long lists, and all items next to long texts, are checked", () => {
  const [numbers, texts] = [Array(10_000).fill(1), Array(1_000).fill("a")];
  assertEquals(isAccepted({ items: { type: "number" } }, [...numbers, "wrong"]), false);
  assertEquals(isAccepted({ items: { type: "string" } }, [LONG, ...texts, 1]), false);
  const words = Array.from({ length: 5_000 }, (_, i) => `${i}`);
  assertEquals(isAccepted({ items: { enum: words } }, [...words.slice(-130), "wrong"]), false);
});

Deno.test("a recursive schema is checked to the depth of the answer", () => {
  const tree = {
    properties: { value: { type: "number" }, children: { items: { $ref: "#" } } },
    required: ["value"],
  };
  const good = { value: 1, children: [{ value: 2, children: [{ value: 3 }] }] };
  assert(isAccepted(tree, good));
  assertEquals(isAccepted(tree, { value: 1, children: [{ children: [] }] }), false);
  let deep: object = { value: 1 };
  for (let i = 0; i < 1_000; i++) deep = { value: 1, children: [deep] };
  assert(isAccepted(tree, deep));
  const text = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
  assertEquals(checker(tree)(text).ok, true);
  assertEquals(
    checker({ $ref: "#/$defs/a", $defs: { a: { items: { $ref: "#/$defs/a" } } } })(text).ok,
    true,
  );
});
