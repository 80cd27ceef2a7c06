import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { compileArguments } from "../../scripts/compile.ts";
import { cleanEnv, copyProgram, PERMISSIONS, ROOT, runProgram } from "../support/program.ts";
import { skippedFor } from "../support/skip.ts";

const CONFIG = 'api_bearer_token: "t"\nmodels:\n  beside-the-binary: { strategy: direct }\n';

/** Makes `Deno.build.standalone` true, as it is in a compiled executable. */
const PRELOAD =
  `Object.defineProperty(Deno, "build", { value: Object.freeze({ ...Deno.build, standalone: true }) });`;

Deno.test("the executable reads the config.yaml beside it, from any folder and through a link", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${dir}/dist`);
    await Deno.mkdir(`${dir}/elsewhere`);
    await copyProgram(Deno.execPath(), `${dir}/dist/o1-api`);
    await Deno.writeTextFile(`${dir}/dist/config.yaml`, CONFIG);
    await Deno.writeTextFile(`${dir}/elsewhere/config.yaml`, "nonsense: true");
    await Deno.writeTextFile(`${dir}/preload.ts`, PRELOAD);
    await Deno.symlink(`${dir}/dist/o1-api`, `${dir}/elsewhere/link`);
    for (const path of [`${dir}/dist/o1-api`, `${dir}/elsewhere/link`]) {
      const { code, stdout, stderr } = await runProgram({
        command: {
          path,
          args: [
            "run",
            ...PERMISSIONS,
            "--preload",
            `${dir}/preload.ts`,
            `${ROOT}main.ts`,
          ],
        },
        args: ["check"],
        cwd: `${dir}/elsewhere`,
      });
      assertEquals([code, stderr], [0, ""]);
      assertStringIncludes(stdout, "beside-the-binary");
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

/** Runs Deno in a new folder. Returns a reason to skip a test if a download cannot be sent for. */
async function reasonWithoutDownload(
  what: string,
  argumentsIn: (dir: string) => string[],
  env: Record<string, string> = {},
): Promise<string | undefined> {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${dir}/empty.ts`, "");
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: argumentsIn(dir),
      cwd: dir,
      env: cleanEnv(env),
      clearEnv: true,
    }).output();
    const isUnreachable = !success &&
      new TextDecoder().decode(stderr).includes("error sending request for url");
    return isUnreachable ? `${what} cannot be downloaded here` : undefined;
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const [NO_RUNTIME, NO_REGISTRY] = await Promise.all([
  reasonWithoutDownload("denort, which `deno compile` embeds,", (dir) => [
    "compile",
    `--output=${dir}/empty`,
    `${dir}/empty.ts`,
  ]),
  reasonWithoutDownload("an npm package", () => ["cache", "npm:ms@2.1.3"], { DENO_DIR: "cache" }),
]);

Deno.test(skippedFor(NO_RUNTIME, "deno compile makes a working binary"), async () => {
  const dir = await Deno.makeTempDir();
  try {
    const made = await new Deno.Command(Deno.execPath(), {
      args: compileArguments(`${dir}/o1-api`),
      cwd: ROOT,
      env: cleanEnv(),
      clearEnv: true,
    }).output();
    assert(made.success, new TextDecoder().decode(made.stderr));
    await Deno.writeTextFile(`${dir}/config.yaml`, CONFIG);
    const command = { path: `${dir}/o1-api`, args: [] };
    const run = await runProgram({ command, args: ["check"] });
    assertStringIncludes(run.stdout, "beside-the-binary");
    // It reads TypeScript, although it has no compiler.
    const example = `${ROOT}docs/strategies/second_look.ts`;
    const strategy = `strategies: { second_look: ${example} }\n`;
    await Deno.writeTextFile(`${dir}/config.yaml`, CONFIG + strategy);
    const ask = ["ask", "--strategy", "second_look", "Is 97 prime?"];
    const asked = await runProgram({ command, args: ask });
    assertStringIncludes(asked.stdout, "97 is prime", asked.stderr);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test(
  skippedFor(
    NO_REGISTRY,
    "a start downloads only what lib/ imports and what that needs, less than 30 MB",
  ),
  async () => {
    const dir = await Deno.makeTempDir();
    try {
      const download = () => runProgram({ args: ["check"], env: { DENO_DIR: dir } });
      let { code, stderr } = await download();
      // A registry may be out of reach for a moment.
      for (let tries = 1; code !== 0 && tries < 5; tries++) ({ code, stderr } = await download());
      assertEquals(code, 0, stderr);
      const [registry] = [...Deno.readDirSync(`${dir}/npm`)].filter((entry) => entry.isDirectory);
      const packages = [...Deno.readDirSync(`${dir}/npm/${registry!.name}`)].map((
        { name },
      ) => name);
      assertEquals(packages.sort(), [
        "@cfworker",
        "@ioredis",
        "@jitl",
        "@modelcontextprotocol",
        "@opentelemetry",
        "@selderee",
        "cluster-key-slot",
        "cross-spawn",
        "debug",
        "deepmerge-ts",
        "deno-std",
        "denque",
        "dom-serializer",
        "domelementtype",
        "domhandler",
        "domutils",
        "entities",
        "eventsource",
        "eventsource-parser",
        "html-to-text",
        "htmlparser2",
        "ioredis",
        "isexe",
        "jose",
        "leac",
        "ms",
        "parseley",
        "path-key",
        "peberminta",
        "pg",
        "pg-cloudflare",
        "pg-connection-string",
        "pg-int8",
        "pg-pool",
        "pg-protocol",
        "pg-types",
        "pgpass",
        "pkce-challenge",
        "postgres-array",
        "postgres-bytea",
        "postgres-date",
        "postgres-interval",
        "quickjs-emscripten-core",
        "redis-errors",
        "selderee",
        "shebang-command",
        "shebang-regex",
        "split2",
        "standard-as-callback",
        "which",
        "xtend",
        "yaml",
        "zod",
      ]);
      assert(sizeOf(`${dir}/npm`) < 30_000_000);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
);

function sizeOf(path: string): number {
  const info = Deno.lstatSync(path);
  if (!info.isDirectory) return info.size;
  return [...Deno.readDirSync(path)].reduce(
    (sum, { name }) => sum + sizeOf(`${path}/${name}`),
    0,
  );
}
