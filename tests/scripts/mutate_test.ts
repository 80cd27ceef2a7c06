import { assertEquals, assertRejects } from "@std/assert";
import { mutantsOf } from "../../scripts/mutants.ts";
import { mutate } from "../../scripts/mutate.ts";

const SOURCE = `import { log } from "./log.ts";

export function clamp(value: number, low: number, high: number): number {
  if (!(value >= low)) return low;
  log.info("clamp", 1);
  return Math.min(value, high);
}
`;

/** Each mistake in this file is one run of the tests. */
const USER = `import { clamp } from "./clamp.ts";

export const clampToTen = (value: number) => clamp(value, 0, 10);
`;

const OUTCOMES = ["0, value: killed", "10, 0: killed", "11: killed", "1: survived"];

const TEST = `import { clampToTen } from "../../lib/room/clamp_to_ten.ts";

Deno.test("a number within the bounds is kept", () => {
  if (clampToTen(7) !== 7) throw new Error();
});

Deno.test("a number above the bounds is clamped", () => {
  if (clampToTen(11) !== 10) throw new Error();
});
`;

/** A tree with two files, and tests that never use its lower bound. */
async function writeTree(): Promise<string> {
  const root = await Deno.makeTempDir();
  for (const folder of ["lib/room", "tests/room"]) {
    await Deno.mkdir(`${root}/${folder}`, { recursive: true });
  }
  await Deno.writeTextFile(`${root}/lib/room/clamp.ts`, SOURCE);
  await Deno.writeTextFile(`${root}/lib/room/clamp_to_ten.ts`, USER);
  await Deno.writeTextFile(`${root}/lib/room/log.ts`, "export const log = console;\n");
  await Deno.writeTextFile(`${root}/tests/deno.json`, "{}");
  await Deno.writeTextFile(`${root}/tests/room/clamp_test.ts`, TEST);
  return root;
}

Deno.test("mutants are made of conditions, comparisons, numbers, statements and arguments", async () => {
  const root = await writeTree();
  try {
    const mutants = mutantsOf(root, ["lib/room/clamp.ts", "lib/room/clamp_to_ten.ts"])
      .map(({ line, original, replacement }) => `${line}: ${original} → ${replacement}`);
    assertEquals(mutants, [
      "4: !(value >= low) → (value >= low)",
      "4: >= → <",
      "4: >= → >",
      "4: return low; → ;",
      '5: log.info("clamp", 1); → ;',
      "6: return Math.min(value, high); → ;",
      "3: value, 0 → 0, value",
      "3: 0, 10 → 10, 0",
      "3: 0 → 1",
      "3: 10 → 11",
    ]);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("a mistake that a test notices is killed, and another one survives", async () => {
  const root = await writeTree();
  try {
    const outcomes: string[] = [];
    await mutate({ root, files: ["lib/room/clamp_to_ten.ts"] }, ({ replacement }, outcome) => {
      outcomes.push(`${replacement}: ${outcome}`);
    });
    assertEquals(outcomes.sort(), OUTCOMES);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("a test that fails without a mistake is left out", async () => {
  const root = await writeTree();
  try {
    await Deno.writeTextFile(
      `${root}/tests/room/broken_test.ts`,
      'import "../../lib/room/clamp_to_ten.ts"; Deno.test("broken", () => { throw new Error(); });',
    );
    const outcomes: string[] = [];
    await mutate({ root, files: ["lib/room/clamp_to_ten.ts"] }, ({ replacement }, outcome) => {
      outcomes.push(`${replacement}: ${outcome}`);
    });
    assertEquals(outcomes.sort(), OUTCOMES);
    await Deno.remove(`${root}/tests/room/clamp_test.ts`);
    const only = mutate({ root, files: ["lib/room/clamp_to_ten.ts"] }, () => {});
    await assertRejects(() => only, Error, "All tests fail without a mistake");
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("a test of the room runs once without a mistake, and for each on a line that it executes", async () => {
  const root = await writeTree();
  const write = (path: string, text: string) => Deno.writeTextFile(`${root}/${path}`, text);
  try {
    await Deno.mkdir(`${root}/lib/room/inner`);
    const functions = { twice: "2 * value", half: "value / 2" };
    for (const [name, body] of Object.entries(functions)) {
      await write(
        `lib/room/inner/${name}.ts`,
        `export function ${name}(value: number) {\n  return ${body};\n}\n`,
      );
      await write(
        `tests/room/${name}_test.ts`,
        `import { ${name} } from "../../lib/room/door.ts";
        Deno.test("${name}", () => {
          Deno.writeTextFileSync("${root}/runs", "${name} ", { append: true });
          if (![2, 8].includes(${name}(4))) throw new Error();
        });`,
      );
    }
    await write(
      "lib/room/door.ts",
      'export * from "./inner/half.ts";export * from "./inner/twice.ts";',
    );
    const outcomes: string[] = [];
    await mutate({ root, files: ["lib/room/inner"] }, ({ file, original }, outcome) => {
      outcomes.push(`${file}: ${original}: ${outcome}`);
    });
    assertEquals(outcomes.sort(), [
      "lib/room/inner/half.ts: 2: killed",
      "lib/room/inner/half.ts: return value / 2;: killed",
      "lib/room/inner/twice.ts: 2: killed",
      "lib/room/inner/twice.ts: return 2 * value;: killed",
    ]);
    const runs = (await Deno.readTextFile(`${root}/runs`)).trim().split(" ");
    assertEquals(runs.sort(), [...Array(3).fill("half"), ...Array(3).fill("twice")]);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("the tests of the folder run first, and those of the room for what survives them", async () => {
  const root = await writeTree();
  const write = (path: string, text: string) => Deno.writeTextFile(`${root}/${path}`, text);
  try {
    for (const folder of ["lib", "tests"]) await Deno.mkdir(`${root}/${folder}/room/inner`);
    await write(
      "lib/room/inner/sign.ts",
      "export const isPositive = (value: number) => value > 0;\n",
    );
    await write("lib/room/door.ts", 'export * from "./inner/sign.ts";');
    const tests = { "inner/near": [[5, true], [-5, false]], "far": [[0, false], [1, true]] };
    for (const [name, cases] of Object.entries(tests)) {
      await write(
        `tests/room/${name}_test.ts`,
        `import { isPositive } from "${name === "far" ? "../.." : "../../.."}/lib/room/door.ts";
        Deno.test("${name}", () => {
          Deno.writeTextFileSync("${root}/runs", "${name} ", { append: true });
          for (const [value, expected] of ${JSON.stringify(cases)}) {
            if (isPositive(value) !== expected) throw new Error();
          }
        });`,
      );
    }
    const outcomes: string[] = [];
    await mutate({ root, files: ["lib/room/inner"] }, ({ replacement }, outcome) => {
      outcomes.push(`${replacement}: ${outcome}`);
    });
    assertEquals(outcomes.sort(), ["1: killed", "<=: killed", ">=: killed"]);
    const runs = (await Deno.readTextFile(`${root}/runs`)).trim().split(" ");
    assertEquals(runs.sort(), [...Array(3).fill("far"), ...Array(4).fill("inner/near")]);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
