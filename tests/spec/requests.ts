/**
 * Extracts the requests that the server implements from OpenAI's OpenAPI document, as a small
 * document of their own. `update.ts` writes it.
 *
 * @module
 */
import { convert, type Json, type JsonObject, REFERENCE, references } from "./extract.ts";

const IMPLEMENTED: Readonly<Record<string, readonly string[]>> = {
  "/chat/completions": ["post"],
  "/models": ["get"],
  "/models/{model}": ["get"],
  "/responses": ["post"],
  "/responses/compact": ["post"],
  "/responses/input_tokens": ["post"],
  "/responses/{response_id}": ["get", "delete"],
  "/responses/{response_id}/cancel": ["post"],
  "/responses/{response_id}/input_items": ["get"],
  "/conversations": ["post"],
  "/conversations/{conversation_id}": ["get", "post", "delete"],
  "/conversations/{conversation_id}/items": ["get", "post"],
  "/conversations/{conversation_id}/items/{item_id}": ["get", "delete"],
};

interface Operation {
  parameters?: { name: string; in: string; schema: Json }[];
  requestBody?: { content: { "application/json": { schema: Json } } };
}

export function extractRequests(document: JsonObject): JsonObject {
  const { schemas } = document.components as { schemas: JsonObject };
  const described = document.paths as unknown as Record<string, Record<string, Operation>>;
  const paths: JsonObject = {};
  for (const [path, methods] of Object.entries(IMPLEMENTED)) {
    paths[path] = Object.fromEntries(methods.map((method) => [
      method,
      requestOf(described[path]![method]!),
    ]));
  }
  const found: JsonObject = {};
  const open = references(paths);
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found[name] !== undefined) continue;
    found[name] = convert(schemas[name]!);
    open.push(...references(schemas[name]!));
  }
  const sorted = Object.entries(found).sort(([a], [b]) => a < b ? -1 : 1);
  const extracted = {
    openapi: "3.1.0",
    info: { title: "OpenAI API", version: (document.info as JsonObject).version! },
    paths,
    components: { schemas: Object.fromEntries(sorted) },
  };
  return JSON.parse(JSON.stringify(extracted).replaceAll('"#/$defs/', `"${REFERENCE}`));
}

function requestOf({ parameters = [], requestBody }: Operation): JsonObject {
  return {
    parameters: parameters.map(({ name, in: place, schema }) => ({
      name,
      in: place,
      required: place === "path",
      schema: convert(schema),
    })),
    ...(requestBody && {
      requestBody: {
        content: {
          "application/json": { schema: convert(requestBody.content["application/json"].schema) },
        },
      },
    }),
    // `checkResponse` validates the responses.
    responses: { default: { description: "Any" } },
  };
}
