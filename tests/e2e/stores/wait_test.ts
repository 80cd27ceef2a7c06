import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { freePort } from "../../support/port.ts";
import { runProgram, startProgram, writeConfig } from "../../support/program.ts";
import { NO_REDIS, startRedis } from "../../support/stores/redis.ts";
import { skippedFor } from "../../support/skip.ts";
import { fetchInTime, waitUntil } from "../../support/wait.ts";
import { workersCommand } from "../workers/program.ts";

const headers = { authorization: "Bearer t", connection: "close" };

const configFor = (store: string, more = "") =>
  writeConfig(`
api_bearer_token: t
store: "${store}"
limits: { rpm: 1000 }
${more}
`);

const respond = (url: string) =>
  fetchInTime(`${url}/responses`, {
    method: "POST",
    headers,
    body: JSON.stringify({ model: "demo", input: "Hi" }),
  });

/** Asks several times, because each connection belongs to one worker. */
async function readiness(url: string): Promise<[status: number, body: unknown][]> {
  return await Promise.all(Array.from({ length: 8 }, async (): Promise<[number, unknown]> => {
    const response = await fetchInTime(url.replace("/v1", "/readyz"), { headers });
    return [response.status, await response.json()];
  }));
}

for (const workers of Deno.build.os === "linux" ? [1, 2] : [1]) {
  const name = `a server that starts before its Redis is ready once Redis is, workers: ${workers}`;
  Deno.test({
    ...skippedFor(NO_REDIS, name),
    async fn() {
      const port = freePort();
      await using config = await configFor(
        `redis://127.0.0.1:${port}`,
        `server: { workers: ${workers} }`,
      );
      await using program = await startProgram({
        command: workersCommand(),
        args: ["--config", config.path],
      });
      assertStringIncludes(await program.logged("it waits for its store"), "ECONNREFUSED");
      // A worker is ready until its first check has ended.
      await waitUntil(
        "no worker to be ready",
        async () => (await readiness(program.url)).every(([status]) => status === 503),
      );
      for (const answer of await readiness(program.url)) {
        assertEquals(answer, [503, { status: "unavailable", failing: ["store", "limits"] }]);
      }
      const health = await fetchInTime(program.url.replace("/v1", "/healthz"));
      assertEquals((await health.json()).status, "ok");
      const refused = await respond(program.url);
      assertEquals(refused.status, 503);
      assert(Number(refused.headers.get("retry-after")) > 0);
      await refused.body?.cancel();
      await using _redis = await startRedis({ port });
      await waitUntil(
        "all workers to be ready",
        async () => (await readiness(program.url)).every(([status]) => status === 200),
      );
      await program.logged("The store answers");
      for (let i = 0; i < 4; i++) {
        const answered = await respond(program.url);
        assertEquals([answered.status, (await answered.json()).status], [200, "completed"]);
      }
      program.kill("SIGTERM");
      assertEquals((await program.ended).code, 0);
    },
  });
}

Deno.test("a server whose store does not answer in time exits with the reason", async () => {
  const port = freePort();
  async function listensWithin(waitMs: number): Promise<boolean> {
    await using config = await configFor(`redis://127.0.0.1:${port}`, `store_wait_ms: ${waitMs}`);
    const args = ["--config", config.path, "--port", "0"];
    const { code, stdout, stderr } = await runProgram({ args });
    assertEquals(code, 1);
    assertStringIncludes(stderr, `Cannot use Redis at 127.0.0.1:${port}`);
    return stdout.includes("o1-api listens");
  }
  assertEquals(await listensWithin(0), false);
  // A busy machine may need longer to start listening.
  const hasListened = await listensWithin(3_000) || await listensWithin(12_000) ||
    await listensWithin(60_000);
  assert(hasListened);
});

Deno.test("a server that waits for its store stops on SIGTERM", async () => {
  await using config = await configFor(`redis://127.0.0.1:${freePort()}`);
  await using program = await startProgram({ args: ["--config", config.path] });
  program.kill("SIGTERM");
  assertEquals((await program.ended).code, 0);
});

Deno.test({
  ...skippedFor(NO_REDIS, "a wrong password ends the start at once, even while it waits"),
  async fn() {
    const port = freePort();
    await using config = await configFor(`redis://:wrong-one@127.0.0.1:${port}`);
    await using program = await startProgram({ args: ["--config", config.path] });
    await using _redis = await startRedis({ port, args: ["--requirepass", "right-one"] });
    const args = ["--config", config.path, "--port", "0"];
    const second = await runProgram({ args });
    for (const output of [(await program.ended).output, second.stderr]) {
      assertStringIncludes(output, "WRONGPASS");
      assert(!output.includes("wrong-one"));
    }
    assertEquals([(await program.ended).code, second.code], [1, 1]);
    assert(!second.stdout.includes("o1-api listens"));
  },
});
