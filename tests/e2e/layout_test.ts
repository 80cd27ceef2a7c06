import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { compileArguments } from "../../scripts/compile.ts";
import { cleanEnv, PERMISSIONS, ROOT, runProgram } from "../support/program.ts";

const CONFIG = 'api_bearer_token: "t"\nmodels:\n  beside-the-binary: { strategy: direct }\n';

/** Makes `Deno.build.standalone` true, as it is in a compiled executable. */
const PRELOAD =
  `Object.defineProperty(Deno, "build", { value: Object.freeze({ ...Deno.build, standalone: true }) });`;

Deno.test("the executable reads the config.yaml beside it, from any folder and through a link", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${dir}/dist`);
    await Deno.mkdir(`${dir}/elsewhere`);
    await Deno.copyFile(Deno.execPath(), `${dir}/dist/o1-api`);
    await Deno.chmod(`${dir}/dist/o1-api`, 0o755);
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

Deno.test("deno compile makes a working binary", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const made = await new Deno.Command(Deno.execPath(), {
      args: compileArguments(`${dir}/o1-api`),
      cwd: ROOT,
      env: cleanEnv(),
      clearEnv: true,
    }).output();
    const stderr = new TextDecoder().decode(made.stderr);
    if (!made.success && /denort|dl\.deno\.land|download/i.test(stderr)) {
      console.log(
        "skipped: denort, the runtime that `deno compile` embeds, can't be downloaded here",
      );
      return;
    }
    assert(made.success, stderr);
    await Deno.writeTextFile(`${dir}/config.yaml`, CONFIG);
    const run = await runProgram({
      command: { path: `${dir}/o1-api`, args: [] },
      args: ["check"],
    });
    assertStringIncludes(run.stdout, "beside-the-binary");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("a start downloads only what main.ts imports, less than 15 MB", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const { code, stderr } = await runProgram({
      args: ["check"],
      env: { DENO_DIR: dir },
    });
    if (code !== 0 && /registry|dns|connect|network/i.test(stderr)) {
      console.log("skipped: the npm registry can't be reached from here");
      return;
    }
    assertEquals(code, 0, stderr);
    const [registry] = [...Deno.readDirSync(`${dir}/npm`)].filter((entry) => entry.isDirectory);
    const packages = [...Deno.readDirSync(`${dir}/npm/${registry!.name}`)].map((
      { name },
    ) => name);
    assertEquals(packages.sort(), [
      "@cfworker",
      "@ioredis",
      "@opentelemetry",
      "cluster-key-slot",
      "debug",
      "deno-std",
      "denque",
      "ioredis",
      "ms",
      "redis-errors",
      "standard-as-callback",
      "yaml",
      "zod",
    ]);
    assert(sizeOf(`${dir}/npm`) < 15_000_000);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

function sizeOf(path: string): number {
  const info = Deno.lstatSync(path);
  if (!info.isDirectory) return info.size;
  return [...Deno.readDirSync(path)].reduce(
    (sum, { name }) => sum + sizeOf(`${path}/${name}`),
    0,
  );
}
