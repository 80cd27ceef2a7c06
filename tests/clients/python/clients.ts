/**
 * Clients from PyPI: one file for each, with a function for each behaviour.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { TOKEN } from "../../support/app.ts";
import { reasonWithout, skippedFor } from "../../support/skip.ts";
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

interface Client {
  /** The name of its file. */
  file: string;
  /** The thinking that it shows in a stream. */
  shows(model: ModelId): string;
}

const summary = (model: ModelId) => SUMMARY[model].join("");
const reasoning = () => REASONING;

const CLIENTS: readonly Client[] = [
  { file: "openai_chat", shows: reasoning },
  { file: "openai_responses", shows: summary },
  { file: "anthropic_messages", shows: reasoning },
  { file: "langchain_chat", shows: summary },
  { file: "pydantic_ai_chat", shows: reasoning },
  { file: "openai_agents", shows: summary },
  { file: "litellm_chat", shows: reasoning },
];

const missing = reasonWithout("python3");

for (const { file, shows } of CLIENTS) {
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
