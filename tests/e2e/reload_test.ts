import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { readStream } from "../support/app.ts";
import { freePort } from "../support/port.ts";
import { startUpstream } from "../support/upstream.ts";
import { PERMISSIONS, ROOT, startProgram, writeConfig } from "../support/program.ts";
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
  // The file may have been read while it was still empty.
  const line = await program.logged("config.yaml:1: modles: unknown key");
  assertStringIncludes(line, "was not reloaded");
  assertStringIncludes(line, "config.yaml:2: server.port");
  assertEquals(await modelsOf(program.url), ["good"]);
});

Deno.test("a server that other machines can reach does not accept a file without a token", async () => {
  await using config = await writeConfig(yaml("https://example.com/v1", "good"));
  await using program = await startProgram({ args: ["--config", config.path] });
  await Deno.writeTextFile(config.path, "models: { open: {} }\n");
  assertStringIncludes(await program.logged("no api_bearer_token"), "was not reloaded");
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

Deno.test("settings that take effect at the next start are named, and stay as they are until then", async () => {
  const DAY_MS = 86_400_000;
  await using upstream = startUpstream([{ content: "4" }]);
  await using config = await writeConfig(`${yaml(upstream.url, "good")}store: sqlite\n`);
  await using program = await startProgram({
    args: ["--config", config.path],
    command: {
      path: Deno.execPath(),
      args: ["run", ...PERMISSIONS, "--allow-write", `${ROOT}main.ts`],
    },
  });
  const changed = [
    "store: memory",
    "store_wait_ms: 1",
    "store_ttl_days: 1",
    "metrics: { port: 9 }",
    "log: { format: text }",
    "server: { host: 127.0.0.2, port: 9, workers: 2, max_background: 7, shutdown_delay_ms: 7, shutdown_grace_ms: 7 }",
  ];
  await Deno.writeTextFile(
    config.path,
    `${yaml(upstream.url, "better")}${changed.join("\n")}\n`,
  );
  // `--port` overrides the file.
  const settings =
    'store, store_wait_ms, store_ttl_days, metrics, log, server.workers, server.max_background, server.shutdown_delay_ms, server.shutdown_grace_ms, server.host"';
  assertStringIncludes(await program.logged(settings), "next start");
  assertEquals(await modelsOf(program.url), ["better"]);

  const init = {
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
  };
  const metrics = await fetchInTime(`${new URL("/metrics", program.url)}`, init);
  await metrics.body?.cancel();
  assertEquals(metrics.status, 200, "metrics are still on the server's own port");

  const body = JSON.stringify({ model: "better", input: "2 + 2?" });
  const stored = await fetchInTime(`${program.url}/responses`, { ...init, method: "POST", body });
  await stored.body?.cancel();
  using database = new DatabaseSync(join(dirname(config.path), "o1-api.db"));
  const { last } = database.prepare("select max(expires_at) as last from entries").get()!;
  assert(Number(last) > Date.now() + 29 * DAY_MS, "responses are still stored for 30 days");
});

Deno.test("a changed port is named, and a token that makes the server public takes effect after a restart", async () => {
  await using config = await writeConfig("server: { port: 0 }\n");
  await using program = await startProgram({ args: ["--config", config.path], hasPort: true });
  await Deno.writeTextFile(config.path, `api_bearer_token: "${TOKEN}"\nserver: { port: 9 }\n`);
  assertStringIncludes(await program.logged("next start: server"), 'server.port"');
  assert(await program.logged("other machines can connect after the next start"));
});

Deno.test("an upstream that leads back to the server is reported at the start and after a reload", async () => {
  const port = freePort();
  const loop = (name: string) =>
    `${yaml(`http://localhost:${port}/v1`, "m")}server: { port: ${port} }\n`
      .replace(/\bs\b/g, name);
  await using config = await writeConfig(loop("first"));
  await using program = await startProgram({ args: ["--config", config.path], hasPort: true });
  assertStringIncludes(await program.logged("leads back"), "first");
  await Deno.writeTextFile(config.path, loop("second"));
  assertStringIncludes(await program.logged("second"), "leads back");
});
