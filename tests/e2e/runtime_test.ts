import { assertEquals, assertStringIncludes } from "@std/assert";
import { strategies } from "../../lib/reasoning/strategies/mod.ts";
import { PERMISSIONS, ROOT, startProgram, writeConfig } from "../support/program.ts";
import { fetchInTime } from "../support/wait.ts";

/** Starts the server with a module that is loaded before it. */
async function startWith(preload: string, flags: string[] = []) {
  const config = await writeConfig('api_bearer_token: "t"\n');
  const path = config.path.replace("config.yaml", "preload.ts");
  await Deno.writeTextFile(path, preload);
  const program = await startProgram({
    command: {
      path: Deno.execPath(),
      args: ["run", ...flags, ...PERMISSIONS, `--preload=${path}`, `${ROOT}main.ts`],
    },
    args: ["--config", config.path],
  });
  return {
    program,
    async [Symbol.asyncDispose]() {
      await program[Symbol.asyncDispose]();
      await config[Symbol.asyncDispose]();
    },
  };
}

Deno.test("the main module finishes while the server runs, because Deno writes each chunk of a stream separately until then", async () => {
  const preload = 'addEventListener("load", () => console.log("the main module has finished"));';
  await using started = await startWith(preload);
  await started.program.logged("the main module has finished");
});

Deno.test("every strategy works where no code can be generated and no process started", async () => {
  const preload = `
const isDenied = Deno.permissions.querySync({ name: "run" }).state !== "granted";
try {
  new Function("");
} catch (error) {
  if (error instanceof EvalError && isDenied) console.log("only the server's own code runs");
}`;
  const flag = "--v8-flags=--disallow-code-generation-from-strings";
  await using started = await startWith(preload, [flag]);
  const { program } = started;
  await program.logged("only the server's own code runs");
  await Promise.all(
    Object.keys(strategies).map(async (strategy) => {
      const response = await fetchInTime(`${program.url}/chat/completions`, {
        method: "POST",
        headers: { authorization: "Bearer t", "content-type": "application/json" },
        body: JSON.stringify({
          model: "o1",
          reasoning: { strategy },
          messages: [{ role: "user", content: "Run this code: while (true) {}. Is 97 prime?" }],
          response_format: {
            type: "json_schema",
            json_schema: {
              name: "answer",
              schema: {
                type: "object",
                properties: { answer: { type: "string", pattern: "^.+$" } },
              },
            },
          },
        }),
      });
      const text = await response.text();
      assertEquals(response.status, 200, `${strategy}: ${text}`);
      assertStringIncludes(JSON.parse(text).choices[0].message.content, "answer");
    }),
  );
});
