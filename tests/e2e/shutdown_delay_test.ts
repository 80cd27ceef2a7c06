import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { readStream } from "../support/app.ts";
import { runProgram, startProgram, writeConfig } from "../support/program.ts";
import { skippedFor } from "../support/skip.ts";
import { startUpstream } from "../support/upstream.ts";
import { fetchInTime, waitUntil } from "../support/wait.ts";
import { workersCommand } from "./workers/program.ts";

/** Each on a connection of its own, because a connection belongs to one worker. */
const init = (body?: object): RequestInit => ({
  headers: { authorization: "Bearer t", connection: "close" },
  ...(body && { method: "POST", body: JSON.stringify(body) }),
});

async function statusesOf(url: string): Promise<number[]> {
  return await Promise.all(Array.from({ length: 8 }, async () => {
    const response = await fetchInTime(url, init());
    await response.body?.cancel();
    return response.status;
  }));
}

/** Delays between SIGTERM and the end of work, in ms. A busy machine may need a longer one to look. */
const DELAYS_MS = [3_000, 12_000, 60_000];

/** Returns false if the delay was over before the statuses were known. */
async function testDelay(workers: number, delayMs: number): Promise<boolean> {
  const gate = Promise.withResolvers<void>();
  await using upstream = startUpstream(({ body }) => ({
    content: ["one ", "two"],
    gate: (frame) => frame === 2 && body.stream ? gate.promise : undefined,
  }));
  await using config = await writeConfig(`
api_bearer_token: t
store: memory
upstreams: { u: { base_url: "${upstream.url}" } }
models: { m: { upstream: u, model: x } }
server: { workers: ${workers}, shutdown_delay_ms: ${delayMs} }
`);
  await using program = await startProgram({
    command: workersCommand(),
    args: ["--config", config.path],
  });
  const ready = `${program.url.replace("/v1", "")}/readyz`;
  const messages = [{ role: "user", content: "Hi" }];
  const ask = (stream: boolean) =>
    fetchInTime(`${program.url}/chat/completions`, init({ model: "m", stream, messages }));
  assertEquals(new Set(await statusesOf(ready)), new Set([200]));
  const stream = readStream(await ask(true));
  await stream.until(({ content }) => content === "one ");
  const begun = performance.now();
  program.kill("SIGTERM");
  await waitUntil(
    "no worker to be ready",
    async () => (await statusesOf(ready)).every((status) => status === 503),
  );
  const asked = await Promise.all(Array.from({ length: 8 }, () => ask(false)));
  const statuses = await Promise.all(asked.map(async (response) => {
    await response.body?.cancel();
    return response.status;
  }));
  const isKnown = performance.now() - begun < delayMs;
  if (isKnown) assertEquals(statuses, asked.map(() => 200));
  await waitUntil("work to be refused", async () => {
    const response = await ask(false);
    const { error } = await response.json();
    if (response.status === 200) return false;
    assertEquals([response.status, error.code], [503, "server_shutdown"]);
    return true;
  });
  assert(performance.now() - begun >= delayMs);
  gate.resolve();
  assertEquals((await stream.until(({ done }) => done)).content, "one two");
  await stream.cancel();
  assertEquals((await program.ended).code, 0);
  return isKnown;
}

for (const workers of [1, 2]) {
  const reason = workers > 1 && Deno.build.os !== "linux" ? "only Linux runs workers" : undefined;
  const name = `after SIGTERM, /readyz is 503 before work is refused, with ${workers} workers`;
  Deno.test({
    ...skippedFor(reason, name),
    async fn() {
      let isKnown = false;
      for (const delayMs of DELAYS_MS) isKnown ||= await testDelay(workers, delayMs);
      assert(isKnown, "the machine is too busy to look within the delay");
    },
  });
}

Deno.test("Ctrl-C skips the delay, and ends a running delay when it is repeated", async () => {
  const env = { O1_API_SHUTDOWN_DELAY_MS: "600000" };
  await using first = await startProgram({ env });
  first.kill("SIGINT");
  assertEquals((await first.ended).code, 0);
  await using second = await startProgram({ env });
  second.kill("SIGTERM");
  await second.logged('"delay_ms":600000');
  let code: number | undefined;
  const ended = second.ended.then((end) => code = end.code);
  await waitUntil("the program to exit", () => code !== undefined, () => {
    if (code === undefined) second.kill("SIGINT");
    return new Promise((resolve) => setTimeout(resolve, 100));
  });
  assertEquals(await ended, 130);
});

Deno.test("a start with an invalid delay in the environment fails", async () => {
  const { code, stderr } = await runProgram({ env: { O1_API_SHUTDOWN_DELAY_MS: "5s" } });
  assertEquals(code, 1);
  assertStringIncludes(stderr, "O1_API_SHUTDOWN_DELAY_MS: expected a whole number");
});
