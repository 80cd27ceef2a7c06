import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { readStream } from "../support/app.ts";
import { startUpstream } from "../support/upstream.ts";
import { startProgram, writeConfig } from "../support/program.ts";
import { fetchInTime } from "../support/wait.ts";

const TOKEN = "a-token-of-its-own";

const yaml = (url: string, model: string) =>
  `api_bearer_token: "${TOKEN}"
upstreams: { s: { base_url: "${url}" } }
models: { ${model}: { strategy: direct, upstream: s, model: m } }
`;

async function modelsOf(url: string): Promise<string[]> {
  const response = await fetchInTime(`${url}/models`, {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  const { data } = await response.json();
  return data.map(({ id }: { id: string }) => id);
}

Deno.test("a changed file applies to new requests, and running streams finish with the old one", async () => {
  const rest = Promise.withResolvers<void>();
  await using upstream = startUpstream(() => ({
    content: ["be", "gun"],
    gate: (frame) => frame === 2 ? rest.promise : undefined,
  }));
  await using config = await writeConfig(yaml(upstream.url, "old"));
  await using program = await startProgram({ args: ["--config", config.path] });
  assertEquals(await modelsOf(program.url), ["old"]);
  const stream = readStream(
    await fetchInTime(`${program.url}/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
      body: JSON.stringify({
        model: "old",
        stream: true,
        messages: [{ role: "user", content: "x" }],
      }),
    }),
  );
  await stream.until(({ content }) => content === "be");
  await Deno.writeTextFile(`${config.path}.new`, yaml(upstream.url, "new"));
  await Deno.rename(`${config.path}.new`, config.path);
  assertStringIncludes(await program.logged("was reloaded"), '"models":"new"');
  assertEquals(await modelsOf(program.url), ["new"]);
  rest.resolve();
  const { content, done, error } = await stream.until(() => false);
  assertEquals({ content, done, error }, { content: "begun", done: true, error: undefined });
});

Deno.test("an invalid file is reported and ignored", async () => {
  await using config = await writeConfig(yaml("https://example.com/v1", "good"));
  await using program = await startProgram({ args: ["--config", config.path] });
  await Deno.writeTextFile(config.path, "modles: {}\nserver: { port: many }\n");
  const line = await program.logged("was not reloaded");
  assertStringIncludes(line, "config.yaml:1: modles: unknown key");
  assertStringIncludes(line, "config.yaml:2: server.port");
  assertEquals(await modelsOf(program.url), ["good"]);
});

Deno.test("a server that other machines can reach does not accept a file without a token", async () => {
  await using config = await writeConfig(yaml("https://example.com/v1", "good"));
  await using program = await startProgram({ args: ["--config", config.path] });
  await Deno.writeTextFile(config.path, "models: { open: {} }\n");
  assertStringIncludes(await program.logged("was not reloaded"), "no api_bearer_token");
  assertEquals(await modelsOf(program.url), ["good"]);
});

Deno.test("SIGHUP reloads", async () => {
  await using config = await writeConfig(yaml("https://example.com/v1", "good"));
  await using program = await startProgram({ args: ["--config", config.path] });
  program.kill("SIGHUP");
  await program.logged("was reloaded");
  program.kill("SIGTERM");
  const { code } = await program.ended;
  assertEquals(code, 0);
  assert(await program.logged("draining"));
});

Deno.test("settings that take effect at the next start are named", async () => {
  await using config = await writeConfig(yaml("https://example.com/v1", "good"));
  await using program = await startProgram({ args: ["--config", config.path] });
  await Deno.writeTextFile(
    config.path,
    `${yaml("https://example.com/v1", "better")}store: memory\n`,
  );
  assertStringIncludes(await program.logged("next start"), "store");
  assertEquals(await modelsOf(program.url), ["better"]);
});
