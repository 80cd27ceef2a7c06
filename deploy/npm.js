#!/usr/bin/env node
// Starts the program on the Deno that npm has installed with it. Configuration and database are in a
// folder of the user, because npm replaces the folder of the package.
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";

const { env, platform } = process;
const args = process.argv.slice(2);

const root = import.meta.dirname;
const { runInstall: findDeno } = createRequire(import.meta.url)("deno/install_api.cjs");
const { tasks } = JSON.parse(readFileSync(join(root, "deno.json"), "utf8"));

const home = env.O1_API_HOME ||
  join(
    platform === "win32"
      ? env.APPDATA || homedir()
      : env.XDG_CONFIG_HOME || join(homedir(), ".config"),
    "o1-api",
  );
mkdirSync(home, { recursive: true });

// The flags between `deno run` and `main.ts`, except that only eval may write outside of the folder.
const flags = tasks.start.split(" ").slice(2, -1).filter((flag) =>
  !flag.startsWith("--allow-write")
);
const write = args[0] === "eval" ? "--allow-write" : `--allow-write=${home}`;

const child = spawn(
  findDeno(),
  [
    "run",
    "--quiet",
    ...flags,
    write,
    // Deno would treat the files as a package of npm otherwise.
    "--node-modules-dir=none",
    `--config=${join(root, "deno.json")}`,
    join(root, "main.ts"),
    ...args,
  ],
  {
    stdio: "inherit",
    env: {
      ...env,
      // Its one dependency is Deno itself.
      DENO_NO_PACKAGE_JSON: "1",
      O1_API_HOME: home,
      O1_API_COMMAND: env.npm_command === "exec" ? "npx -y o1-api" : "o1-api",
    },
  },
);

// A terminal sends Ctrl-C to the program itself, which decides when to end.
process.on("SIGINT", () => {});
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => {
  console.error(`Deno can't be started: ${error.message}`);
  process.exit(1);
});
child.on("exit", (code, signal) => {
  if (signal === null) process.exit(code);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
