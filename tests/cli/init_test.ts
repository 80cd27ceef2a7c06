import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { PROVIDERS } from "../../lib/cli/init/providers.ts";
import { configText } from "../../lib/cli/init/template.ts";
import { parseConfig } from "../../lib/config/load.ts";
import { PERMISSIONS, ROOT, runProgram } from "../support/program.ts";
import { reasonWithout, skippedFor } from "../support/skip.ts";
import { startOnTerminal } from "./pty.ts";

const WRITING = ["--allow-write"];

function init(home: string, ...args: string[]) {
  return runProgram({
    command: {
      path: Deno.execPath(),
      args: ["run", ...PERMISSIONS, ...WRITING, `${ROOT}main.ts`],
    },
    args: ["init", ...args],
    env: { O1_API_HOME: home },
  });
}

async function withHome(test: (home: string, file: string) => Promise<void>): Promise<void> {
  const home = await Deno.makeTempDir();
  try {
    await test(home, `${home}/config.yaml`);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

const parse = (text: string, env: (name: string) => string | undefined = () => undefined) =>
  parseConfig(text, { env, file: "config.yaml", readFile: () => Promise.reject() });

Deno.test("the configuration for every provider is valid", async () => {
  for (const { name, title, url = "https://example.com/v1", model, keyVariable } of PROVIDERS) {
    const key = keyVariable && `\${${keyVariable}}`;
    const config = await parse(
      configText({ title, url, model, key }),
      (variable) => variable === keyVariable ? "secret" : undefined,
    );
    assertEquals(
      [config.default_api_url, config.default_model, config.model_provider_api_key],
      [url, model, keyVariable && "secret"],
      name,
    );
  }
});

Deno.test("every commented example in the configuration is valid", async () => {
  const text = configText({ title: "T", url: "http://a/v1", model: "m", key: undefined })
    .replaceAll(/^# ((?:server|models|keys):.*| {2}.*)$/gm, "$1")
    .replace('"..."', `"${"0".repeat(64)}"`);
  const config = await parse(text);
  assertEquals(Object.keys(config.models ?? {}), ["careful", "fast"]);
  assertEquals(config.keys?.[0]?.rpm, 60);
});

Deno.test("`o1-api init --provider` writes a file that check accepts, and never changes it", () =>
  withHome(async (home, file) => {
    const { code, stdout, stderr } = await init(home, "--provider", "ollama", "--model", 'a"b');
    assertEquals([code, stderr], [0, ""]);
    assertStringIncludes(stdout, `Wrote ${file}: Ollama, model a"b.\nStart the server: `);
    const text = await Deno.readTextFile(file);
    const { default_model } = await parse(text);
    assertEquals(default_model, 'a"b');
    if (Deno.build.os !== "windows") assertEquals((await Deno.stat(file)).mode! & 0o777, 0o600);
    const check = await runProgram({ args: ["check"], env: { O1_API_HOME: home } });
    assertStringIncludes(check.stdout, `${file}: no faults. Models: o1, `);

    const again = await init(home, "--provider", "groq");
    assertEquals([again.code, again.stdout], [1, ""]);
    assertStringIncludes(again.stderr, `${file} exists. `);
    assertEquals(await Deno.readTextFile(file), text);
  }));

Deno.test("the key of a hosted provider is read from its variable", () =>
  withHome(async (home, file) => {
    const { stdout } = await init(home, "--provider", "other", "--url", "https://example.com/v1");
    assertStringIncludes(stdout, "Set PROVIDER_API_KEY, then start the server: ");
    assertStringIncludes(await Deno.readTextFile(file), '"${PROVIDER_API_KEY}"');
  }));

for (
  const [args, says] of [
    [[], "--provider is required if the input is not a terminal"],
    [["--provider", "opnai"], "--provider must be one of openai, groq"],
    [["--provider", "other"], "--provider other needs --url"],
    [["--provider", "ollama", "--url", "localhost"], "The base URL"],
  ] as const
) {
  Deno.test(`\`${["o1-api init", ...args].join(" ")}\` exits with 2 and writes nothing`, () =>
    withHome(async (home) => {
      const { code, stderr } = await init(home, ...args);
      assertEquals(code, 2);
      assertStringIncludes(stderr, says);
      assertEquals([...Deno.readDirSync(home)], []);
    }));
}

Deno.test("`o1-api init` reports a folder that does not exist", () =>
  withHome(async (home) => {
    const { code, stderr } = await init(`${home}/no`, "--provider", "ollama");
    assertEquals([code, stderr], [1, `--config ${home}/no/config.yaml: no such file or folder\n`]);
  }));

const ON_TERMINAL = "`o1-api init` asks on a terminal and does not show the key";

Deno.test(skippedFor(reasonWithout("script"), ON_TERMINAL), async () => {
  await withHome(async (home, file) => {
    await using program = startOnTerminal(["init"], {
      env: { O1_API_HOME: home },
      permissions: WRITING,
    });
    await program.sent("1. OpenAI");
    await program.sent("Provider, 1 to 10:");
    await program.type("0\n");
    await program.sent("Provider, 1 to 10:");
    await program.type("groq\n");
    await program.sent("Model:");
    await program.type("\n");
    await program.sent("API key");
    await program.type("gsk-secret\n");
    await program.sent("Start the server:");
    assertEquals(await program.ended, 0);
    assert(!program.screen().includes("gsk-secret"));
    const config = await parse(await Deno.readTextFile(file));
    assertEquals(
      [config.default_model, config.model_provider_api_key],
      ["llama-3.3-70b-versatile", "gsk-secret"],
    );
  });
});
