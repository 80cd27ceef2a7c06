import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { resolveConfig } from "../../lib/config/resolve.ts";
import { strategyTable } from "../../lib/config/strategy_files.ts";
import { strategies } from "../../lib/reasoning/strategies/mod.ts";
import { faultsOf, parse } from "./parse.ts";

/** A strategy file with other parts of the strategy, and other lines before it. */
const fileWith = (parts: Record<string, string> = {}, before = "export const version = 1;\n") => {
  const all = {
    summary: '"Echoes."',
    label: '{ calls: "1", latency: "1 call" }',
    options: "z.object({})",
    prompts: "{}",
    roles: '["answer"]',
    run: "async function* () {}",
    ...parts,
  };
  const text = Object.entries(all).map(([name, value]) => `${name}: ${value}`).join(",\n  ");
  return `${before}export default ({ z }) => ({\n  ${text},\n});\n`;
};

const yaml = 'api_bearer_token: "t"\nstrategies:\n  mine: ./mine.ts\n';

const faultsIn = (text: string, name = "mine.ts") =>
  faultsOf(yaml.replace("mine.ts", name), { files: { [`/etc/o1/${name}`]: text } });

Deno.test("a strategy from a file is added to the table, and a model can use it with its options", async () => {
  const options = 'z.object({ rounds: z.number().min(1).max(3).default(2).describe("Rounds.") })';
  const files = {
    "/etc/o1/mine.ts": fileWith({
      options,
      publishedAs: '"o1-mine"',
      prompts: '{ say: "Say {x}" }',
    }),
  };
  const config = await parse(
    `${yaml}models:\n  m: { strategy: mine, prompts: { say: Hi }, roles: { answer: { model: x } } }\n` +
      "routing: { pro: mine, effort: { low: mine } }\n",
    { files },
  );
  const table = await strategyTable(config.strategies);
  assertEquals(Object.keys(table), [...Object.keys(strategies), "mine"]);
  const resolved = resolveConfig(config, { env: () => undefined, strategies: table });
  assertEquals(resolved.models[0]?.reasoning.options, { rounds: 2 });
  const published = resolveConfig(await parse(yaml, { files }), {
    env: () => undefined,
    strategies: table,
  });
  assert(published.models.some(({ reasoning: { id } }) => id === "o1-mine"));
  assertEquals(
    await faultsOf(
      `${yaml}models:\n  m:\n    strategy: mine\n    options: { rounds: 9, x: 1 }\n    prompts: { sayy: x }\n`,
      { files },
    ),
    [
      "7: models.m.options.rounds: expected a number from 1 to 3, got 9",
      "7: models.m.options.x: unknown key; valid names: rounds",
      "8: models.m.prompts.sayy: unknown key; did you mean 'say'?",
    ],
  );
});

const SYNTAX: [name: string, text: string, expected: string][] = [
  ["a syntax error", "export const version = 1;\nconst a: number = ;\n", ":2:19: SyntaxError"],
  ["a name that is declared twice", "let a = 1;\n\nlet a = 2;\n", ":3:5: SyntaxError"],
  ["an error while it loads", "\n\n  null.x;\n", ":3:8: TypeError: Cannot read properties"],
  ["an enum", "\nenum A { B }\n", ":2:1: SyntaxError: TypeScript enum is not supported"],
  ["an import of another file", '\nimport "./other.ts";\n', ":2:8: it can't import other files"],
  [
    "an error in the function",
    "export const version = 1;\nexport default () => {\n  throw new Error('no');\n};\n",
    ":3:9: Error: no",
  ],
];

for (const [name, text, expected] of SYNTAX) {
  Deno.test(`a strategy file with ${name} is refused with its line`, async () => {
    const [fault, ...others] = await faultsIn(text);
    assertStringIncludes(fault!, `3: strategies.mine: ./mine.ts${expected}`);
    assertEquals(others, []);
  });
}

const CONTRACT: [name: string, text: string, expected: string[]][] = [
  ["without a version and a default export", "export const x = 1;\n", [
    "must contain 'export const version = 1;'",
    "must export by default a function that returns the strategy",
  ]],
  ["of another version", fileWith({}, "export const version = 2;\n"), [
    "is written for another version of o1-api; this one loads version 1",
  ]],
  [
    "whose default export is async",
    "export const version = 1;\nexport default async () => ({});\n",
    ["the default export must not be an async function"],
  ],
  [
    "whose default export returns nothing",
    "export const version = 1;\nexport default () => {};\n",
    ["the default export must return what `defineStrategy` returns"],
  ],
  ["with several faults", fileWith({ summary: '""', roles: "[]", run: "1", pormpts: "1" }), [
    "summary: Too small",
    "roles: Too small",
    "run: must be an async generator function",
    'Unrecognized key: "pormpts"',
  ]],
  ["whose run is not a generator", fileWith({ run: "async () => {}" }), [
    "run: must be an async generator function",
  ]],
  ["whose run is not an async generator", fileWith({ run: "function* () {}" }), [
    "run: must be an async generator function",
  ]],
  [
    "whose options wait",
    fileWith({
      options: "z.object({ a: z.number().default(1).refine(async () => true) })",
    }),
    ["options: must check values without `await` and without throwing"],
  ],
  ["with another plain role than its roles", fileWith({ plainRole: '"writer"' }), [
    "plainRole: must be one of the roles",
  ]],
  ["without the role that answers by default", fileWith({ roles: '["sample"]' }), [
    "plainRole: must be one of the roles",
  ]],
  ["without a schema of options", fileWith({ options: "{}" }), [
    "options: must be a schema",
  ]],
  [
    "with an option that all strategies have",
    fileWith({ options: "z.object({ re2: z.string() })" }),
    [
      "options: must not contain 're2'",
    ],
  ],
  ["with the id of a built-in strategy", fileWith({ publishedAs: '"o1"' }), [
    "publishedAs: 'o1' is the id of a built-in strategy",
  ]],
  ["with an unknown sample option", fileWith({ sampleOptions: '["n"]' }), [
    "sampleOptions: there is no option 'n'",
  ]],
];

for (const [name, text, expected] of CONTRACT) {
  Deno.test(`a strategy file ${name} is refused`, async () => {
    const faults = await faultsIn(text);
    assertEquals(faults.length, expected.length, faults.join("\n"));
    for (const part of expected) {
      assert(
        faults.some((fault) => fault.startsWith("3: strategies.mine: ") && fault.includes(part)),
        part,
      );
    }
  });
}

Deno.test("JavaScript needs no types, and other files are refused", async () => {
  assertEquals(await faultsIn(fileWith(), "mine.js"), []);
  assertEquals(await faultsIn("x", "mine.yaml"), [
    "3: strategies.mine: ./mine.yaml: expected a file that ends in .ts or .js",
  ]);
});

Deno.test("all faults of strategies and models are reported at once", async () => {
  const text = `strategies:
  vote: ./mine.ts
  vote_or_moa: ./mine.ts
  missing: ./missing.ts
  Big: ./mine.ts
models:
  a: { strategy: missing, options: { x: 1 } }
  b: { strategy: mien }
routing:
  pro: nothing
  effort: { low: auto }
`;
  const faults = await faultsOf(text, { files: { "/etc/o1/mine.ts": fileWith() } });
  assertEquals(faults.map((fault) => fault.split(";")[0]), [
    "2: strategies.vote: is the name of a built-in strategy",
    "3: strategies.vote_or_moa: is the name of a built-in strategy",
    "4: strategies.missing: ./missing.ts: can't be read (no such file)",
    "5: strategies.Big: a strategy's name has lower-case letters, digits, - and _, and begins with a letter",
    "8: models.b.strategy: unknown strategy",
    "10: routing.pro: unknown strategy",
    "11: routing.effort.low: unknown strategy",
  ]);
});

Deno.test("strategy files are refused on Deno Deploy, with the reason", async () => {
  const world = { env: { DENO_DEPLOY: "true" }, files: { "/etc/o1/mine.ts": fileWith() } };
  const [fault] = await faultsOf(yaml, world);
  assertStringIncludes(fault!, "3: strategies.mine: can't be used on Deno Deploy, which runs only");
});
