import fc from "fast-check";
import { ConfigError } from "../../lib/config/faults/fault.ts";
import { resolveConfig } from "../../lib/config/resolve.ts";
import { parse } from "./parse.ts";

/** Returns true for a configuration or a ConfigError with faults; throws any other error. */
async function isHandled(text: string): Promise<boolean> {
  try {
    resolveConfig(await parse(text, { env: { A: "1", B: "x: [" } }), {
      env: () => undefined,
    });
    return true;
  } catch (error) {
    if (error instanceof ConfigError && error.faults.length > 0) return true;
    throw error;
  }
}

const KEYS = (
  "api_bearer_token default_api_url default_model server port host cors_origins upstreams a b " +
  "base_url api_key headers models o1 strategy upstream model options max_steps min_steps roles " +
  "prompts step file format formats answer total log level __proto__ constructor <<"
).split(" ");

const SCALARS = (
  "1 -1 1e999 .nan 0x1F ~ true steps direct demo: https://h https://h:6000 '{content}' ${A} " +
  '"${B}" ${C} ${C:-2} ${ *a &a !!str !!binary | > " [ { # --- ? a'
).split(" ");

const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(...SCALARS),
    fc.array(tie("any"), { maxLength: 3 }).map((items) => `[${items.join(", ")}]`),
    fc.array(fc.tuple(fc.constantFrom(...KEYS), tie("any")), { maxLength: 5 })
      .map((pairs) => `{ ${pairs.map(([key, item]) => `${key}: ${item}`).join(", ")} }`),
  ),
})).any;

const likely = fc.array(fc.tuple(fc.constantFrom(...KEYS), value), {
  maxLength: 6,
})
  .map((pairs) => pairs.map(([key, item]) => `${key}: ${item}`).join("\n"));

const indented = fc.array(
  fc.tuple(
    fc.integer({ min: 0, max: 3 }),
    fc.constantFrom(...KEYS),
    fc.constantFrom(...SCALARS, ""),
  ),
  { maxLength: 12 },
).map((lines) =>
  lines.map(([depth, key, item]) => `${"  ".repeat(depth)}${key}: ${item}`)
    .join("\n")
);

for (
  const [what, texts] of [
    ["any text", fc.string({ unit: "binary", maxLength: 200 })],
    [
      "any text of YAML's special characters",
      fc.string({
        unit: fc.constantFrom(
          ..."ab:- \n\t{}[],&*!|>'\"%@`#?~$\\\r\u0000\ufeff\u2028",
        ),
        maxLength: 60,
      }),
    ],
    ["settings in braces", likely],
    ["settings in lines", indented],
  ] as const
) {
  Deno.test(`${what} is read as a configuration or throws a ConfigError`, async () => {
    await fc.assert(fc.asyncProperty(texts, isHandled), { numRuns: 500 });
  });
}
