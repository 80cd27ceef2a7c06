import { assertStringIncludes } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { PERMISSIONS, ROOT, startProgram } from "../../support/program.ts";

/** Runs the action in a folder with a configuration; the folder may be written. */
async function inFolder(action: (folder: string, options: object) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/config.yaml`, 'api_bearer_token: "token-4711"\n');
    await action(folder, {
      args: ["--config", `${folder}/config.yaml`],
      command: {
        path: Deno.execPath(),
        args: ["run", ...PERMISSIONS, `--allow-write=${folder}`, `${ROOT}main.ts`],
      },
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Returns the exit code and the output of a server that fails to start. */
async function failure(options: object): Promise<string> {
  try {
    await using _program = await startProgram(options);
    return "It has started.";
  } catch (error) {
    return (error as Error).message;
  }
}

Deno.test("a server does not forget what was spent if its file is corrupt", async () => {
  await inFolder(async (folder, options) => {
    await Deno.writeTextFile(`${folder}/o1-api.db`, "no database".repeat(1_000));
    const output = await failure(options);
    assertStringIncludes(output, "exited with 1:");
    assertStringIncludes(output, `Cannot open "${folder}/o1-api.db": file is not a database.`);
    assertStringIncludes(output, "move the file away");
  });
});

Deno.test("a server does not forget what was spent if its file is locked", async () => {
  await inFolder(async (folder, options) => {
    using database = new DatabaseSync(`${folder}/o1-api.db`);
    database.exec("begin exclusive; create table t (n)");
    const output = await failure(options);
    assertStringIncludes(output, `Cannot open "${folder}/o1-api.db": database is locked.`);
    assertStringIncludes(output, "close programs that lock it");
  });
});

Deno.test("a server without a file starts where none can be created", async () => {
  await inFolder(async (folder) => {
    await using program = await startProgram({ args: ["--config", `${folder}/config.yaml`] });
    await program.logged("in memory only");
  });
});
