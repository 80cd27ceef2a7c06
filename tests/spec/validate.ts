import { dereference, type Schema, validate as interpret } from "@cfworker/json-schema";
import { KNOWN_DIFFERENCES } from "./differences.ts";
import schemas from "./openai.schemas.json" with { type: "json" };

/** The server wrote something that OpenAI's document does not allow. */
export class InvalidWireError extends Error {
  override readonly name = "InvalidWireError";
}

export type SchemaName = keyof typeof schemas.$defs | "DeletedResponse";

/** OpenAI's document does not describe this object. */
const DeletedResponse: Schema = {
  type: "object",
  required: ["id", "object", "deleted"],
  properties: {
    id: { type: "string" },
    object: { const: "response" },
    deleted: { const: true },
  },
};

export const DOCUMENT = {
  $schema: schemas.$schema,
  $defs: { ...loosened(), DeletedResponse },
};

/**
 * All schemas by their URI. They are interpreted, because to compile those of one API takes 0.1 to
 * 0.2 s of CPU in each file of tests.
 */
const lookup = dereference(DOCUMENT);

const EVENTS = new Map(
  DOCUMENT.$defs.ResponseStreamEvent.anyOf!.map(({ $ref }: Schema): [string, Schema] => {
    const event = DOCUMENT.$defs[$ref!.replace("#/$defs/", "") as SchemaName];
    return [(event.properties!.type as Schema).enum![0], event];
  }),
);

/** The schemas of the document, loosened by the known differences. */
function loosened(): Record<keyof typeof schemas.$defs, Schema> {
  // Not a format of JSON Schema.
  const withoutUnixTime = (_: string, value: Schema | null) =>
    value?.format === "unixtime" ? { type: "integer", minimum: 0 } : value;
  const defs = JSON.parse(JSON.stringify(schemas.$defs), withoutUnixTime);
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
  // To try all events takes 0.3 ms.
  const event = name === "ResponseStreamEvent"
    ? EVENTS.get((json as { type?: string }).type!)
    : undefined;
  const { valid, errors } = interpret(json, event ?? DOCUMENT.$defs[name], "2020-12", lookup);
  if (valid) return;
  const problems = errors.map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`);
  throw new InvalidWireError(`Invalid ${name}: ${problems.join(" ")}\n${JSON.stringify(json)}`);
}
