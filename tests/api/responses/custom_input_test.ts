import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { createCustomInput } from "../../../lib/api/responses/custom_input.ts";
import { cpuMs } from "../../support/measure/stall.ts";

const anyText = () =>
  fc.string({ unit: "binary", maxLength: 40 }).map((text) => text.toWellFormed());

function cut(json: string, sizes: readonly number[]): string[] {
  const pieces: string[] = [];
  for (let at = 0, i = 0; at < json.length; i++) {
    const size = sizes[i % sizes.length]!;
    pieces.push(json.slice(at, at + size));
    at += size;
  }
  return pieces;
}

Deno.test("reads any text from any pieces of its arguments, in whole characters", () => {
  const anySizes = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 });
  fc.assert(
    fc.property(anyText(), anySizes, fc.boolean(), (text, sizes, escaped) => {
      const plain = JSON.stringify({ input: text });
      const json = escaped
        ? plain.replace(
          /[^\x20-\x7e]/g,
          (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
        )
        : plain;
      const reader = createCustomInput();
      const deltas = cut(json, sizes).map(reader.push);
      assertEquals(reader.whole(), text);
      assertEquals(deltas.join(""), text);
      assertEquals(deltas.filter((delta) => !delta.isWellFormed()), []);
    }),
    { numRuns: 300 },
  );
});

const READ_AT_THE_END: [name: string, json: string, text: string][] = [
  ["the text itself", "*** Begin Patch", "*** Begin Patch"],
  ["another name of the field", '{"patch":"abc"}', "abc"],
  ["several texts", '{"a":"1","b":"2"}', '{"a":"1","b":"2"}'],
  ["a number", "7", "7"],
  ["null", "null", "null"],
  ["nothing", "", ""],
];

for (const [name, json, text] of READ_AT_THE_END) {
  Deno.test(`reads ${name} at the end`, () => {
    const reader = createCustomInput();
    assertEquals(cut(json, [3]).map(reader.push).join(""), "");
    assertEquals(reader.whole(), text);
  });
}

const BROKEN: [name: string, json: string, text: string][] = [
  ["a text that is cut off", '{"input": "ab', "ab"],
  ["a text that ends in an escape", '{"input":"a\\u00', "a"],
  ["raw line breaks", '{"input":"a\nb"}', "a\nb"],
  ["an unknown escape", '{"input":"a\\qb"}', "a\\qb"],
  ["half a character", '{"input":"a\\ud83d"}', "a"],
  ["further fields", '{"input":"a","more":"b"}', "a"],
];

for (const [name, json, text] of BROKEN) {
  Deno.test(`reads ${name} as it arrives`, () => {
    const reader = createCustomInput();
    assertEquals(cut(json, [2]).map(reader.push).join(""), text);
    assertEquals(reader.whole().replace("\ufffd", ""), text);
  });
}

Deno.test("reads a long text in linear time", () => {
  const reader = createCustomInput();
  const start = cpuMs();
  reader.push('{"input":"');
  for (let i = 0; i < 50_000; i++) reader.push("abc\\n");
  assertEquals(reader.whole().length, 200_000);
  const spaces = createCustomInput();
  for (let i = 0; i < 50_000; i++) spaces.push("    ");
  assertEquals(cpuMs() - start < 500, true);
});
