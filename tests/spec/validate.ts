import { Ajv2020 } from "ajv/dist/2020.js";
import { KNOWN_DIFFERENCES } from "./differences.ts";
import schemas from "./openai.schemas.json" with { type: "json" };

/** The server wrote something that OpenAI's document does not allow. */
export class InvalidWireError extends Error {
  override readonly name = "InvalidWireError";
}

export type SchemaName = keyof typeof schemas.$defs | "DeletedResponse";

/** OpenAI's document does not describe this object. */
const DeletedResponse = {
  type: "object",
  required: ["id", "object", "deleted"],
  properties: {
    id: { type: "string" },
    object: { const: "response" },
    deleted: { const: true },
  },
};

const ajv = new Ajv2020({
  allErrors: true,
  allowUnionTypes: true,
  strictTypes: false,
  // A test validates the schemas; each file that loads them would take 0.1 s of CPU for it.
  validateSchema: false,
  // Shorter code takes longer to make than it saves: 30 to 40 % of the time to compile a schema.
  code: { optimize: false },
});
ajv.addFormat("unixtime", {
  type: "number",
  validate: (seconds: number) => Number.isInteger(seconds) && seconds >= 0,
});
ajv.addFormat("date", /^\d{4}-\d{2}-\d{2}$/);
ajv.addFormat("uri", (text: string) => URL.canParse(text));
export const DOCUMENT = { $schema: schemas.$schema, $defs: { ...loosened(), DeletedResponse } };
ajv.addSchema(DOCUMENT, "openai");

/** The schemas of the document, loosened by the known differences. */
function loosened(): object {
  const defs = structuredClone(schemas.$defs);
  for (const { loosen } of KNOWN_DIFFERENCES) {
    if (loosen === undefined) continue;
    const path = loosen.at.split(".");
    const last = path.pop()!;
    // deno-lint-ignore no-explicit-any -- any place of any schema
    const place = path.reduce<any>((json, key) => json[key], defs);
    if (place?.[last] === undefined) throw new Error(`The document has no ${loosen.at}.`);
    place[last] = { anyOf: [place[last], loosen.also] };
  }
  return defs;
}

/** @throws {InvalidWireError} */
export function validate(name: SchemaName, json: unknown): void {
  const matches = ajv.getSchema(`openai#/$defs/${name}`)!;
  if (matches(json)) return;
  const problems = ajv.errorsText(matches.errors, { dataVar: "" });
  throw new InvalidWireError(`Invalid ${name}: ${problems}\n${JSON.stringify(json)}`);
}
