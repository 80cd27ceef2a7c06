/**
 * Extracts the schemas of what the server writes from OpenAI's OpenAPI document, as JSON Schema
 * 2020-12.
 *
 * @module
 */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export interface ExtractedSchemas {
  $schema: string;
  source: { title: string; version: string; date: string; url: string; license: string };
  /** The schemas by their names in the document. */
  $defs: Record<string, Json>;
}

/** The schemas of what the server writes, without those they refer to. */
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
  "CompactResource",
] as const;

/** The members of unions that the server writes. All others would be most of the document. */
const WRITTEN: Readonly<Record<string, readonly string[]>> = {
  OutputItem: [
    "OutputMessage",
    "FunctionToolCall",
    "CustomToolCall",
    "ToolSearchCall",
    "ReasoningItem",
    "CompactionBody",
    "CodeInterpreterToolCall",
    "WebSearchToolCall",
    "MCPListTools",
    "MCPToolCall",
    "MCPApprovalRequest",
  ],
  ItemResource: [
    "InputMessageResource",
    "OutputMessage",
    "FunctionToolCallResource",
    "FunctionToolCallOutputResource",
    "CustomToolCallResource",
    "CustomToolCallOutputResource",
    "ToolSearchCall",
    "ToolSearchOutput",
    "AdditionalTools",
    "WebSearchToolCall",
    "LocalShellToolCall",
    "CodeInterpreterToolCall",
    "MCPListTools",
    "MCPToolCall",
    "MCPApprovalRequest",
    "MCPApprovalResponseResource",
    "ReasoningItem",
    "CompactionBody",
  ],
  ConversationItem: [
    "Message",
    "FunctionToolCallResource",
    "FunctionToolCallOutputResource",
    "CustomToolCall",
    "CustomToolCallOutput",
    "ReasoningItem",
    "CodeInterpreterToolCall",
    "WebSearchToolCall",
    "MCPListTools",
    "MCPToolCall",
    "MCPApprovalRequest",
    "MCPApprovalResponseResource",
  ],
  Tool: [
    "FunctionTool",
    "CustomToolParam",
    "NamespaceToolParam",
    "ToolSearchToolParam",
    "WebSearchTool",
    "WebSearchPreviewTool",
    "CodeInterpreterTool",
    "MCPTool",
  ],
  ItemField: ["Message", "CompactionBody"],
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
    "ResponseOutputTextAnnotationAddedEvent",
    "ResponseRefusalDeltaEvent",
    "ResponseRefusalDoneEvent",
    "ResponseFunctionCallArgumentsDeltaEvent",
    "ResponseFunctionCallArgumentsDoneEvent",
    "ResponseCustomToolCallInputDeltaEvent",
    "ResponseCustomToolCallInputDoneEvent",
    "ResponseReasoningSummaryPartAddedEvent",
    "ResponseReasoningSummaryPartDoneEvent",
    "ResponseReasoningSummaryTextDeltaEvent",
    "ResponseReasoningSummaryTextDoneEvent",
    "ResponseCodeInterpreterCallInProgressEvent",
    "ResponseCodeInterpreterCallCodeDeltaEvent",
    "ResponseCodeInterpreterCallCodeDoneEvent",
    "ResponseCodeInterpreterCallInterpretingEvent",
    "ResponseCodeInterpreterCallCompletedEvent",
    "ResponseWebSearchCallInProgressEvent",
    "ResponseWebSearchCallSearchingEvent",
    "ResponseWebSearchCallCompletedEvent",
    "ResponseMCPListToolsInProgressEvent",
    "ResponseMCPListToolsCompletedEvent",
    "ResponseMCPListToolsFailedEvent",
    "ResponseMCPCallInProgressEvent",
    "ResponseMCPCallArgumentsDeltaEvent",
    "ResponseMCPCallArgumentsDoneEvent",
    "ResponseMCPCallCompletedEvent",
    "ResponseMCPCallFailedEvent",
  ],
};

/** The document does not carry its own date. */
const DATES: Readonly<Record<string, string>> = { "2.3.0": "2026-08-21" };
const URL_OF_DOCUMENT = "https://github.com/openai/openai-openapi";
export const REFERENCE = "#/components/schemas/";

/** Keywords without constraints. */
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

/** Keywords with maps of schemas, whose keys are not keywords. */
const MAPS = new Set(["properties", "patternProperties", "$defs", "dependentSchemas"]);

const isObject = (json: Json | undefined): json is JsonObject =>
  typeof json === "object" && json !== null && !Array.isArray(json);

/** Converts to JSON Schema 2020-12: without annotations, and with null as a type. */
export function convert(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(convert);
  if (!isObject(schema)) return schema;
  const out: JsonObject = {};
  for (const [key, value] of Object.entries(schema)) {
    if (ANNOTATIONS.has(key) || key.startsWith("x-") || key === "nullable") continue;
    if (MAPS.has(key) && isObject(value)) {
      out[key] = Object.fromEntries(
        Object.entries(value).map(([name, schema]) => [name, convert(schema)]),
      );
    } else if (key === "$ref") {
      out[key] = String(value).replace(REFERENCE, "#/$defs/");
    } else {
      out[key] = convert(value);
    }
  }
  return schema.nullable === true ? { anyOf: [out, { type: "null" }] } : out;
}

/** Drops the union members that the server never writes. */
function written(name: string, schema: Json): Json {
  const members = WRITTEN[name];
  if (members === undefined) return schema;
  if (members.length === 0) return false;
  const union = ["oneOf", "anyOf"].find((key) => isObject(schema) && key in schema);
  const present = isObject(schema) && union ? schema[union] : undefined;
  const kept = members.map((member) => ({ $ref: REFERENCE + member }));
  const isMember = ({ $ref }: JsonObject) =>
    Array.isArray(present) && present.some((other) => isObject(other) && other.$ref === $ref);
  if (!kept.every(isMember)) throw new Error(`The union '${name}' has changed.`);
  return { [union!]: kept };
}

export function references(schema: Json): string[] {
  if (Array.isArray(schema)) return schema.flatMap(references);
  if (!isObject(schema)) return [];
  const own = typeof schema.$ref === "string" ? [schema.$ref.split("/").at(-1)!] : [];
  return [...own, ...Object.values(schema).flatMap(references)];
}

/** Extracts {@linkcode ROOTS} with all schemas that they refer to. */
export function extract(document: JsonObject): ExtractedSchemas {
  const info = document.info as { title: string; version: string; license: { name: string } };
  const schemas = (document.components as JsonObject).schemas as JsonObject;
  const date = DATES[info.version];
  if (date === undefined) throw new Error(`Add the date of version ${info.version} to DATES.`);
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
