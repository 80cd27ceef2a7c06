import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { compileArguments, PERMISSIONS } from "../../scripts/compile.ts";
import { COMMANDS } from "../commands.ts";
import { ROOT, startProgram, writeConfig } from "../support/program.ts";
import { fetchInTime } from "../support/wait.ts";
import { startUpstream } from "../support/upstream.ts";

const read = (path: string) => Deno.readTextFile(new URL(`../../${path}`, import.meta.url));

Deno.test("no task or script runs or bundles code that the lock files do not hold", () => {
  const frozen = COMMANDS.filter(({ command }) =>
    /\bdeno (?:run|test|bundle|check) /.test(command)
  );
  assert(frozen.length > 15);
  for (const { name, command } of frozen) assert(command.includes(" --frozen "), name);
  assert(compileArguments("dist/o1-api").includes("--frozen"));
});

Deno.test("no server may start processes, load native libraries or read system information", () => {
  const flags = ["start", "eval"].map((task) =>
    COMMANDS.find(({ name }) => name === task)!.command
  );
  for (const command of [...flags, PERMISSIONS.join(" ")]) {
    assert(!/--allow-(?:run|ffi|sys|all|import|scripts)|-A\b/.test(command), command);
  }
  assert(flags[0]!.includes(" --allow-write=. "));
});

Deno.test("every package has an exact version and a hash", async () => {
  for (const folder of ["", "tests/", "lib/playground/"]) {
    const { imports } = JSON.parse(await read(`${folder}deno.json`));
    for (const target of Object.values<string>(imports)) {
      assert(
        target.startsWith(".") || /^npm:@?[\w/.-]+@\d+\.\d+\.\d+(?:\/[\w/.-]+)?$/.test(target),
        target,
      );
    }
    const { version: _, workspace: _own, specifiers, npm, ...others } = JSON.parse(
      await read(`${folder}deno.lock`),
    );
    // No files of other hosts, and no other registry.
    assertEquals(others, {});
    assert(Object.keys(specifiers).every((specifier) => specifier.startsWith("npm:")));
    for (const [name, { integrity }] of Object.entries<{ integrity: string }>(npm)) {
      assert(/^sha512-[\w+/]{86}==$/.test(integrity), name);
    }
  }
});

Deno.test("the origin of @std is documented, and JSR as the alternative", async () => {
  const text = (await read("docs/architecture.md")).replaceAll(/\s+/g, " ");
  assertStringIncludes(text, "https://github.com/oscarotero/std");
  assertStringIncludes(text, '`"@std/cli": "jsr:@std/cli@^1"`');
});

/** The command of docs/security.md, with the paths and addresses of a test. */
async function documentedCommand(values: Record<string, string>): Promise<string[]> {
  const section = (await read("docs/security.md")).split("\n### Fewer permissions\n")[1]!;
  const [, command] = /```sh\n([^`]*)```/.exec(section)!;
  const words = command!.replaceAll("\\\n", " ").trim().split(/\s+/);
  assertEquals(words.shift(), "deno");
  return words.map((word) => {
    for (const [documented, value] of Object.entries(values)) {
      word = word.replaceAll(documented, value);
    }
    return word;
  });
}

for (const workers of [1, 2]) {
  Deno.test(`the documented permissions are enough for a server with ${workers} workers`, async () => {
    await using upstream = startUpstream(() => ({ content: "4" }));
    await using config = await writeConfig(`
api_bearer_token: "\${O1_API_TOKEN}"
upstreams: { s: { base_url: "${upstream.url}", api_key: "\${PROVIDER_API_KEY}" } }
models: { m: { strategy: direct, upstream: s, model: m } }
server: { workers: ${workers} }
`);
    const folder = config.path.replace("/config.yaml", "");
    const args = await documentedCommand({
      // Port 0: any.
      "0.0.0.0:18888": "127.0.0.1",
      "api.example.com:443": new URL(upstream.url).host,
      "/opt/o1-api/main.ts": `${ROOT}main.ts`,
      "/opt/o1-api": ROOT,
      "/etc/o1-api/config.yaml": config.path,
      "/etc/o1-api": folder,
    });
    const configAt = args.indexOf("--config");
    await using program = await startProgram({
      command: { path: Deno.execPath(), args: args.slice(0, configAt) },
      args: [...args.slice(configAt), "--host", "127.0.0.1"],
      env: { O1_API_TOKEN: "a-token-of-its-own", PROVIDER_API_KEY: "provider-key" },
      cwd: folder,
    });
    const send = (path: string, body: object) =>
      fetchInTime(`${program.url}${path}`, {
        method: "POST",
        headers: { authorization: "Bearer a-token-of-its-own", "content-type": "application/json" },
        body: JSON.stringify({ model: "m", ...body }),
      });
    const chat = await send("/chat/completions", { messages: [{ role: "user", content: "a" }] });
    assertEquals((await chat.json()).choices[0].message.content, "4");
    assertEquals(upstream.calls[0]!.headers.get("authorization"), "Bearer provider-key");
    const response = await send("/responses", { input: "a" });
    assertEquals((await response.json()).status, "completed");
    assert((await Deno.stat(`${folder}/o1-api.db`)).size > 0);
    program.kill("SIGTERM");
    const { code, output } = await program.ended;
    assertEquals(code, 0, output);
    assert(!output.includes("NotCapable"), output);
  });
}
