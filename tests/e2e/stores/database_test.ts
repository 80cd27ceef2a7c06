import { assertEquals, assertStringIncludes } from "@std/assert";
import { dirname } from "node:path";
import { startUpstream } from "../../support/upstream.ts";
import { PERMISSIONS, ROOT, runProgram, startProgram, writeConfig } from "../../support/program.ts";
import { fetchInTime } from "../../support/wait.ts";

const TOKEN = "a-token-of-its-own";
const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };

/** Options of a program that may only write to its home, and whose configuration is elsewhere. */
async function elsewhere(upstream: string, workers: number) {
  const config = await writeConfig(`
api_bearer_token: "${TOKEN}"
upstreams: { u: { base_url: "${upstream}" } }
models: { m: { upstream: u, model: x } }
server: { host: 127.0.0.1, workers: ${workers} }
`);
  const home = await Deno.makeTempDir();
  return {
    folder: dirname(config.path),
    home,
    options: {
      args: ["--config", config.path],
      env: { O1_API_HOME: home },
      command: {
        path: Deno.execPath(),
        args: ["run", ...PERMISSIONS, `--allow-write=${home}`, "--unstable-net", `${ROOT}main.ts`],
      },
    },
    async [Symbol.asyncDispose]() {
      await config[Symbol.asyncDispose]();
      await Deno.remove(home, { recursive: true });
    },
  };
}

const namesIn = (folder: string) => Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();

for (const workers of Deno.build.os === "linux" ? [1, 2] : [1]) {
  Deno.test(`responses survive a restart if the program may not write beside its configuration, workers: ${workers}`, async () => {
    await using upstream = startUpstream([{ content: "4" }]);
    await using world = await elsewhere(upstream.url, workers);
    let id: string;
    {
      await using program = await startProgram(world.options);
      assertStringIncludes(await program.logged("its database is elsewhere"), world.home);
      const response = await fetchInTime(`${program.url}/responses`, {
        method: "POST",
        headers,
        body: JSON.stringify({ model: "m", input: "2 + 2?" }),
      });
      assertEquals(response.status, 200);
      ({ id } = await response.json());
      program.kill("SIGTERM");
      await program.ended;
    }
    assertEquals(namesIn(world.folder), ["config.yaml"]);
    await using program = await startProgram(world.options);
    const again = await fetchInTime(`${program.url}/responses/${id}`, { headers });
    assertEquals([again.status, (await again.json()).id], [200, id]);
  });
}

Deno.test("a database beside the configuration is not replaced by another", async () => {
  await using world = await elsewhere("demo:", 1);
  await Deno.writeTextFile(`${world.folder}/o1-api.db`, "");
  const { code, stderr } = await runProgram(world.options);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "does not start without what it has stored");
  assertStringIncludes(stderr, "--allow-write=FOLDER");
  assertEquals(namesIn(world.home), []);
});
