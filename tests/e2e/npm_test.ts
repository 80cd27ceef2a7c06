import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import denoJson from "../../deno.json" with { type: "json" };
import { pack } from "../../scripts/pack.ts";
import { cleanEnv, type ProgramOptions, runProgram, startProgram } from "../support/program.ts";
import { reasonWithout, skippedFor } from "../support/skip.ts";

/** Replaces the npm package of Deno, which would have to be downloaded. */
const INSTALLER = `exports.runInstall = () => ${JSON.stringify(Deno.execPath())};\n`;

interface Installed extends AsyncDisposable {
  /** Folder of the configuration. */
  home: string;
  /** Options that run the program as an npm package. */
  options: ProgramOptions;
  files: string[];
}

/** Packs the package and unpacks it as npm does, for a user with an empty home folder. */
async function install(): Promise<Installed> {
  const dir = await Deno.makeTempDir();
  const modules = `${dir}/node_modules`;
  await Deno.mkdir(`${modules}/deno`, { recursive: true });
  await Deno.writeTextFile(`${modules}/deno/install_api.cjs`, INSTALLER);
  const tarball = await pack(new URL(`file://${dir}/`));
  const { success } = await new Deno.Command("tar", {
    args: ["-xzf", tarball.pathname, "-C", modules],
  }).output();
  assert(success);
  await Deno.rename(`${modules}/package`, `${modules}/o1-api`);
  await Deno.mkdir(`${dir}/user`);
  return {
    home: `${dir}/user/.config/o1-api`,
    options: {
      command: { path: "node", args: [`${modules}/o1-api/npm.js`] },
      cwd: `${dir}/user`,
      env: { HOME: `${dir}/user`, DENO_DIR: await denoDir() },
    },
    files: [...Deno.readDirSync(`${modules}/o1-api`)].map(({ name }) => name).sort(),
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}

/** The cache of this user, so that nothing is downloaded for the other. */
async function denoDir(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json"],
    env: cleanEnv(),
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout)).denoDir;
}

const reason = Deno.build.os === "windows"
  ? "Windows has no signals for processes"
  : reasonWithout("npm");

Deno.test({
  ...skippedFor(reason, "the npm package starts, answers, reloads and stops in an empty home"),
  async fn(t) {
    await using installed = await install();
    const { options, home, files } = installed;
    const program = (...args: string[]) => runProgram({ ...options, args });

    await t.step("it contains the program, and no development tools", () => {
      assertEquals(files, [
        "LICENSE",
        "README.md",
        "deno.json",
        "deno.lock",
        "lib",
        "main.ts",
        "npm.js",
        "package.json",
      ]);
    });

    await t.step("it has the version of deno.json", async () => {
      const { code, stdout, stderr } = await program("--version");
      assertEquals([code, stderr], [0, ""]);
      assertStringIncludes(stdout, `o1-api ${denoJson.version} `);
    });

    await t.step("exit codes are passed on", async () => {
      const { code, stderr } = await program("--prot");
      assertEquals(code, 2);
      assertStringIncludes(stderr, "did you mean --port?");
    });

    await t.step(
      "a server without a configuration answers, and uses one as soon as it is written",
      async () => {
        await using server = await startProgram(options);
        assertStringIncludes(server.facts.config!, `none at ${home}/config.yaml`);
        const { stdout } = await program(
          "ask",
          "--url",
          server.url,
          "--key",
          TOKEN,
          "Is 97 prime?",
        );
        assertStringIncludes(stdout, "97 is prime");
        const init = await program("init", "--provider", "ollama", "--model", "qwen-test");
        assertEquals([init.code, init.stderr], [0, ""]);
        assertStringIncludes(await server.logged("qwen-test"), "The configuration was reloaded");
        // The database is beside the configuration.
        assert(Deno.statSync(`${home}/o1-api.db`).isFile);

        server.kill("SIGTERM");
        const { code, output } = await server.ended;
        assertEquals(code, 0);
        assertStringIncludes(output, "SIGTERM: draining");
      },
    );

    await t.step("Ctrl-C lets the server drain", async () => {
      await using server = await startProgram(options);
      // A terminal sends the signal to every process of the group.
      Deno.kill(childOf(server.pid), "SIGINT");
      server.kill("SIGINT");
      const { code, output } = await server.ended;
      assertEquals(code, 0);
      assertStringIncludes(output, "SIGINT: draining");
    });
  },
});

const TOKEN = "your_api_bearer_token_here";

/** The Deno process that the launcher has started. */
function childOf(pid: number): number {
  const { stdout } = new Deno.Command("ps", { args: ["-o", "pid=", "--ppid", String(pid)] })
    .outputSync();
  return Number(new TextDecoder().decode(stdout));
}
