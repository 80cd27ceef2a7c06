/**
 * Recorded behaviour of real providers.
 *
 * A fixture is a file `tests/fixtures/providers/NAME.json` with the fields of {@linkcode Fixture}.
 * `fixtures_test.ts` reads all of them: it sends the fixture's request to every strategy, in every
 * dialect, with and without a stream, twice each. To add one, write the file; no code changes.
 *
 * 1. `provider` says who behaves like this, and `report` is the address of the public report.
 *    `about` says in one sentence what happens. Copy no wording from the report: shorten an error
 *    message to the words that matter.
 * 2. `request` is what the client sends, as fields of a Chat Completions request. The suite
 *    translates it for the other dialects. Default: a question to which the answer is 42.
 * 3. `replies` lists what the provider does. The first entry whose `when` and `unless`, which are
 *    JSON Schemas of the upstream request's body, allow it answers. A refusal is
 *    `{ "status": 400, "json": { … } }`. An answer is `json` for a whole completion and `sse` for
 *    the name of a file beside the fixture, such as `NAME.sse`, for a stream. An entry with both
 *    uses the one that was requested; an entry with one uses it always. In both, `{{text}}` stands
 *    for the text that a good model writes as its answer to the call, `{{first}}` and `{{rest}}`
 *    for its two halves. `{{thought}}` stands for a sentence of thinking.
 * 4. A call that no entry allows is answered by a good model that does what each prompt asks for.
 * 5. Without further fields, the suite expects an answer that contains `42` and no tags, and that
 *    the provider refuses nothing of the second request. Other expectations are named below.
 *
 * A refusal of more than one system message, for example:
 *
 * ```json
 * {
 *   "provider": "llama.cpp with Qwen 3.5",
 *   "report": "https://github.com/ggml-org/llama.cpp/issues/20733",
 *   "about": "The template takes a system message at the start only.",
 *   "request": {
 *     "messages": [
 *       { "role": "system", "content": "Be brief." },
 *       { "role": "user", "content": "What is 6 * 7?" }
 *     ]
 *   },
 *   "replies": [{
 *     "when": { "$ref": "bodies#/$defs/laterSystem" },
 *     "status": 500,
 *     "json": { "error": { "message": "Jinja Exception: System message must be at the beginning." } }
 *   }]
 * }
 * ```
 *
 * @module
 */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import bodies from "./bodies.schema.json" with { type: "json" };

export const STRATEGIES = ["direct", "think", "steps", "vote", "moa", "verify", "rsa"] as const;
export const DIALECTS = ["chat", "responses", "messages"] as const;
export const MODES = ["stream", "json"] as const;

export type Strategy = typeof STRATEGIES[number];
export type Dialect = typeof DIALECTS[number];
export type Mode = typeof MODES[number];

type Schema = Record<string, unknown>;

export interface ProviderReply {
  /** Schema that the upstream request's body must match. Default: any body. */
  when?: Schema;
  /** Schema that the body must not match. */
  unless?: Schema;
  /** Default: 200. */
  status?: number;
  headers?: Record<string, string>;
  /** A body in JSON. */
  json?: unknown;
  /** Name of a file with a stream. */
  sse?: string;
}

export interface Fixture {
  provider: string;
  /** Address of a public report. */
  report: string;
  about: string;
  /** Fields of the client's request. */
  request?: Record<string, unknown>;
  /** Settings of the upstream that differ from the defaults. */
  upstream?: Record<string, unknown>;
  /** Settings of the model that differ from the defaults. */
  model?: Record<string, unknown>;
  /** Name of the upstream model, which the server may know; each cell adds its own name. */
  modelName?: string;
  replies: ProviderReply[];
  /** Whether the good model gives each call another answer, so that strategies judge and verify. */
  differ?: boolean;
  /** Whether the server learns from the first answer, so that only the second one is right. */
  teaches?: boolean;
  /** Whether nothing is sent that the provider refuses: no refusal may be used. */
  avoided?: boolean;
  /** The client's answer, exactly. Default: any that contains 42; a number if answers differ. */
  answer?: string;
  /** Text that must occur in the thinking that the client sees. */
  thinking?: string;
  /** Expects an error with this status and this text in its message, after one round of calls. */
  fails?: { status: number; message: string };
  /** Whether later requests may be refused too, because the cause is not the form of a request. */
  refusesAgain?: boolean;
  /** Tool calls of the answer: their names and their parsed arguments. */
  calls?: { name: string; arguments: unknown }[];
  /**
   * After tool calls, sends their results with the history as the client kept it: with all fields
   * of the answer, or with the standard fields only. Both are tested.
   */
  toolLoop?: boolean;
  /** After tool calls, also sends their results, with all fields, to a server that has restarted. */
  survivesRestart?: boolean;
  /** Schema that the body of each request's last upstream call must match. */
  lastCall?: Schema;
  /** Schema that the bodies of all accepted upstream calls must match. */
  everyCall?: Schema;
  /** Schema that the whole response must match, by dialect, if it is not a stream. */
  response?: Partial<Record<Dialect, Schema>>;
  /** Strategies, dialects and modes to which it applies. Default: all. */
  only?: { strategies?: Strategy[]; dialects?: Dialect[]; modes?: Mode[] };
}

export interface NamedFixture extends Fixture {
  name: string;
}

const FOLDER = new URL("../fixtures/providers/", import.meta.url);

/** Reads all fixtures, in the order of their names. */
export function readFixtures(): NamedFixture[] {
  return [...Deno.readDirSync(FOLDER)]
    .filter(({ name }) => name.endsWith(".json"))
    .map(({ name }) => ({ ...JSON.parse(readFile(name)), name: name.slice(0, -".json".length) }))
    .sort((a, b) => a.name < b.name ? -1 : 1);
}

export function readFile(name: string): string {
  return Deno.readTextFileSync(new URL(name, FOLDER));
}

const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addSchema(bodies, "bodies");
// After the system messages, the user and the assistant take turns; results of tools belong to the assistant.
ajv.addKeyword({
  keyword: "takesTurns",
  type: "array",
  validate: (expected: boolean, messages: { role: string }[]) =>
    expected === /^s*u(a(t+a)?u)*(at+)?$/.test(
      messages.map(({ role }) => role === "developer" ? "s" : role[0]).join(""),
    ),
});
const compiled = new WeakMap<Schema, ValidateFunction>();

/** Returns what is wrong with a value; undefined if it matches the schema. */
export function problemOf(schema: Schema, value: unknown): string | undefined {
  const validate = compiled.get(schema) ?? ajv.compile(schema);
  compiled.set(schema, validate);
  return validate(value) ? undefined : ajv.errorsText(validate.errors, { dataVar: "" });
}
