import { assertEquals } from "@std/assert";
import { defaultModelStrategies } from "../../lib/config/published_models.ts";
import { resolveConfig } from "../../lib/config/resolve.ts";
import { faultsOf, parse } from "./parse.ts";

const A = "a".repeat(64);
const B = "b".repeat(64);
const C = "c".repeat(64);

const MODELS = `
upstreams: { u: { base_url: "http://127.0.0.1:1234/v1" } }
models: { one: { model: m }, two: { model: m } }
keys:
`;
/** Number of lines before the first key. */
const FIRST_LINE = MODELS.split("\n").length - 1;

/** Keys, one per line, and their faults without the name of the file. */
const CASES: [name: string, keys: string[], faults: string[]][] = [
  ["a name and a hash are enough", [`{ name: alice, sha256: ${A} }`], []],
  [
    "every setting can be given",
    [
      `{ name: a@b.c, id: x-1, sha256: ${A}, models: [one, two], rpm: 1, tpm: 1000000000, ` +
      `parallel: 1, daily_tokens: 1, monthly_tokens: 1000000000000, ` +
      `expires: 2027-01-01T12:00:00+02:00, enabled: false }`,
    ],
    [],
  ],
  ["two keys of one name may be in use", [
    `{ name: alice, sha256: ${A} }`,
    `{ name: alice, sha256: ${B} }`,
  ], []],
  ["three keys of one name may not be in use", [
    `{ name: alice, sha256: ${A} }`,
    `{ name: alice, sha256: ${B} }`,
    `{ name: alice, sha256: ${C} }`,
  ], [
    "3: keys[2].name: 'alice' already has 2 keys in use, one to replace the other; remove one, or set its enabled to false",
  ]],
  ["a disabled key is not in use", [
    `{ name: alice, sha256: ${A}, enabled: false }`,
    `{ name: alice, sha256: ${B} }`,
    `{ name: alice, sha256: ${C} }`,
  ], []],
  ["an expired key is not in use", [
    `{ name: alice, sha256: ${A}, expires: 2020-01-01 }`,
    `{ name: alice, sha256: ${B} }`,
    `{ name: alice, sha256: ${C} }`,
  ], []],
  ["two keys must not have the same hash", [
    `{ name: alice, sha256: ${A} }`,
    `{ name: bob, sha256: ${A} }`,
  ], ["2: keys[1].sha256: is the hash of another key"]],
  ["two keys must not have the same id", [
    `{ name: alice, id: x, sha256: ${A} }`,
    `{ name: bob, id: x, sha256: ${B} }`,
  ], ["2: keys[1].id: is the id of another key"]],
  ["the names of the bearer token's client are reserved", [
    `{ name: default, id: token, sha256: ${A} }`,
  ], [
    "1: keys[0].name: is reserved for the client that sends api_bearer_token; choose another",
    "1: keys[0].id: is reserved for the client that sends api_bearer_token; choose another",
  ]],
  ["a model must exist", [`{ name: alice, sha256: ${A}, models: [one, twoo] }`], [
    "1: keys[0].models[1]: there is no model 'twoo'; did you mean 'two'?",
  ]],
  ["a list of models must not be empty", [`{ name: alice, sha256: ${A}, models: [] }`], [
    "1: keys[0].models: expected a non-empty list, got a list",
  ]],
  [
    "a hash has 64 lower-case digits, and an invalid one is not shown",
    [
      `{ name: alice, sha256: ${A.toUpperCase()} }`,
      "{ name: bob, sha256: sk-o1-secret }",
    ],
    [1, 2].map((line) =>
      `${line}: keys[${
        line - 1
      }].sha256: expected the SHA-256 of the whole key, 64 digits 0-9 a-f; ` +
      "`o1-api keys new NAME` prints it"
    ),
  ],
  ["a cost needs a price", [`{ name: alice, sha256: ${A}, daily_usd: 5 }`], [
    "1: keys[0].daily_usd: can't be kept, because an upstream has no price; set upstreams.u.price",
  ]],
  [
    "a date must be valid",
    [
      `{ name: alice, sha256: ${A}, expires: 2027-02-30 }`,
      `{ name: bob, sha256: ${B}, expires: "2027-01-01T12:00" }`,
      `{ name: carl, sha256: ${C}, expires: soon }`,
    ],
    [1, 2, 3].map((line) =>
      `${line}: keys[${line - 1}].expires: expected a date such as 2027-01-31, ` +
      "or a time such as 2027-01-31T12:00:00Z"
    ),
  ],
  ["all faults are reported at once", [
    "{ sha356: x, rpm: 0, tpm: 1.5 }",
    `{ name: "a b", sha256: ${A}, parallel: many, enabled: 1, limits: {} }`,
  ], [
    "1: keys[0].name: is missing; expected a string",
    "1: keys[0].sha256: is missing; expected a string",
    "1: keys[0].sha356: unknown key; did you mean 'sha256'?",
    "1: keys[0].rpm: expected a whole number from 1 to 1000000, got 0",
    "1: keys[0].tpm: expected a whole number from 1 to 1000000000, got 1.5",
    "2: keys[1].name: expected at most 64 letters, digits or . _ @ + -",
    "2: keys[1].parallel: expected a whole number from 1 to 1000000, got a string",
    "2: keys[1].enabled: expected true or false, got 1",
    "2: keys[1].limits: unknown key; valid names: name, id, sha256, models, tools, rpm, tpm, parallel, daily_usd, monthly_usd, daily_tokens, monthly_tokens, expires, enabled",
  ]],
];

for (const [name, keys, faults] of CASES) {
  Deno.test(`keys: ${name}`, async () => {
    const text = MODELS + keys.map((key) => `  - ${key}\n`).join("");
    const found = (await faultsOf(text)).map((fault) =>
      fault.replace(/^(\d+):/, (_, line) => `${Number(line) - FIRST_LINE}:`)
    );
    assertEquals(found.toSorted(), faults.toSorted());
  });
}

Deno.test("limits: values out of bounds, unknown keys and a cost without a price are rejected", async () => {
  assertEquals(
    await faultsOf("limits: { rpm: 1000001, monthly_usd: 0, daily_token: 5, tpm: 5 }"),
    [
      "1: limits.rpm: expected a whole number from 1 to 1000000, got 1000001",
      "1: limits.monthly_usd: expected a number greater than 0, at most 1000000, got 0",
      "1: limits.monthly_usd: can't be kept, because an upstream has no price; describe the upstream at default_api_url under 'upstreams', with its price",
      "1: limits.daily_token: unknown key; did you mean 'daily_tokens'?",
    ],
  );
});

Deno.test("cost can be limited if an upstream has a price", async () => {
  assertEquals(
    await faultsOf(`
upstreams: { u: { base_url: "http://127.0.0.1:1234/v1", price: { input: 1, output: 2 } } }
models: { m: { model: m } }
limits: { monthly_usd: 5 }
`),
    [],
  );
});

Deno.test("without configured models, a key may name the published ones and the upstream's", async () => {
  const key = (model: string) => `
default_api_url: "http://127.0.0.1:1234/v1"
default_model: "llama"
keys: [{ name: alice, sha256: ${A}, models: [${model}] }]
`;
  assertEquals(await faultsOf(key("o1, llama")), []);
  const [fault] = await faultsOf(key("gpt-4o"));
  assertEquals(
    fault,
    `4: keys[0].models[0]: there is no model 'gpt-4o'; valid names: ${
      [...defaultModelStrategies("llama").keys()].join(", ")
    }`,
  );
});

Deno.test("with a key, hasRealToken is true whatever the token is", async () => {
  const hasRealToken = async (text: string) =>
    resolveConfig(await parse(text), { env: () => undefined }).hasRealToken;
  const keys = `keys: [{ name: alice, sha256: ${A} }]`;
  assertEquals(await hasRealToken(""), false);
  assertEquals(await hasRealToken(keys), true);
  assertEquals(await hasRealToken(`api_bearer_token: your_api_bearer_token_here\n${keys}`), true);
});

Deno.test("a key's default id is the start of its hash, and a date means its start in UTC", async () => {
  const { keys } = resolveConfig(
    await parse(`
keys:
  - { name: alice, sha256: ${A}, expires: 2027-01-01 }
  - { name: bob, id: bob-1, sha256: ${B}, expires: "2027-01-01T01:00:00+01:00" }
`),
    { env: () => undefined },
  );
  const expires = Date.UTC(2027, 0, 1);
  assertEquals(keys, [
    { name: "alice", id: "aaaaaaaa", sha256: A, expires, enabled: true },
    { name: "bob", id: "bob-1", sha256: B, expires, enabled: true },
  ]);
});

const PRICED = `
upstreams:
  priced: { base_url: "http://a/v1", price: { input: 1, output: 1 } }
  free: { base_url: "http://b/v1" }
models:
  safe: { upstream: priced, model: m }
  fallback: { upstream: [priced, free], model: m }
  role: { strategy: vote, upstream: priced, model: m, roles: { judge: { upstream: free, model: m } } }
`;

for (
  const [models, faults] of [
    ["[safe]", 0],
    ["[safe, fallback]", 1],
    ["[role]", 1],
    [undefined, 1],
  ] as const
) {
  Deno.test(`a limit of cost needs the price of every upstream that the key can use: models ${models}`, async () => {
    const own = models === undefined ? "" : `, models: ${models}`;
    const key = `keys: [{ name: alice, sha256: ${A}, daily_usd: 5${own} }]`;
    assertEquals(
      await faultsOf(`${PRICED}${key}\n`),
      Array(faults).fill(
        "9: keys[0].daily_usd: can't be kept, because an upstream has no price; set upstreams.free.price",
      ),
    );
  });
}

Deno.test("a cap of cost needs the price of every upstream of its model", async () => {
  const capped = PRICED.replace("{ upstream: priced,", "{ caps: { usd: 1 }, upstream: priced,")
    .replace("{ upstream: [priced, free],", "{ caps: { usd: 1 }, upstream: [priced, free],");
  assertEquals(await faultsOf(capped), [
    "7: models.fallback.caps.usd: can't be kept, because an upstream has no price; set upstreams.free.price",
  ]);
});
