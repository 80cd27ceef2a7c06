import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { NO_POSTGRES, startPostgres } from "../../support/stores/postgres.ts";
import { type Program, runProgram, startProgram, writeConfig } from "../../support/program.ts";
import { skippedFor } from "../../support/skip.ts";
import { startUpstream } from "../../support/upstream.ts";
import { fetchInTime, waitUntil } from "../../support/wait.ts";

const PASSWORD = "geh/eim&1";

const headers = { authorization: "Bearer t", connection: "close" };

async function ask(program: Program, path: string, body?: object) {
  const response = await fetchInTime(`${program.url}${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers,
    ...body !== undefined && { body: JSON.stringify(body) },
  });
  return { status: response.status, body: await response.json() };
}

const respond = (program: Program, input: string, more: object = {}) =>
  ask(program, "/responses", { model: "m", input, ...more });

Deno.test({
  ...skippedFor(NO_POSTGRES, "servers with one Postgres lose nothing that was acknowledged"),
  async fn(t) {
    await using server = await startPostgres();
    await server.sql("postgres", `create role app login password '${PASSWORD}'`);
    const database = await server.createDatabase("owner app");
    await using upstream = startUpstream((call) => ({ content: `answer ${call.index}` }));
    await using config = await writeConfig(`
api_bearer_token: t
secret: "a secret of all servers"
store: "${server.urlOf(database, `app:${encodeURIComponent(PASSWORD)}`)}"
upstreams: { u: { base_url: "${upstream.url}" } }
models: { m: { strategy: direct, upstream: u, model: x } }
limits: { rpm: 1000, parallel: 100, daily_tokens: 10000000 }
`);
    const start = () => startProgram({ args: ["--config", config.path] });
    await using first = await start();
    await using second = await start();
    let id = "";

    await t.step("a conversation continues on another server", async () => {
      const asked = await respond(first, "one");
      assertEquals([asked.status, asked.body.status], [200, "completed"]);
      id = asked.body.id;
      const continued = await respond(second, "two", { previous_response_id: id });
      assertEquals(continued.status, 200, JSON.stringify(continued.body));
      assertEquals(
        upstream.calls.at(-1)!.body.messages.map(({ content }: { content: string }) => content),
        ["one", "answer 0", "two"],
      );
      assertEquals((await ask(second, `/responses/${id}`)).body.id, id);
    });

    await t.step("answers of a killed server can be read on another", async () => {
      const last = await respond(first, "three", { previous_response_id: id });
      first.kill("SIGKILL");
      await first.ended;
      const found = await ask(second, `/responses/${last.body.id}`);
      assertEquals([found.status, found.body.id], [200, last.body.id]);
    });

    await t.step("a server survives a crash of Postgres without a restart", async () => {
      let stops = 0;
      let answered = 0;
      const stored = new Set([id]);
      const traffic = Array.from({ length: 4 }, async () => {
        while (stops === 0 || answered === 0) {
          const { status, body } = await respond(second, "more");
          assert(status === 200 || status === 503, `${status}: ${JSON.stringify(body)}`);
          if (status === 200 && body.store) stored.add(body.id);
          if (status === 200 && stops > 0) answered++;
        }
      });
      await waitUntil("an answer", () => Promise.resolve(stored.size > 5));
      await server.stop("SIGQUIT");
      await waitUntil("503", async () => (await respond(second, "more")).status === 503);
      await server.start();
      stops++;
      await Promise.all(traffic);
      // An answer that took its limits before the crash may be stored before the limits are back.
      await waitUntil("200", async () => (await ask(second, `/responses/${id}`)).status === 200);
      for (const id of stored) {
        assertEquals((await ask(second, `/responses/${id}`)).status, 200, id);
      }
      await second.logged("is restored");
    });

    await t.step("usage includes all servers", async () => {
      let requests = 0;
      await waitUntil("the usage to be stored", async () => {
        const { body } = await ask(second, "/usage");
        requests = body.data.reduce(
          (sum: number, row: { requests: number }) => sum + row.requests,
          0,
        );
        return requests >= 5;
      });
    });

    await t.step("no log contains the password", async () => {
      second.kill("SIGTERM");
      for (const { output } of [await first.ended, await second.ended]) {
        assert(!output.includes("geh"), output);
      }
      assertEquals((await second.ended).code, 0);
    });
  },
});

for (
  const [name, url, reason] of [
    [
      "without a database",
      "postgres://app:geheim@127.0.0.1",
      "needs a user, a host and a database",
    ],
    ["with a bare password", "postgres://app:geh/eim@127.0.0.1/db", "percent-encoded"],
    ["with a wrong sslmode", "postgres://app:geheim@127.0.0.1/db?sslmode=geheim", "sslmode"],
    [
      "with a parameter",
      "postgresql://app:geheim@127.0.0.1/db?geheim=1",
      "only have the parameter sslmode",
    ],
    ["with a wrong encoding", "postgres://app:geh%zz@127.0.0.1/db", "% that is not followed"],
    ["with a CA", "postgres://a@127.0.0.1/db?sslrootcert=geh", "'store_ca_file' replaces"],
  ] as const
) {
  Deno.test(`check reports the line of a Postgres URL ${name}`, async () => {
    await using config = await writeConfig(`api_bearer_token: t\nstore: "${url}"\n`);
    const { code, stderr } = await runProgram({ args: ["check", "--config", config.path] });
    assertEquals(code, 1);
    assertStringIncludes(stderr, `${config.path}:2: store: `);
    assertStringIncludes(stderr, reason);
    assert(!stderr.includes("geh"), stderr);
  });
}

Deno.test({
  ...skippedFor(NO_POSTGRES, "a server that starts before its Postgres is ready once Postgres is"),
  async fn() {
    await using server = await startPostgres();
    await server.stop();
    const url = server.urlOf("postgres").replace("127.0.0.1", "localhost");
    await using config = await writeConfig(`
api_bearer_token: t
store: "${url}"
upstreams: { u: { base_url: "demo:" } }
models: { m: { upstream: u } }
limits: { rpm: 1000 }
`);
    await using program = await startProgram({ args: ["--config", config.path] });
    assertStringIncludes(await program.logged("it waits for its store"), "ECONNREFUSED");
    assertEquals((await respond(program, "a")).status, 503);
    await server.start();
    await program.logged("The store answers");
    assertEquals((await respond(program, "a")).status, 200);
  },
});

Deno.test({
  ...skippedFor(NO_POSTGRES, "a start with a wrong password fails and names the reason"),
  async fn() {
    await using server = await startPostgres();
    await using config = await writeConfig(
      `api_bearer_token: t\nstore: "${server.urlOf("postgres", "app:geheim")}"\n`,
    );
    const { code, stderr } = await runProgram({
      args: ["--config", config.path, "--port", "0"],
    });
    assertEquals(code, 1);
    assertStringIncludes(stderr, "store: Cannot use Postgres at 127.0.0.1:");
    assertStringIncludes(stderr, "password authentication failed");
    assert(!stderr.includes("geheim"), stderr);
  },
});
