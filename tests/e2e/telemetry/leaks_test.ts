import { assert, assertEquals } from "@std/assert";
import { type Call, chunks, type Reply, startUpstream } from "../../support/upstream.ts";
import { type Program, runProgram, startProgram, writeConfig } from "../../support/program.ts";
import { fetchInTime } from "../../support/wait.ts";

/** Secrets of the server, which must never appear anywhere. */
const SERVER_SECRETS = {
  token: "planted-token-4711",
  key: "planted-upstream-key-4712",
  otherKey: "planted-upstream-key-4713",
  query: "planted-query-key-4714",
  header: "planted-header-key-4715",
};

/** Texts of the client, which may appear only in its answers. */
const CLIENT_SECRETS = {
  prompt: "planted-prompt-4721 planted-echo-4731",
  system: "planted-system-prompt-4722",
  configured: "planted-configured-prompt-4723",
  tool: "planted-tool-4724",
  arguments: "planted-arguments-4725",
  answer: "planted-answer-4726",
  thought: "planted-thought-4727",
  wrongToken: "planted-wrong-token-4728",
  queryToken: "planted-query-token-4729",
  user: "planted-user-4730",
  echo: "planted-echo-4731",
};

const KEYS = `${SERVER_SECRETS.key} ${SERVER_SECRETS.query} ${SERVER_SECRETS.header}`;

/** Text of the upstream that repeats the keys and texts it has received. */
const ECHO =
  `Bad: ${KEYS} ${CLIENT_SECRETS.echo}\nat https://x.example/?key=${SERVER_SECRETS.query}`;

const error = (code: string) => ({ error: { message: ECHO, code, type: code } });

const REPLIES: Record<string, Reply> = {
  ok: { reasoning: CLIENT_SECRETS.thought, content: [CLIENT_SECRETS.answer, " and on"] },
  tools: {
    toolCalls: [{ id: "call_1", name: CLIENT_SECRETS.tool, arguments: CLIENT_SECRETS.arguments }],
  },
  refused: { status: 400, body: JSON.stringify(error("invalid_request_error")) },
  context: { status: 400, body: JSON.stringify(error("context_length_exceeded")) },
  unauthorized: { status: 401, body: JSON.stringify(error("invalid_api_key")) },
  missing: { status: 404, body: JSON.stringify(error("not_found")) },
  limited: { status: 429, body: JSON.stringify(error("rate_limit_exceeded")) },
  failing: { status: 500, body: `<html>${ECHO}</html>` },
  redirected: { status: 302, headers: { location: `/?key=${SERVER_SECRETS.query}` }, body: ECHO },
  nonsense: { body: ECHO },
  cut: { content: [CLIENT_SECRETS.answer], end: "cut", finish: null },
  halfway: {
    frames: [
      ...chunks({ content: CLIENT_SECRETS.answer, finish: null }, false),
      error("server_error"),
    ],
  },
  malformed: { frames: [`data: {"choices": ${ECHO}\n\n`] },
  odd: { frames: [{ choices: [{ index: 0, delta: { content: 7, tool_calls: [ECHO] } }] }] },
};

const CONFIG = (url: string, format: string) => `
api_bearer_token: "${SERVER_SECRETS.token}"
log: { level: debug, format: ${format} }
server: { max_body_bytes: 100000 }
upstreams:
  scripted:
    base_url: "${url}?key=${SERVER_SECRETS.query}"
    api_key: ["${SERVER_SECRETS.key}", "${SERVER_SECRETS.otherKey}"]
    headers: { x-secret: "${SERVER_SECRETS.header}" }
    retry: { base_ms: 1, max_ms: 5 }
    breaker: { min_calls: 1000 }
  gone: { base_url: "http://127.0.0.1:2/v1?key=${SERVER_SECRETS.query}", retry: { base_ms: 1 } }
models:
${
  Object.keys(REPLIES).map((name) =>
    `  ${name}: { strategy: direct, upstream: scripted, model: ${name}, system_prompt: "${CLIENT_SECRETS.configured}" }\n`
  ).join("")
}  steps: { strategy: steps, upstream: scripted, model: ok }
  vote: { strategy: vote, upstream: scripted, model: ok }
  gone: { strategy: direct, upstream: gone, model: ok }
`;

const MESSAGES = [
  { role: "system", content: CLIENT_SECRETS.system },
  { role: "user", content: CLIENT_SECRETS.prompt },
  {
    role: "assistant",
    content: null,
    tool_calls: [{
      id: "call_0",
      type: "function",
      function: { name: "f", arguments: `{"a":"${CLIENT_SECRETS.arguments}"}` },
    }],
  },
  { role: "tool", tool_call_id: "call_0", content: CLIENT_SECRETS.tool },
];

/** A conversation with a tool result, as items of the Responses API. */
const INPUT = [
  { role: "user", content: CLIENT_SECRETS.prompt },
  {
    type: "function_call",
    call_id: "call_0",
    name: "f",
    arguments: `{"a":"${CLIENT_SECRETS.arguments}"}`,
  },
  { type: "function_call_output", call_id: "call_0", output: CLIENT_SECRETS.tool },
];

/** The same as messages of Anthropic's API. */
const ANTHROPIC_MESSAGES = [
  { role: "user", content: CLIENT_SECRETS.prompt },
  {
    role: "assistant",
    content: [
      { type: "tool_use", id: "call_0", name: "f", input: { a: CLIENT_SECRETS.arguments } },
    ],
  },
  {
    role: "user",
    content: [{ type: "tool_result", tool_use_id: "call_0", content: CLIENT_SECRETS.tool }],
  },
];

const PARAMETERS = { description: CLIENT_SECRETS.tool, parameters: { type: "object" } };

/** Returns the error of a stream in any dialect, if there is one. */
function errorOf(text: string): unknown {
  const events = text.split("\n").filter((line) => line.startsWith("data: {"))
    .map((line) => JSON.parse(line.slice("data: ".length)));
  return events.map(({ error, response }) => error ?? response?.error).find(Boolean);
}

/** Sends requests in sequence and records errors and headers. */
function createClient({ url }: Program) {
  const seen: string[] = [];
  let failures = 0;
  async function send(path: string, init: RequestInit = {}): Promise<string> {
    const response = await fetchInTime(`${url}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${SERVER_SECRETS.token}`, ...init.headers },
    });
    seen.push(JSON.stringify([...response.headers]));
    const text = await response.text();
    const error = response.status === 200 ? errorOf(text) : text;
    if (error !== undefined) failures++;
    if (error !== undefined) seen.push(JSON.stringify(error));
    else if (path === "/metrics") seen.push(text);
    return text;
  }
  const post = (path: string, body: Record<string, unknown>, init: RequestInit = {}) =>
    send(path, { method: "POST", body: JSON.stringify(body), ...init });
  const chat = (body: Record<string, unknown>, init?: RequestInit) =>
    post("/chat/completions", { messages: MESSAGES, user: CLIENT_SECRETS.user, ...body }, init);
  const respond = (body: Record<string, unknown>, init?: RequestInit) =>
    post("/responses", {
      input: INPUT,
      instructions: CLIENT_SECRETS.system,
      metadata: { note: CLIENT_SECRETS.user },
      safety_identifier: CLIENT_SECRETS.user,
      ...body,
    }, init);
  const message = (body: Record<string, unknown>, init?: RequestInit) =>
    post("/messages", {
      max_tokens: 1_000,
      messages: ANTHROPIC_MESSAGES,
      system: CLIENT_SECRETS.system,
      metadata: { user_id: CLIENT_SECRETS.user },
      ...body,
    }, init);
  return { send, post, chat, respond, message, seen, failures: () => failures };
}

/** Sends valid and invalid requests of every kind. */
async function ask(client: ReturnType<typeof createClient>): Promise<void> {
  const { send, post, chat, respond, message } = client;
  for (const model of [...Object.keys(REPLIES), "steps", "vote", "gone"]) {
    for (const stream of [true, false]) {
      await chat({
        model,
        stream,
        tools: [{ type: "function", function: { name: "f", ...PARAMETERS } }],
      });
      await respond({ model, stream, tools: [{ type: "function", name: "f", ...PARAMETERS }] });
      const { description, parameters } = PARAMETERS;
      await message({
        model,
        stream,
        tools: [{ name: "f", description, input_schema: parameters }],
      });
    }
  }
  await respond({ model: "ok", temperature: CLIENT_SECRETS.prompt });
  await respond({ model: "ok", input: [{ type: CLIENT_SECRETS.echo }] });
  await respond({ model: "ok", previous_response_id: CLIENT_SECRETS.echo });
  await message({ model: "ok", temperature: CLIENT_SECRETS.prompt });
  await message({ model: "ok", messages: [{ role: CLIENT_SECRETS.echo }] });
  await post("/messages/count_tokens", { model: "ok", messages: ANTHROPIC_MESSAGES });
  await post("/responses/input_tokens", { model: "ok", input: INPUT });
  const conversation = JSON.parse(await post("/conversations", { items: INPUT.slice(0, 1) })).id;
  await respond({ model: "ok", conversation });
  await respond({ model: "ok", previous_response_id: "resp_missing" });
  const { id } = JSON.parse(await respond({ model: "ok", background: true }));
  await send(`/responses/${id}?stream=true`);
  await send(`/responses/${id}/input_items`);
  await chat({ model: "ok", response_format: { type: "json_object" } });
  await chat({ model: "ok", reasoning: { strategy: "direct", nope: 1 } });
  await chat({ model: "ok\n12:00:00 error: forged \x1b[31m" });
  await chat({ messages: CLIENT_SECRETS.prompt });
  await chat({ temperature: CLIENT_SECRETS.prompt });
  await chat({}, { body: `{"messages": ${CLIENT_SECRETS.prompt}` });
  await chat({}, { body: CLIENT_SECRETS.prompt.repeat(10_000) });
  await chat({}, { headers: { authorization: `Bearer ${CLIENT_SECRETS.wrongToken}` } });
  await chat({}, { headers: { authorization: "", "x-api-key": CLIENT_SECRETS.wrongToken } });
  await chat({ model: "ok" }, { headers: { "idempotency-key": CLIENT_SECRETS.user } });
  await send(`/models?api_key=${CLIENT_SECRETS.queryToken}#x`);
  await send(`/nowhere%0A12:00:00%20error:%20forged%1b[31m?t=${CLIENT_SECRETS.queryToken}`);
  await send("/models", { headers: { "x-request-id": "a b\x85\u00a0c", origin: "https://a.b" } });
  await send("/models", { method: "DELETE" });
  await send("/models", { method: "OPTIONS" });
  await send("/metrics");
}

function assertNone(text: string, secrets: Record<string, string>, where: string): void {
  for (const [name, secret] of Object.entries(secrets)) {
    const at = text.indexOf(secret);
    assertEquals(at < 0 ? "" : text.slice(Math.max(0, at - 300), at + 60), "", `${name} ${where}`);
  }
}

for (const format of ["text", "json"]) {
  Deno.test(`errors, headers and the ${format} log contain no secrets`, async () => {
    await using upstream = startUpstream(({ body }: Call) => REPLIES[body.model]!);
    await using config = await writeConfig(CONFIG(upstream.url, format));
    const program = await startProgram({ args: ["--config", config.path] });
    const client = createClient(program);
    await ask(client);
    program.kill("SIGTERM");
    const { output, code } = await program.ended;
    assertEquals(code, 0, output);
    assert(client.failures() > 80, `${client.failures()} failures`);
    assertEquals(upstream.calls[0]!.headers.get("x-secret"), SERVER_SECRETS.header);
    assert(upstream.calls[0]!.path.includes(SERVER_SECRETS.query));
    const all = { ...SERVER_SECRETS, ...CLIENT_SECRETS };
    assertNone(output, all, "is in the log");
    const { echo: _, ...own } = all;
    assertNone(client.seen.join("\n"), own, "is in an error, a header or the metrics");
    const lines = output.split("\n").slice(0, -1);
    const requests = lines.filter((line) => line.includes("request_id"));
    assert(requests.length > 120, output);
    for (const line of requests) {
      if (format === "json") assert(/^req_[0-9a-f]{32}$/.test(JSON.parse(line).request_id), line);
      else {assert(
          /^\d\d:\d\d:\d\d (?:warn: An upstream call failed|(?:error: )?[A-Z]+ \/\S*) .*request_id=req_/
            .test(line),
          line,
        );}
    }
    // deno-lint-ignore no-control-regex -- these must not occur
    assertEquals(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028]|\nforged/.exec(output), null);
  });
}

Deno.test("the error about a base URL contains none of its secrets", async () => {
  const secret = "planted-password-4741";
  for (const url of [`https://user:${secret}@x.example/v1`, `ftp://x.example/?key=${secret}`]) {
    await using config = await writeConfig(`default_api_url: "${url}"\ndefault_model: m\n`);
    const { code, stdout, stderr } = await runProgram({ args: ["--config", config.path] });
    assertEquals(code, 1);
    assertEquals((stdout + stderr).includes(secret), false, stdout + stderr);
  }
});
