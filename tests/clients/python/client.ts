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

/** Runs behaviours of a client in one process, because its packages take long to load. */
function startPython(client: string) {
  const decoder = new TextDecoder();
  const child = new Deno.Command("python3", {
    args: [RUN],
    clearEnv: true,
    env: {
      PATH: Deno.env.get("PATH") ?? "",
      // Packages that are not in a virtual environment.
      PYTHONPATH: Deno.env.get("PYTHONPATH") ?? "",
      PYTHONDONTWRITEBYTECODE: "1",
    },
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const input = child.stdin.getWriter();
  const output = child.stdout.getReader();
  async function readLine(): Promise<string> {
    for (let line = "";;) {
      const { value } = await output.read();
      if (value === undefined) throw new Error(`${client} ended its process`);
      // The JSON is ASCII, so that no character is split.
      line += decoder.decode(value);
      if (line.endsWith("\n")) return line;
    }
  }
  return {
    /** Returns what the client's function returns. */
    async run({ url }: Served, behaviour: string, model: string): Promise<unknown> {
      const environment = {
        OPENAI_BASE_URL: url,
        OPENAI_API_KEY: TOKEN,
        ANTHROPIC_BASE_URL: url.replace(/\/v1$/, ""),
        ANTHROPIC_API_KEY: TOKEN,
      };
      const line = JSON.stringify([client, behaviour, model, QUESTION, environment]);
      await input.write(new TextEncoder().encode(`${line}\n`));
      const { result, error } = JSON.parse(await waitFor(`${client} to end`, readLine(), 120_000));
      if (error !== undefined) throw new Error(error);
      return result;
    },
    async stop(): Promise<void> {
      await input.close();
      await output.cancel();
      await child.status;
    },
  };
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
  let python: ReturnType<typeof startPython> | undefined;
  if (missing === undefined) {
    Deno.test.beforeAll(() => void (python = startPython(file)));
    Deno.test.afterAll(() => python!.stop());
  }
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
          assertEquals(await python!.run(served, behaviour, model), expected);
          check(served);
        },
      });

    test("answers", "answer", [WORDS], { text: ANSWER });
    test("streams", "stream", [WORDS], { text: ANSWER, thinking: shows(model) });
    test("runs a tool", "tools", [ADD_CALL, WORDS], { text: ANSWER }, assertResultSent);
    test("gives a structured output", "structured", [{ content: '{"answer":4}' }], { answer: 4 });
  }
}
