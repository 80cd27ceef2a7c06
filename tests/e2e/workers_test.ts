import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { readStream } from "../support/app.ts";
import { parseEvents } from "../support/responses.ts";
import { parseScrape } from "../server/telemetry/scrape.ts";
import { startUpstream } from "../support/upstream.ts";
import { type Crew, crewCommand, crewYaml, startCrew, TOKEN, type WorkerClient } from "./crew.ts";
import { runProgram, startProgram, writeConfig } from "./program.ts";

// Elsewhere one event loop serves.
const ignore = Deno.build.os !== "linux";
const test = (name: string, fn: () => Promise<void>) => Deno.test({ name, ignore, fn });

const preload = (name: string) => new URL(name, import.meta.url).pathname;

const chat = (client: WorkerClient, more: object = {}, init?: RequestInit) =>
  client.send(
    "/v1/chat/completions",
    { model: "m", messages: [{ role: "user", content: "2 + 2?" }], ...more },
    init,
  );
// deno-lint-ignore no-explicit-any -- tests read whatever came
const json = async (response: Promise<Response>): Promise<any> => {
  const { status } = await response;
  const body = await (await response).json();
  assertEquals(status, 200, JSON.stringify(body));
  return body;
};
const scrape = async (client: WorkerClient) =>
  parseScrape(await (await client.send("/metrics")).text());
const CHATS = ["o1_api_requests_total", { o1_api_dialect: "chat" }] as const;

/** Ends the program as an operator does. */
async function end({ program }: Crew): Promise<string> {
  program.kill("SIGTERM");
  const { code, output } = await program.ended;
  assertEquals(code, 0, output);
  return output;
}

test("two workers serve on one port, and what each has counted is added up exactly", async () => {
  await using upstream = startUpstream([{ content: "Four." }]);
  await using crew = await startCrew({ upstream: upstream.url });
  assertEquals(crew.program.facts.workers as unknown, 2);
  const [first, second] = await crew.clients();
  for (let i = 0; i < 3; i++) await json(chat(first));
  for (let i = 0; i < 4; i++) await json(chat(second));
  for (const client of [first, second]) {
    const shown = await scrape(client);
    assertEquals(shown.sum(...CHATS), 7);
    const model = { gen_ai_request_model: "m" };
    assertEquals(shown.sum("gen_ai_server_request_duration_seconds_count", model), 7);
    const all = { ...model, le: "+Inf" };
    assertEquals(shown.sum("gen_ai_server_request_duration_seconds_bucket", all), 7);
    const tokens = { gen_ai_token_type: "output" };
    assertEquals(shown.sum("gen_ai_client_token_usage_sum", tokens), 35);
    // The scrape itself, and a process that is one.
    assertEquals(shown.sum("o1_api_requests_active"), 1);
    assertEquals(
      shown.samples.filter(({ name }) => name === "process_memory_usage_bytes").length,
      1,
    );
  }
  const created = [first, second].map(async (each) => (await json(each.send("/v1/models"))).data);
  assertEquals(await created[0], await created[1]);
  await end(crew);
});

for (const store of ["memory", "sqlite"]) {
  test(`a limit of requests is one for two workers, with the store ${store}`, async () => {
    await using upstream = startUpstream([{ content: "Four." }]);
    const hash = new Uint8Array(
      await crypto.subtle.digest("SHA-256", new TextEncoder().encode("alice")),
    ).toHex();
    const yaml = `store: ${store}\nkeys: [{ name: alice, sha256: "${hash}", rpm: 20 }]`;
    await using crew = await startCrew({ upstream: upstream.url, yaml });
    const pairs = await Promise.all(Array.from({ length: 4 }, () => crew.clients()));
    const start = performance.now();
    const answered = await Promise.all(
      pairs.flat().map(async (client, i) => {
        const statuses: number[] = [];
        while (statuses.length < 8) {
          const init = { headers: { authorization: "Bearer alice" } };
          const response = await chat(client, {}, init);
          await response.bytes();
          statuses.push(response.status);
        }
        return { worker: i % 2, statuses };
      }),
    );
    // One comes back every 3 s.
    const back = Math.floor((performance.now() - start) / 3_000);
    const statuses = answered.flatMap((each) => each.statuses);
    const passed = statuses.filter((status) => status === 200).length;
    assert(passed >= 20 && passed <= 20 + back, `${passed} passed`);
    assertEquals(statuses.filter((status) => status === 429).length, 64 - passed);
    assertEquals(upstream.calls.length, passed);
    for (const worker of [0, 1]) {
      const own = answered.filter((each) => each.worker === worker);
      assert(own.some((each) => each.statuses.includes(200)), `worker ${worker + 1} let nobody in`);
    }
    await end(crew);
  });

  test(`a chain of responses goes over both workers, with the store ${store}`, async () => {
    await using upstream = startUpstream([{ content: "Four." }]);
    await using crew = await startCrew({ upstream: upstream.url, yaml: `store: ${store}` });
    const [first, second] = await crew.clients();
    let previous: string | undefined;
    for (const client of [first, second, first]) {
      const body = { model: "m", input: "And now?", previous_response_id: previous };
      previous = (await json(client.send("/v1/responses", body))).id;
    }
    assertEquals(upstream.calls[2]!.body.messages.length, 5);
    const kept = await json(second.send(`/v1/responses/${previous}`));
    assertEquals(kept.output[0].content[0].text, "Four.");
    const gone = await first.send("/v1/responses/resp_none");
    assertEquals(gone.status, 404);
    await gone.bytes();
    await end(crew);
  });

  test(`a background response is followed on the other worker, with the store ${store}`, async () => {
    const rest = Promise.withResolvers<void>();
    await using upstream = startUpstream([
      { content: ["Fo", "ur."], gate: (frame) => frame === 2 ? rest.promise : undefined },
    ]);
    await using crew = await startCrew({ upstream: upstream.url, yaml: `store: ${store}` });
    const [first, second] = await crew.clients();
    const body = { model: "m", input: "2 + 2?", background: true };
    const { id, status } = await json(first.send("/v1/responses", body));
    assert(["queued", "in_progress"].includes(status));
    const path = `/v1/responses/${id}`;
    assert(["queued", "in_progress"].includes((await json(second.send(path))).status));
    const cancelled = await json(first.send("/v1/responses", body));
    const ended = await json(second.send(`/v1/responses/${cancelled.id}/cancel`, {}));
    assertEquals(ended.status, "cancelled");
    assertEquals((await json(first.send(`/v1/responses/${cancelled.id}`))).status, "cancelled");
    const stream = second.send(`${path}?stream=true`);
    rest.resolve();
    const events = parseEvents(await (await stream).text());
    assertEquals(events.at(-1).type, "response.completed");
    for (const client of await crew.clients()) {
      assertEquals((await json(client.send(path))).output[0].content[0].text, "Four.");
    }
  });
}

test("an upstream gets no more calls at once than it bears from both workers together", async () => {
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  const both = Promise.withResolvers<void>();
  let most = 0;
  await using upstream = startUpstream(({ index }) => {
    most = Math.max(most, upstream.open);
    if (index === 1) both.resolve();
    return { content: "Four.", before: opened };
  });
  await using crew = await startCrew({ upstream: upstream.url, settings: "max_concurrency: 2" });
  const clients = (await Promise.all([crew.clients(), crew.clients()])).flat();
  const answers = clients.map((client) => json(chat(client)));
  await both.promise;
  assertEquals(upstream.calls.length, 2);
  open();
  await Promise.all(answers);
  assertEquals([most, upstream.calls.length], [2, 4]);
});

test("what a model thought before a tool call is known to the other worker", async () => {
  const toolCalls = [{ id: "call_1", name: "add", arguments: "{}" }];
  await using upstream = startUpstream(({ body }) => {
    const turn = body.messages[1];
    if (turn === undefined) return { reasoning: "I must add.", toolCalls, content: null };
    if (turn.reasoning_content !== undefined) return { content: "Four." };
    const error = { message: "The `reasoning_content` in the thinking mode must be passed back." };
    return { status: 400, body: JSON.stringify({ error }) };
  });
  await using crew = await startCrew({ upstream: upstream.url });
  const [first, second] = await crew.clients();
  const { choices } = await json(chat(first));
  const { tool_calls } = choices[0].message;
  // A scrape goes the same way behind it.
  await scrape(second);
  const { choices: [answer] } = await json(chat(second, {
    messages: [
      { role: "user", content: "2 + 2?" },
      { role: "assistant", content: null, tool_calls },
      { role: "tool", tool_call_id: "call_1", content: "4" },
    ],
  }));
  assertEquals(answer.message.content, "Four.");
  assertEquals(upstream.calls.at(-1)!.body.messages[1].reasoning_content, "I must add.");
});

test("a reload reaches both workers before it is told, and a wrong one neither", async () => {
  await using upstream = startUpstream([{ content: "Four." }]);
  await using crew = await startCrew({ upstream: upstream.url });
  const both = await crew.clients();
  const ids = (client: WorkerClient) =>
    json(client.send("/v1/models")).then(({ data }) => data.map((each: { id: string }) => each.id));
  await Deno.writeTextFile(crew.configPath, "modles: {}\n");
  assertStringIncludes(await crew.program.logged("was not reloaded"), "modles: unknown key");
  for (const client of both) assertEquals(await ids(client), ["m"]);
  const text = crewYaml({ upstream: upstream.url }).replace("models: { m:", "models: { other:");
  await Deno.writeTextFile(crew.configPath, text);
  await crew.program.logged("was reloaded");
  for (const client of both) assertEquals(await ids(client), ["other"]);
  const output = await end(crew);
  assertEquals(output.split("was reloaded").length, 2);
});

test("SIGTERM lets the streams of both workers end, and ends the process", async () => {
  const gate = Promise.withResolvers<void>();
  await using upstream = startUpstream([
    { content: ["one ", "two"], gate: (frame) => frame === 2 ? gate.promise : undefined },
  ]);
  await using crew = await startCrew({ upstream: upstream.url });
  const spare = await crew.clients();
  const streams = [];
  for (const client of await crew.clients()) {
    const stream = readStream(await chat(client, { stream: true }));
    await stream.until(({ content }) => content === "one ");
    streams.push(stream);
  }
  crew.program.kill("SIGTERM");
  await crew.program.logged("draining");
  for (const client of spare) {
    let ready = await client.send("/readyz");
    while (ready.status !== 503) {
      await ready.bytes();
      ready = await client.send("/readyz");
    }
    await ready.bytes();
    const refused = await chat(client);
    assertEquals((await refused.json()).error.code, "server_shutdown");
  }
  gate.resolve();
  for (const stream of streams) {
    const { content } = await stream.until(({ done }) => done);
    assertEquals(content, "one two");
    await stream.cancel();
  }
  const { code, output } = await crew.program.ended;
  assertEquals(code, 0, output);
});

test("a worker that ends by an error is replaced, and nothing that is shared is lost", async () => {
  await using upstream = startUpstream([{ content: "Four." }]);
  await using crew = await startCrew({
    upstream: upstream.url,
    deno: ["--preload", preload("crashing_preload.ts")],
  });
  const { program } = crew;
  const [first, second] = await crew.clients();
  const { id } = await json(first.send("/v1/responses", { model: "m", input: "2 + 2?" }));
  for (const client of [first, second]) await json(chat(client));
  assertEquals((await scrape(second)).sum(...CHATS), 2);
  program.kill("SIGUSR2");
  assertStringIncludes(await program.logged("another takes its place"), '"worker":1');
  // The other one serves meanwhile.
  await json(chat(second));
  await program.logged("A worker was replaced.");
  const both = await crew.clients();
  for (const client of both) {
    await json(client.send(`/v1/responses/${id}`));
    await json(chat(client));
  }
  assertEquals((await scrape(both[0])).sum(...CHATS), 5);
  await end(crew);
});

test("a port that is in use is told of, though workers could share it", async () => {
  await using upstream = startUpstream([]);
  await using crew = await startCrew({ upstream: upstream.url });
  const { port } = new URL(crew.program.url);
  const { code, stderr } = await runProgram({
    command: crewCommand(),
    args: ["--config", crew.configPath, "--port", port],
  });
  assertEquals(code, 1);
  assertStringIncludes(stderr, `Port ${port} is in use.`);
});

Deno.test("one event loop starts no thread", async () => {
  await using config = await writeConfig(crewYaml({ upstream: "demo:" }).replace("2 }", "1 }"));
  await using program = await startProgram({
    command: crewCommand(["--preload", preload("no_threads_preload.ts")]),
    args: ["--config", config.path],
  });
  assertEquals(program.facts.workers, undefined);
  const ready = await fetch(program.url.replace("/v1", "/readyz"));
  assertEquals(ready.status, 200);
  await ready.body?.cancel();
});

Deno.test("without --unstable-net one event loop serves, and what to do is told", async () => {
  await using config = await writeConfig(crewYaml({ upstream: "demo:" }));
  await using program = await startProgram({ args: ["--config", config.path] });
  assertEquals(program.facts.workers, undefined);
  const said = await program.logged("server.workers");
  assertStringIncludes(said, ignore ? "only Linux" : "--unstable-net");
  const models = await fetch(`${program.url}/models`, {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  assertEquals(models.status, 200);
  await models.body?.cancel();
});
