import { assertEquals, assertMatch } from "@std/assert";
import { runProgram, writeConfig } from "../../support/program.ts";
import { type Call, type Reply, startUpstream } from "../../support/upstream.ts";

const rejected = (message: string): Reply => ({
  status: 400,
  body: JSON.stringify({ error: { message } }),
});
const models = (...ids: string[]): Reply => ({
  body: JSON.stringify({ data: ids.map((id) => ({ id, object: "model" })) }),
});
const isList = ({ path }: Call) => path.startsWith("/v1/models");

const startListing = (script: Parameters<typeof startUpstream>[0]) =>
  startUpstream(script, { listsModels: true });

/** Runs `check --online`; returns its report with every time as N ms. */
async function check(yaml: string, args: string[] = ["--online"]) {
  await using config = await writeConfig(yaml);
  const result = await runProgram({ args: ["check", "--config", config.path, ...args] });
  const report = result.stdout.split("\n").slice(1).join("\n").replace(/\d+ ms/g, "N ms");
  return { ...result, report };
}

Deno.test("`check --online` reports models, latency, dialect, JSON mode and tools", async () => {
  await using upstream = startListing((call) => {
    if (isList(call)) return models("big", "small");
    if (call.body.max_tokens !== undefined) {
      return rejected("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.");
    }
    if (call.body.response_format?.type === "json_schema") {
      return rejected("response_format json_schema is not supported");
    }
    if (call.body.tools !== undefined) return rejected("this model does not support tools");
    return { content: "OK", usage: null };
  });
  const yaml = `
default_api_url: ${upstream.url}?api-version=secret-version
default_model: big
model_provider_api_key: provider-key-4711
models:
  a: { strategy: direct }
  b: { strategy: direct, model: missing }
`;
  const { code, report, stderr } = await check(yaml);
  assertEquals([code, stderr], [0, ""]);
  const facts = `
    one token: after N ms
    dialect: max_completion_tokens, system messages, streams, reports no usage, so tokens are estimated
    JSON mode: json_object
    tools: The upstream rejected the request: this model does not support tools`;
  assertEquals(
    report,
    `
default (${upstream.url})
  models: 2 in N ms; not among them: missing
  big${facts}
  missing${facts}
`,
  );
  const asked = upstream.calls.filter((call) => !isList(call));
  for (const { headers, body } of asked) {
    assertEquals(headers.get("authorization"), "Bearer provider-key-4711");
    assertEquals([body.max_tokens ?? body.max_completion_tokens, body.stream], [1, true]);
  }
  const offline = await check(yaml, []);
  assertEquals([offline.code, offline.report], [0, ""]);
});

Deno.test("`check --online` reports every key and upstream that fails, and exits with 1", async () => {
  await using upstream = startListing((call) => {
    if (isList(call)) return { status: 404, body: "{}" };
    return call.headers.get("authorization") === "Bearer provider-key-2"
      ? { status: 401, body: '{"error":{"message":"Unknown key provider-key-2"}}' }
      : { content: "OK", reasoning: "Hm" };
  });
  const { code, report } = await check(`
upstreams:
  good:
    base_url: ${upstream.url}
    api_key: [provider-key-1, provider-key-2]
  dead: { base_url: "http://127.0.0.1:2/v1" }
  unused: { base_url: "http://127.0.0.1:2/other" }
models:
  a: { strategy: direct, upstream: [dead, good], model: m }
`);
  assertEquals(code, 1);
  const [good, dead, unused] = ["good", "dead", "unused"].map((name) =>
    report.split("\n\n").find((part) => part.trimStart().startsWith(name))!.trim()
  );
  assertEquals(
    good,
    `\
good (${upstream.url})
  models: not listed by the provider
  m
    one token, key 1: after N ms
    one token, key 2: FAILED: The upstream rejected the server's credentials (401). (Unknown key [key])
    dialect: max_tokens, system messages, streams, reports usage, reasons by itself
    JSON mode: json_schema
    tools: accepted`,
  );
  const reason = "FAILED: The upstream can't be reached. .*Connection refused.*";
  assertMatch(dead!, RegExp(`^dead .*\n {2}models: ${reason}\n {2}m\n {4}one token: ${reason}$`));
  assertMatch(unused!, RegExp(`^unused .*\n {2}models: ${reason}$`));
});

Deno.test("`check` warns about an upstream that leads back to the server", async () => {
  const yaml = "default_api_url: http://127.0.0.1:18888/v1\ndefault_model: m\n";
  const { code, stderr } = await check(yaml, []);
  assertEquals(code, 0);
  assertMatch(stderr, /^The base URL of the upstream "default" leads back to this server/);
});
