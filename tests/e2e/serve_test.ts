import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parseStream, readStream } from "../support/app.ts";
import { startUpstream } from "../support/upstream.ts";
import { runProgram, startProgram, writeConfig } from "../support/program.ts";
import { fetchInTime, waitUntil } from "../support/wait.ts";

const PLACEHOLDER = "your_api_bearer_token_here";

function ask(
  url: string,
  body: object,
  token = PLACEHOLDER,
): Promise<Response> {
  return fetchInTime(`${url}/chat/completions`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
    },
    body: JSON.stringify(body),
  });
}

const question = (content: string) => ({
  messages: [{ role: "user", content }],
});

Deno.test("the shipped configuration serves the demo model on loopback only", async () => {
  await using program = await startProgram({ args: ["--host", "0.0.0.0"] });
  assertStringIncludes(program.url, "http://127.0.0.1:");
  assertStringIncludes(program.facts.access!, "127.0.0.1");
  assertStringIncludes(program.facts.curl!, PLACEHOLDER);
  const completion = await (await ask(program.url, question("What is 17 × 23 − 5?"))).json();
  assertStringIncludes(completion.choices[0].message.content, "386");
  assertStringIncludes(completion.choices[0].message.content, "demo");
  assert(completion.steps.length >= 3);
  const response = await ask(program.url, {
    ...question("Is 97 prime?"),
    stream: true,
    model: "demo",
  });
  const stream = parseStream(await response.text());
  assert(stream.done);
  assertStringIncludes(stream.content, "prime");
});

Deno.test("a file with only the keys of the original o1-api works", async () => {
  await using upstream = startUpstream([
    { content: '{"title":"T","content":"C","next_action":"final_answer"}' },
    { content: '{"title":"U","content":"D","next_action":"final_answer"}' },
    { content: '{"title":"V","content":"E","next_action":"final_answer"}' },
    { content: "Four." },
  ]);
  await using config = await writeConfig(`
api_bearer_token: "original-token"
model_provider_api_key: "provider-key"
default_api_url: "${upstream.url}/chat/completions"
default_model: "llama-3.3-70b-versatile"
stream_status_feedback: true
use_regex_processing: true
`);
  await using program = await startProgram({ args: ["--config", config.path] });
  assertStringIncludes(program.facts.curl!, "$TOKEN");
  assert(!program.facts.curl!.includes("original-token"));
  const response = await ask(program.url, question("2 + 2?"), "original-token");
  const completion = await response.json();
  const { content } = completion.choices[0].message;
  assertStringIncludes(content, "\n\n## Step 1: T\nC");
  assertStringIncludes(content, "\n\n### Final Answer\nFour.");
  assert(/\n\n\*\*Total thinking time: \d+\.\d\d seconds\*\*$/.test(content));
  assertEquals(
    upstream.calls[0]!.headers.get("authorization"),
    "Bearer provider-key",
  );
  assertEquals(upstream.calls[0]!.body.model, "llama-3.3-70b-versatile");
});

Deno.test("on SIGTERM a stream finishes, new requests are rejected, and the process exits", async () => {
  const gate = Promise.withResolvers<void>();
  await using upstream = startUpstream([
    {
      content: ["one ", "two"],
      gate: (frame) => frame === 2 ? gate.promise : undefined,
    },
  ]);
  await using config = await writeConfig(`
api_bearer_token: "t"
default_api_url: "${upstream.url}"
default_model: "m"
`);
  const program = await startProgram({ args: ["--config", config.path] });
  const running = readStream(
    await ask(
      program.url,
      { ...question("Hi"), model: "m", stream: true },
      "t",
    ),
  );
  await running.until(({ content }) => content === "one ");
  program.kill("SIGTERM");
  program.kill("SIGTERM");
  const base = program.url.replace("/v1", "");
  await waitUntil("the server to drain", async () => {
    const ready = await fetchInTime(`${base}/readyz`);
    await ready.body?.cancel();
    return ready.status === 503;
  });
  const refused = await ask(program.url, question("Hi"), "t");
  assertEquals(refused.status, 503);
  assertEquals((await refused.json()).error.code, "server_shutdown");
  assertEquals((await (await fetchInTime(`${base}/healthz`)).json()).status, "ok");
  program.kill("SIGINT");
  gate.resolve();
  const whole = await running.until(({ done }) => done);
  assertEquals(whole.content, "one two");
  await running.cancel();
  assertEquals((await program.ended).code, 0);
});

Deno.test("a stream that exceeds the grace period ends with an error event", async () => {
  await using upstream = startUpstream([{ content: ["one "], end: "stall" }]);
  await using config = await writeConfig(`
api_bearer_token: "t"
default_api_url: "${upstream.url}"
default_model: "m"
server: { shutdown_grace_ms: 50 }
`);
  const program = await startProgram({ args: ["--config", config.path] });
  const running = readStream(
    await ask(
      program.url,
      { ...question("Hi"), model: "m", stream: true },
      "t",
    ),
  );
  await running.until(({ content }) => content === "one ");
  program.kill("SIGINT");
  const cut = await running.until(({ error }) => error !== undefined);
  assertEquals(cut.error.code, "server_shutdown");
  assertEquals(cut.done, false);
  await running.cancel();
  assertEquals((await program.ended).code, 0);
});

Deno.test("an invalid configuration exits with 1 and prints each fault with its line", async () => {
  await using config = await writeConfig(`api_bearer_token: "t"
server:
  prot: 1
  host: 7
models:
  o1: { strategy: stepz }
`);
  const { code, stderr } = await runProgram({
    args: ["--config", config.path],
  });
  assertEquals(code, 1);
  for (
    const part of [
      ":3",
      "did you mean 'port'",
      ":4",
      ":6",
      "did you mean 'steps'",
    ]
  ) {
    assertStringIncludes(stderr, part);
  }
  const check = await runProgram({ args: ["check", "--config", config.path] });
  assertEquals([check.code, check.stderr], [1, stderr]);
});

Deno.test("check, --help, --version and invalid arguments exit with their codes", async () => {
  const check = await runProgram({ args: ["check"] });
  assertEquals(check.code, 0);
  assertStringIncludes(check.stdout, "no faults");
  assertStringIncludes(
    (await runProgram({ args: ["--help"] })).stdout,
    "--config PATH",
  );
  assertStringIncludes(
    (await runProgram({ args: ["--version"] })).stdout,
    "o1-api 0.",
  );
  for (const args of [["--prot", "1"], ["dance"], ["serve", "now"]]) {
    assertEquals((await runProgram({ args })).code, 2);
  }
  const missing = await runProgram({
    args: ["--config", "/no/such/file.yaml"],
  });
  assertEquals(missing.code, 1);
  assertStringIncludes(missing.stderr, "/no/such/file.yaml");
});

Deno.test("a port in use is reported in one line", async () => {
  await using program = await startProgram();
  const { port } = new URL(program.url);
  const { code, stderr } = await runProgram({ args: ["--port", port] });
  assertEquals(code, 1);
  assertStringIncludes(stderr, `Port ${port} is in use`);
});

Deno.test("on Deno Deploy the placeholder token is rejected and O1_API_TOKEN accepted", async () => {
  const env = { DENO_DEPLOY: "true" };
  {
    await using program = await startProgram({ env });
    const refused = await ask(program.url, question("Hi"));
    assertEquals(refused.status, 503);
    assertStringIncludes((await refused.json()).error.message, "O1_API_TOKEN");
  }
  await using program = await startProgram({
    env: { ...env, O1_API_TOKEN: "mine", PORT: "0" },
  });
  const answer = await ask(program.url, question("1+1"), "mine");
  assertEquals(answer.status, 200);
  await answer.body?.cancel();
});
