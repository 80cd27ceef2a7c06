/**
 * Sends requests that Schemathesis generates from OpenAI's document to the server with its demo
 * model: `tests/spec/openapi.sh [--seed 1] [--examples 100] [-- Schemathesis' own options]`. Every
 * response is validated; an invalid one becomes a 500, which Schemathesis reports.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { z } from "zod";
import { type Clock, systemClock } from "../../lib/clock.ts";
import { createTestApp, TOKEN } from "../support/app.ts";
import type { Json } from "./extract.ts";

/** How much faster than in real time the demo model writes. */
const SPEED = 100;

/** Number of stored responses, and of conversations, whose ids requests contain half of the time. */
const STORED_IDS = 20;

/** The client's own items are stored as they are, whatever is wrong with them. */
const ECHO =
  /^InvalidWireError: Invalid (ConversationItem|ConversationItemList|ResponseItemList):.*\n/;

const item = z.looseObject({ id: z.string(), type: z.string() });

/** What is never wrong with them. */
const echo = z.union([
  item,
  z.looseObject({
    object: z.literal("list"),
    data: z.array(item),
    first_id: z.string().nullable(),
    last_id: z.string().nullable(),
    has_more: z.boolean(),
  }),
]);

/** Schemas of tools and formats. */
const NAMED = [
  "ChatCompletionFunctions",
  "CustomToolParam",
  "FunctionObject",
  "FunctionTool",
  "NamespaceToolParam",
  "TextResponseFormatJsonSchema",
];

const fastClock: Clock = {
  ...systemClock,
  now: () => systemClock.now() * SPEED,
  timer: (ms, callback) => systemClock.timer(ms / SPEED, callback),
};

const separator = Deno.args.indexOf("--");
const [own, others] = separator < 0
  ? [Deno.args, []]
  : [Deno.args.slice(0, separator), Deno.args.slice(separator + 1)];
const { seed = String(Date.now() % 1_000_000), examples = "100" } = parseArgs(own, {
  string: ["seed", "examples"],
});
console.log(`seed ${seed}`);

await using directory = await temporaryDirectory();
const app = await createTestApp({
  upstream: "demo:",
  clock: fastClock,
  yaml: `
default_api_url: "demo:"
default_model: demo
models:
  o1: { strategy: steps }
`,
});
// The validator also prints what it throws, and Schemathesis prints the body of a 500.
console.error = () => {};
let requests = 0;
const statuses: Record<number, number> = {};
const server = Deno.serve(
  { port: 0, hostname: "127.0.0.1", onListen() {} },
  async (request) => {
    requests++;
    try {
      const response = await app.handle(request);
      const { status, headers } = response;
      statuses[status] = (statuses[status] ?? 0) + 1;
      // Some statuses may not have a body, not even an empty one.
      return new Response(await response.text() || null, { status, headers });
    } catch (error) {
      if (isEcho(String(error))) return new Response("{}");
      statuses[500] = (statuses[500] ?? 0) + 1;
      return new Response(String(error), { status: 500 });
    }
  },
);

const path = `${directory.path}/openai.json`;
await Deno.writeTextFile(path, JSON.stringify(await narrowedDocument()));
const { code } = await new Deno.Command(`${Deno.cwd()}/dist/schemathesis/bin/schemathesis`, {
  // It keeps a folder of its own where it runs.
  cwd: directory.path,
  args: [
    "run",
    path,
    `--url=http://127.0.0.1:${server.addr.port}/v1`,
    `--header=Authorization: Bearer ${TOKEN}`,
    "--checks=not_a_server_error",
    "--phases=coverage,fuzzing",
    "--suppress-health-check=all",
    "--generation-database=none",
    "--generation-allow-x00=false",
    "--continue-on-failure",
    "--request-timeout=60",
    "--no-color",
    `--seed=${seed}`,
    `--max-examples=${examples}`,
    ...others,
  ],
}).spawn().status;
console.log({ requests, statuses });
await server.shutdown();
Deno.exit(code);

function isEcho(error: string): boolean {
  return ECHO.test(error) && echo.safeParse(JSON.parse(error.replace(ECHO, ""))).success;
}

async function temporaryDirectory() {
  const path = await Deno.makeTempDir();
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/**
 * The document, with the model of this server, with ids of what is stored, and with the restrictions
 * of OpenAI's API that the document lacks, without which most requests would be rejected for them.
 */
async function narrowedDocument(): Promise<unknown> {
  const document = JSON.parse(
    await Deno.readTextFile(new URL("openai.requests.json", import.meta.url)),
  );
  const model = { type: "string", enum: ["o1"] };
  const { schemas } = document.components;
  for (const name of ["ModelIdsShared", "ModelIdsResponses", "ModelIdsCompaction"]) {
    schemas[name] = model;
  }
  schemas.TokenCountsBody.properties.model = model;
  schemas.ContextManagementParam.properties.type = { enum: ["compaction"] };
  const name = { type: "string", pattern: "^[a-zA-Z0-9_-]{1,64}$" };
  for (const { properties } of NAMED.map((name) => schemas[name])) properties.name = name;
  const result = schemas.FunctionCallOutputItemParam;
  result.required.push("call_id");
  result.properties.call_id = { type: "string", minLength: 1, maxLength: 64 };
  // Rejected, and in most of the requests that are generated.
  delete schemas.ResponseProperties.properties.prompt;
  schemas.ToolChoiceAllowed.properties.tools.items.required = ["type"];
  // Without it a request needs an earlier one.
  const input = schemas.TokenCountsBody.properties.input.anyOf[0];
  input.oneOf[0].minLength = 1;
  schemas.InputParam = input;
  for (const name of ["TokenCountsBody", "CompactResponseMethodPublicBody"]) {
    schemas[name].properties.input = input;
    schemas[name].required.push("input");
  }
  schemas.CreateResponse.allOf.at(-1).required = ["input"];
  const ids: Record<string, Json> = {
    model,
    response_id: await storedIds(() => app.respond({ background: true })),
    conversation_id: await storedIds(() => app.send("/v1/conversations", {})),
  };
  for (const methods of Object.values<Record<string, Operation>>(document.paths)) {
    for (const { parameters } of Object.values(methods)) {
      for (const parameter of parameters) {
        parameter.schema = ids[parameter.name] ?? parameter.schema;
      }
    }
  }
  return document;
}

interface Operation {
  parameters: { name: string; schema: Json }[];
}

async function storedIds(create: () => Promise<Response>): Promise<Json> {
  const ids: string[] = [];
  for (let i = 0; i < STORED_IDS; i++) ids.push((await (await create()).json()).id);
  return { anyOf: [{ type: "string", enum: ids }, { type: "string" }] };
}
