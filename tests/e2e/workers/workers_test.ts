import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { readStream } from "../../support/app.ts";
import { parseEvents } from "../../support/parsers/responses.ts";
import { parseScrape, type Scrape } from "../../support/parsers/scrape.ts";
import { NO_REDIS, startRedis } from "../../support/stores/redis.ts";
import { sha256 } from "../../support/sha256.ts";
import { skippedFor } from "../../support/skip.ts";
import { startUpstream } from "../../support/upstream.ts";
import {
  startWorkers,
  TOKEN,
  type WorkerClient,
  type WorkerProgram,
  workersCommand,
  workersYaml,
} from "./program.ts";
import { runProgram, startProgram, writeConfig } from "../../support/program.ts";
import { fetchInTime, waitUntil } from "../../support/wait.ts";

const skipReason = Deno.build.os === "linux" ? undefined : "only Linux runs several event loops";
const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({ ...skippedFor(skipReason, name), fn });

const preload = (name: string) => new URL(name, import.meta.url).pathname;

const chat = (client: WorkerClient, more: object = {}, init?: RequestInit) =>
  client.send(
    "/v1/chat/completions",
    { model: "m", messages: [{ role: "user", content: "2 + 2?" }], ...more },
    init,
  );
// deno-lint-ignore no-explicit-any -- tests read any field
const json = async (response: Promise<Response>): Promise<any> => {
  const { status } = await response;
  const body = await (await response).json();
  assertEquals(status, 200, JSON.stringify(body));
  return body;
};
const scrape = async (client: WorkerClient) =>
  parseScrape(await (await client.send("/metrics")).text());
const CHATS = ["o1_api_requests_total", { o1_api_dialect: "chat" }] as const;

/** Returns the metrics with this number of chats. Those of a worker that is late are missing or old. */
async function scrapeChats(client: WorkerClient, count: number): Promise<Scrape> {
  let shown: Scrape;
  await waitUntil(`${count} chats in the metrics`, async () => {
    shown = await scrape(client);
    return shown.sum(...CHATS) === count;
  });
  return shown!;
}

/** Stops the program with SIGTERM. */
async function stop({ program }: WorkerProgram): Promise<string> {
  program.kill("SIGTERM");
  const { code, output } = await program.ended;
  assertEquals(code, 0, output);
  return output;
}

test("two workers serve on one port, and their metrics are added up", async () => {
  await using upstream = startUpstream([{ content: "Four." }]);
  await using workers = await startWorkers({ upstream: upstream.url });
  assertEquals(workers.program.facts.workers as unknown, 2);
  const [first, second] = await workers.clients();
  for (let i = 0; i < 3; i++) await json(chat(first));
  for (let i = 0; i < 4; i++) await json(chat(second));
  for (const client of [first, second]) {
    const shown = await scrapeChats(client, 7);
    const model = { gen_ai_request_model: "m" };
    assertEquals(shown.sum("gen_ai_server_request_duration_seconds_count", model), 7);
    const all = { ...model, le: "+Inf" };
    assertEquals(shown.sum("gen_ai_server_request_duration_seconds_bucket", all), 7);
    const tokens = { gen_ai_token_type: "output" };
    assertEquals(shown.sum("gen_ai_client_token_usage_sum", tokens), 35);
    // The scrape itself is active, and both workers are one process.
    assertEquals(shown.sum("o1_api_requests_active"), 1);
    assertEquals(
      shown.samples.filter(({ name }) => name === "process_memory_usage_bytes").length,
      1,
    );
  }
  const created = [first, second].map(async (client) =>
    (await json(client.send("/v1/models"))).data
  );
  assertEquals(await created[0], await created[1]);
  await stop(workers);
});

for (const store of ["memory", "sqlite"]) {
  test(`two workers share a request limit, with the store ${store}`, async () => {
    await using upstream = startUpstream([{ content: "Four." }]);
    const hash = await sha256("alice");
    const yaml = `store: ${store}\nkeys: [{ name: alice, sha256: "${hash}", rpm: 20 }]`;
    await using workers = await startWorkers({ upstream: upstream.url, yaml });
    const pairs = await Promise.all(Array.from({ length: 4 }, () => workers.clients()));
    const start = performance.now();
    const answered = pairs.flat().map((client, i) => ({
      client,
      worker: i % 2,
      statuses: [] as number[],
    }));
    async function ask({ client, statuses }: typeof answered[number]): Promise<void> {
      const response = await chat(client, {}, { headers: { authorization: "Bearer alice" } });
      await response.bytes();
      statuses.push(response.status);
    }
    // Otherwise the clients of one worker could use up the limit before the others begin.
    await Promise.all(answered.map(ask));
    await Promise.all(answered.map(async (asking) => {
      while (asking.statuses.length < 8) await ask(asking);
    }));
    // The limit allows another request every 3 s.
    const refilled = Math.floor((performance.now() - start) / 3_000);
    const statuses = answered.flatMap(({ statuses }) => statuses);
    const passed = statuses.filter((status) => status === 200).length;
    assert(passed >= 20 && passed <= 20 + refilled, `${passed} passed`);
    assertEquals(statuses.filter((status) => status === 429).length, 64 - passed);
    assertEquals(upstream.calls.length, passed);
    for (const worker of [0, 1]) {
      const own = answered.filter((client) => client.worker === worker);
      assert(
        own.some(({ statuses }) => statuses.includes(200)),
        `worker ${worker + 1} accepted no request`,
      );
    }
    await stop(workers);
  });

  test(`both workers continue a chain of responses, with the store ${store}`, async () => {
    await using upstream = startUpstream([{ content: "Four." }]);
    await using workers = await startWorkers({ upstream: upstream.url, yaml: `store: ${store}` });
    const [first, second] = await workers.clients();
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
    await stop(workers);
  });

  test(`the other worker reads and cancels a background response, with the store ${store}`, async () => {
    const rest = Promise.withResolvers<void>();
    await using upstream = startUpstream([
      { content: ["Fo", "ur."], gate: (frame) => frame === 2 ? rest.promise : undefined },
    ]);
    await using workers = await startWorkers({ upstream: upstream.url, yaml: `store: ${store}` });
    const [first, second] = await workers.clients();
    const body = { model: "m", input: "2 + 2?", background: true };
    const { id, status } = await json(first.send("/v1/responses", body));
    assert(["queued", "in_progress"].includes(status));
    const path = `/v1/responses/${id}`;
    assert(["queued", "in_progress"].includes((await json(second.send(path))).status));
    const cancelled = await json(first.send("/v1/responses", body));
    const ended = await json(second.send(`/v1/responses/${cancelled.id}/cancel`, {}));
    assertEquals(ended.status, "cancelled");
    await upstream.calls[1]!.left;
    assertEquals((await json(first.send(`/v1/responses/${cancelled.id}`))).status, "cancelled");
    const stream = second.send(`${path}?stream=true`);
    rest.resolve();
    const events = parseEvents(await (await stream).text());
    assertEquals(events.at(-1).type, "response.completed");
    for (const client of await workers.clients()) {
      assertEquals((await json(client.send(path))).output[0].content[0].text, "Four.");
    }
  });
}

for (const limit of [2, 1]) {
  test(`two workers together respect max_concurrency: ${limit}, with at least one call each`, async () => {
    const { promise: opened, resolve: open } = Promise.withResolvers<void>();
    let maxOpen = 0;
    await using upstream = startUpstream(() => {
      maxOpen = Math.max(maxOpen, upstream.open);
      return { content: "Four.", before: opened };
    });
    await using workers = await startWorkers({
      upstream: upstream.url,
      settings: `max_concurrency: ${limit}`,
    });
    const clients = (await Promise.all([workers.clients(), workers.clients()])).flat();
    const answers = clients.map((client) => json(chat(client)));
    await upstream.called(2);
    // By the time both workers have answered again, they have also read the other two requests.
    await workers.clients();
    const admitted = upstream.calls.length;
    open();
    await Promise.all(answers);
    assertEquals([admitted, maxOpen, upstream.calls.length], [2, 2, 4]);
  });
}

test("the other worker restores the reasoning before a tool call", async () => {
  const toolCalls = [{ id: "call_1", name: "add", arguments: "{}" }];
  await using upstream = startUpstream(({ body }) => {
    const turn = body.messages[1];
    if (turn === undefined) return { reasoning: "I must add.", toolCalls, content: null };
    if (turn.reasoning_content !== undefined) return { content: "Four." };
    const error = { message: "The `reasoning_content` in the thinking mode must be passed back." };
    return { status: 400, body: JSON.stringify({ error }) };
  });
  await using workers = await startWorkers({ upstream: upstream.url });
  const [first, second] = await workers.clients();
  const { choices } = await json(chat(first));
  const { tool_calls } = choices[0].message;
  // A scrape takes the same path after it.
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

test("a reload is logged after both workers have it, and an invalid one changes neither", async () => {
  await using upstream = startUpstream([{ content: "Four." }]);
  await using workers = await startWorkers({ upstream: upstream.url });
  const both = await workers.clients();
  const ids = (client: WorkerClient) =>
    json(client.send("/v1/models")).then(({ data }) => data.map(({ id }: { id: string }) => id));
  await Deno.writeTextFile(workers.configPath, "modles: {}\n");
  // The file may have been read while it was still empty.
  assertStringIncludes(await workers.program.logged("modles: unknown key"), "was not reloaded");
  for (const client of both) assertEquals(await ids(client), ["m"]);
  const text = workersYaml({ upstream: upstream.url }).replace("models: { m:", "models: { other:");
  await Deno.writeTextFile(workers.configPath, text);
  await workers.program.logged("was reloaded");
  for (const client of both) assertEquals(await ids(client), ["other"]);
  const output = await stop(workers);
  assertEquals(output.split("was reloaded").length, 2);
});

test("on SIGTERM the streams of both workers finish before the process exits", async () => {
  const gate = Promise.withResolvers<void>();
  await using upstream = startUpstream([
    { content: ["one ", "two"], gate: (frame) => frame === 2 ? gate.promise : undefined },
  ]);
  await using workers = await startWorkers({ upstream: upstream.url });
  const spare = await workers.clients();
  const streams = [];
  for (const client of await workers.clients()) {
    const stream = readStream(await chat(client, { stream: true }));
    await stream.until(({ content }) => content === "one ");
    streams.push(stream);
  }
  workers.program.kill("SIGTERM");
  await workers.program.logged("draining");
  for (const client of spare) {
    await waitUntil("the worker to drain", async () => {
      const ready = await client.send("/readyz");
      await ready.bytes();
      return ready.status === 503;
    });
    const refused = await chat(client);
    assertEquals((await refused.json()).error.code, "server_shutdown");
  }
  gate.resolve();
  for (const stream of streams) {
    const { content } = await stream.until(({ done }) => done);
    assertEquals(content, "one two");
    await stream.cancel();
  }
  const { code, output } = await workers.program.ended;
  assertEquals(code, 0, output);
});

test("a crashed worker is replaced, and shared state is kept", async () => {
  await using upstream = startUpstream([{ content: "Four." }]);
  await using workers = await startWorkers({
    upstream: upstream.url,
    deno: ["--preload", preload("crashing_preload.ts")],
  });
  const { program } = workers;
  const [first, second] = await workers.clients();
  const { id } = await json(first.send("/v1/responses", { model: "m", input: "2 + 2?" }));
  for (const client of [first, second]) await json(chat(client));
  await scrapeChats(second, 2);
  program.kill("SIGUSR2");
  assertStringIncludes(await program.logged("crashed and will be replaced"), '"worker":1');
  // The other worker still serves.
  await json(chat(second));
  await program.logged("A worker was replaced");
  const both = await workers.clients();
  for (const client of both) {
    await json(client.send(`/v1/responses/${id}`));
    await json(chat(client));
  }
  await scrapeChats(both[0], 5);
  await stop(workers);
});

test("a port in use is reported, although workers could share it", async () => {
  await using upstream = startUpstream([]);
  await using workers = await startWorkers({ upstream: upstream.url });
  const { port } = new URL(workers.program.url);
  const { code, stderr } = await runProgram({
    command: workersCommand(),
    args: ["--config", workers.configPath, "--port", port],
  });
  assertEquals(code, 1);
  assertStringIncludes(stderr, `Port ${port} is in use.`);
});

Deno.test("one worker starts no thread", async () => {
  await using config = await writeConfig(workersYaml({ upstream: "demo:" }).replace("2 }", "1 }"));
  await using program = await startProgram({
    command: workersCommand(["--preload", preload("no_threads_preload.ts")]),
    args: ["--config", config.path],
  });
  assertEquals(Number(program.facts.workers), 1);
  const ready = await fetchInTime(program.url.replace("/v1", "/readyz"));
  assertEquals(ready.status, 200);
  await ready.body?.cancel();
});

Deno.test("without --unstable-net only one event loop runs, and a warning says what to do", async () => {
  await using config = await writeConfig(workersYaml({ upstream: "demo:" }));
  await using program = await startProgram({ args: ["--config", config.path] });
  assertEquals(Number(program.facts.workers), 1);
  const warning = await program.logged("server.workers");
  assertStringIncludes(warning, skipReason === undefined ? "--unstable-net" : "only Linux");
  const models = await fetchInTime(`${program.url}/models`, {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  assertEquals(models.status, 200);
  await models.body?.cancel();
});

for (const count of [1, 2]) {
  const reason = skipReason ?? NO_REDIS;
  Deno.test({
    ...skippedFor(reason, `/readyz is 503 while Redis hangs, with ${count} event loops`),
    async fn() {
      await using redis = await startRedis();
      await using config = await writeConfig(
        workersYaml({ upstream: "demo:", yaml: `store: "${redis.url}"` })
          .replace("workers: 2", `workers: ${count}`),
      );
      await using program = await startProgram({
        command: workersCommand(),
        args: ["--config", config.path],
      });
      const statusOf = async (path: string) => {
        const response = await fetchInTime(program.url.replace("/v1", path));
        await response.body?.cancel();
        return response.status;
      };
      const isReady = async () => await statusOf("/readyz") === 200;
      await waitUntil("/readyz to be 200", isReady);
      await redis.kill("SIGSTOP");
      await waitUntil("/readyz to be 503", async () => await statusOf("/readyz") === 503);
      assertEquals(await statusOf("/healthz"), 200);
      await redis.kill("SIGCONT");
      await waitUntil("/readyz to be 200 again", isReady);
    },
  });
}
