/**
 * A client from PyPI: a Python file with a function for each behaviour.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { TOKEN } from "../../support/app.ts";
import { skippedFor } from "../../support/skip.ts";
import type { Reply } from "../../support/upstream.ts";
import { waitFor } from "../../support/wait.ts";
import {
  ADD_CALL,
  ANSWER,
  assertResultSent,
  type ModelId,
  MODELS,
  QUESTION,
  REASONING,
  serve,
  type Served,
  SUMMARY,
  thinking,
  WORDS,
} from "../served.ts";

const RUN = fileURLToPath(new URL("run.py", import.meta.url));

/** Returns what the client's function returns. */
async function run(
  { url }: Served,
  [client, behaviour]: readonly [client: string, behaviour: string],
  model: string,
): Promise<unknown> {
  const child = new Deno.Command("python3", {
    args: [RUN, client, behaviour, model, QUESTION],
    clearEnv: true,
    env: {
      PATH: Deno.env.get("PATH") ?? "",
      // Packages that are not in a virtual environment.
      PYTHONPATH: Deno.env.get("PYTHONPATH") ?? "",
      OPENAI_BASE_URL: url,
      OPENAI_API_KEY: TOKEN,
      ANTHROPIC_BASE_URL: url.replace(/\/v1$/, ""),
      ANTHROPIC_API_KEY: TOKEN,
      PYTHONDONTWRITEBYTECODE: "1",
    },
  });
  const { success, stdout, stderr } = await waitFor(`${client} to end`, child.output(), 120_000);
  const text = new TextDecoder();
  if (!success) throw new Error(text.decode(stderr));
  return JSON.parse(text.decode(stdout));
}

export interface Client {
  /** The name of its file. */
  file: string;
  /** The thinking that it shows in a stream. */
  shows(model: ModelId): string;
}

/** The thinking of a client that shows a summary. */
export const summary = (model: ModelId) => SUMMARY[model].join("");
/** The thinking of a client that shows all of it. */
export const reasoning = () => REASONING;

/** Registers the tests of a client. */
export function testClient({ file, shows }: Client, missing: string | undefined): void {
  for (const model of MODELS) {
    const test = (
      what: string,
      behaviour: string,
      replies: readonly Reply[],
      expected: unknown,
      check: (served: Served) => void = () => {},
    ) =>
      Deno.test({
        ...skippedFor(missing, `${file} ${what}, with ${model}`),
        async fn() {
          await using served = await serve(thinking(model, replies));
          assertEquals(await run(served, [file, behaviour], model), expected);
          check(served);
        },
      });

    test("answers", "answer", [WORDS], { text: ANSWER });
    test("streams", "stream", [WORDS], { text: ANSWER, thinking: shows(model) });
    test("runs a tool", "tools", [ADD_CALL, WORDS], { text: ANSWER }, assertResultSent);
    test("gives a structured output", "structured", [{ content: '{"answer":4}' }], { answer: 4 });
  }
}
