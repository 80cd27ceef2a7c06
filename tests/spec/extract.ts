/**
 * Takes the schemas of what the server writes out of OpenAI's own OpenAPI document, as JSON
 * Schema 2020-12. Run by hand when the document changes:
 *
 * `deno run --config tests/deno.json --allow-read --allow-write tests/spec/extract.ts DOCUMENT`
 *
 * @module
 */

/** A schema, or any part of one. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonObject = { [key: string]: Json };

/** What {@linkcode extract} writes. */
export interface ExtractedSchemas {
  /** The dialect of the schemas. */
  $schema: string;
  /** Where they come from. */
  source: { title: string; version: string; date: string; url: string; license: string };
  /** The schemas by their names in the document. */
  $defs: Record<string, Json>;
}

/** The schemas of what the server writes; all that they refer to comes with them. */
export const ROOTS = [
  "CreateChatCompletionResponse",
  "CreateChatCompletionStreamResponse",
  "CompletionUsage",
  "ListModelsResponse",
  "Model",
  "ErrorResponse",
  "Response",
  "ResponseStreamEvent",
  "ResponseItemList",
  "TokenCountsResource",
  "ConversationResource",
  "DeletedConversationResource",
  "ConversationItemList",
  "ConversationItem",
] as const;

/** The members of the document's unions that the server writes; the others would be most of it. */
const WRITTEN: Readonly<Record<string, readonly string[]>> = {
  OutputItem: ["OutputMessage", "FunctionToolCall", "ReasoningItem"],
  ItemResource: [
    "InputMessageResource",
    "OutputMessage",
    "FunctionToolCallResource",
    "FunctionToolCallOutputResource",
    "ReasoningItem",
  ],
  ConversationItem: [
    "Message",
    "FunctionToolCallResource",
    "FunctionToolCallOutputResource",
    "ReasoningItem",
  ],
  Tool: ["FunctionTool"],
  InputItem: [],
  Prompt: [],
  Moderation: [],
  ResponseStreamEvent: [
    "ResponseCreatedEvent",
    "ResponseQueuedEvent",
    "ResponseInProgressEvent",
    "ResponseCompletedEvent",
    "ResponseIncompleteEvent",
    "ResponseFailedEvent",
    "ResponseErrorEvent",
    "ResponseOutputItemAddedEvent",
    "ResponseOutputItemDoneEvent",
    "ResponseContentPartAddedEvent",
    "ResponseContentPartDoneEvent",
    "ResponseTextDeltaEvent",
    "ResponseTextDoneEvent",
    "ResponseRefusalDeltaEvent",
    "ResponseRefusalDoneEvent",
    "ResponseFunctionCallArgumentsDeltaEvent",
    "ResponseFunctionCallArgumentsDoneEvent",
    "ResponseReasoningSummaryPartAddedEvent",
    "ResponseReasoningSummaryPartDoneEvent",
    "ResponseReasoningSummaryTextDeltaEvent",
    "ResponseReasoningSummaryTextDoneEvent",
  ],
};

/** The document does not carry its own date. */
const DATES: Readonly<Record<string, string>> = { "2.3.0": "2026-08-21" };
const URL_OF_DOCUMENT = "https://github.com/openai/openai-openapi";
const REFERENCE = "#/components/schemas/";

/** Keywords that constrain nothing; those of OpenAI's own begin with `x-`. */
const ANNOTATIONS = new Set([
  "default",
  "deprecated",
  "description",
  "discriminator",
  "example",
  "examples",
  "externalDocs",
  "readOnly",
  "title",
  "writeOnly",
]);

/** Keywords whose keys are names, not keywords. */
const MAPS = new Set(["properties", "patternProperties", "$defs", "dependentSchemas"]);

const isObject = (json: Json | undefined): json is JsonObject =>
  typeof json === "object" && json !== null && !Array.isArray(json);

/** One schema as JSON Schema 2020-12: without annotations, with null as a type of its own. */
export function convert(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(convert);
  if (!isObject(schema)) return schema;
  const out: JsonObject = {};
  for (const [key, value] of Object.entries(schema)) {
    if (ANNOTATIONS.has(key) || key.startsWith("x-") || key === "nullable") continue;
    if (MAPS.has(key) && isObject(value)) {
      out[key] = Object.fromEntries(
        Object.entries(value).map(([name, each]) => [name, convert(each)]),
      );
    } else if (key === "$ref") {
      out[key] = String(value).replace(REFERENCE, "#/$defs/");
    } else {
      out[key] = convert(value);
    }
  }
  return schema.nullable === true ? { anyOf: [out, { type: "null" }] } : out;
}

/** A schema without what the server never writes. */
function written(name: string, schema: Json): Json {
  const members = WRITTEN[name];
  if (members === undefined) return schema;
  if (members.length === 0) return false;
  const union = ["oneOf", "anyOf"].find((key) => isObject(schema) && key in schema);
  const known = isObject(schema) && union ? schema[union] : undefined;
  const kept = members.map((member) => ({ $ref: REFERENCE + member }));
  const isMember = ({ $ref }: JsonObject) =>
    Array.isArray(known) && known.some((each) => isObject(each) && each.$ref === $ref);
  if (!kept.every(isMember)) throw new Error(`'${name}' is not the union that it was.`);
  return { [union!]: kept };
}

/** Every name that a schema refers to. */
function references(schema: Json): string[] {
  if (Array.isArray(schema)) return schema.flatMap(references);
  if (!isObject(schema)) return [];
  const own = typeof schema.$ref === "string" ? [schema.$ref.split("/").at(-1)!] : [];
  return [...own, ...Object.values(schema).flatMap(references)];
}

/** Takes {@linkcode ROOTS} out of a document, with all that they refer to. */
export function extract(document: JsonObject): ExtractedSchemas {
  const info = document.info as { title: string; version: string; license: { name: string } };
  const schemas = (document.components as JsonObject).schemas as JsonObject;
  const date = DATES[info.version];
  if (date === undefined) throw new Error(`Say in DATES when version ${info.version} came out.`);
  const found = new Map<string, Json>();
  const open: string[] = [...ROOTS];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name)) continue;
    const schema = schemas[name];
    if (schema === undefined) throw new Error(`The document has no schema '${name}'.`);
    const own = written(name, schema);
    found.set(name, convert(own));
    open.push(...references(own));
  }
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    source: {
      title: info.title,
      version: info.version,
      date,
      url: URL_OF_DOCUMENT,
      license: info.license.name,
    },
    $defs: Object.fromEntries([...found].sort(([a], [b]) => a < b ? -1 : 1)),
  };
}

if (import.meta.main) {
  const [path] = Deno.args;
  if (path === undefined) throw new Error("Which document? Give its path.");
  const extracted = extract(JSON.parse(await Deno.readTextFile(path)));
  await Deno.writeTextFile(
    new URL("openai.schemas.json", import.meta.url),
    JSON.stringify(extracted, null, 2) + "\n",
  );
}
