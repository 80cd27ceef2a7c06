import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { freePort } from "../../support/port.ts";
import { parseScrape } from "../../support/parsers/scrape.ts";
import { startUpstream } from "../../support/upstream.ts";
import { runProgram, startProgram, writeConfig } from "../../support/program.ts";
import { fetchInTime } from "../../support/wait.ts";

const config = (port: number, upstream = "demo:") => `
api_bearer_token: "t"
server: { host: 127.0.0.1 }
default_api_url: "${upstream}"
default_model: "m"
metrics: { port: ${port} }
`;

Deno.test("metrics on a separate port need no token and do not keep the process running", async () => {
  await using upstream = startUpstream([{ content: "Four." }]);
  const port = freePort();
  await using file = await writeConfig(config(port, upstream.url));
  const program = await startProgram({ args: ["--config", file.path] });
  const answer = await fetchInTime(`${program.url}/chat/completions`, {
    method: "POST",
    headers: { authorization: "Bearer t" },
    body: JSON.stringify({ model: "m", messages: [{ role: "user", content: "2 + 2?" }] }),
  });
  assertEquals((await answer.json()).choices[0].message.content, "Four.");
  const shown = await (await fetchInTime(`http://127.0.0.1:${port}/metrics`)).text();
  assertEquals(parseScrape(shown).sum("o1_api_requests_total", { gen_ai_request_model: "m" }), 1);
  for (const url of [`http://127.0.0.1:${port}/v1/models`, `${program.url}/metrics`]) {
    const other = await fetchInTime(url, { headers: { authorization: "Bearer t" } });
    await other.body?.cancel();
    assertEquals(other.status, 404);
  }
  program.kill("SIGTERM");
  assertEquals((await program.ended).code, 0);
});

Deno.test("a metrics port in use is reported in one line", async () => {
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    () => new Response(),
  );
  const { port } = server.addr as Deno.NetAddr;
  await using file = await writeConfig(config(port));
  const { code, stderr } = await runProgram({ args: ["--config", file.path, "--port", "0"] });
  assertEquals(code, 1);
  assertStringIncludes(stderr, `Port ${port} is in use`);
  assert(stderr.includes("metrics.port"), stderr);
});
