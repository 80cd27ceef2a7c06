import { assert, assertEquals } from "@std/assert";
import { existsSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { skippedFor } from "../support/skip.ts";
import { KNOWN_DIFFERENCES } from "./differences.ts";
import { extract } from "./extract.ts";
import { extractRequests } from "./requests.ts";
import { createStreamChecker } from "./stream_checker.ts";
import { type SchemaName, validate } from "./validate.ts";

const DOCUMENT = new URL("../../../shared/spec/openai-openapi.json", import.meta.url);
const SCHEMAS = new URL("openai.schemas.json", import.meta.url);
const REQUESTS = new URL("openai.requests.json", import.meta.url);

const skipReason = existsSync(DOCUMENT) ? undefined : "OpenAI's document is not on this machine";

Deno.test(
  skippedFor(skipReason, "the schemas and requests are extracted from OpenAI's document"),
  () => {
    const document = Deno.readTextFileSync(DOCUMENT);
    assertEquals(
      JSON.stringify(extract(JSON.parse(document))),
      JSON.stringify(JSON.parse(Deno.readTextFileSync(SCHEMAS))),
    );
    assertEquals(
      JSON.stringify(extractRequests(JSON.parse(document))),
      Deno.readTextFileSync(REQUESTS).trim(),
    );
  },
);

Deno.test(skippedFor(skipReason, "the unchanged document rejects each known difference"), () => {
  const document = Deno.readTextFileSync(DOCUMENT);
  // ajv supports `nullable`, but JSON Schema and OpenAPI 3.1 do not.
  const { components } = JSON.parse(
    document,
    (key, value) => key === "nullable" && value === true ? undefined : value,
  );
  const ajv = new Ajv2020({ strict: false, validateFormats: false, logger: false });
  ajv.addSchema({ components }, "document");
  for (const { where, sample } of KNOWN_DIFFERENCES) {
    if (sample === undefined) continue;
    const ref = `document#/components/schemas/${sample.schema}`;
    assert(!ajv.validate({ $ref: ref }, sample.json), where);
  }
});

Deno.test("the stream checker accepts the known differences of a chunk", () => {
  const head = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "o1" };
  const first = {
    ...head,
    choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }],
  };
  for (const { sample } of KNOWN_DIFFERENCES) {
    if (sample?.schema !== "CreateChatCompletionStreamResponse") continue;
    const checker = createStreamChecker();
    checker.push(`: keepalive\n\ndata: ${JSON.stringify(first)}\n\n`);
    const json = "error" in (sample.json as object)
      ? sample.json
      : { ...(sample.json as object), ...head };
    checker.push(`data: ${JSON.stringify(json)}\n\n`);
  }
});

Deno.test("the validator accepts the known differences of responses and lists", () => {
  for (const { sample } of KNOWN_DIFFERENCES) {
    if (sample?.schema.startsWith("Response")) validate(sample.schema as SchemaName, sample.json);
  }
});
