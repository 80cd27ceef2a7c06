/** Background responses whose server is killed, stopped or restarted, in processes of their own. */
import { assert, assertEquals } from "@std/assert";
import {
  PERMISSIONS,
  type Program,
  ROOT,
  startProgram,
  writeConfig,
} from "../../support/program.ts";
import { createDatabase, NO_POSTGRES } from "../../support/stores/postgres.ts";
import { NO_REDIS, startRedis } from "../../support/stores/redis.ts";
import { startRedisCluster } from "../../support/stores/redis_topologies.ts";
import { type Event, joined, readEvents } from "../../support/parsers/responses.ts";
import { testTogether } from "../../support/together.ts";
import { startUpstream } from "../../support/upstream.ts";
import { fetchInTime, waitUntil } from "../../support/wait.ts";

const TOKEN = "a-token-of-its-own";
const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };

const get = (program: Program, path: string) => fetchInTime(`${program.url}${path}`, { headers });

async function json(response: Response | Promise<Response>): Promise<Event> {
  const { status } = await response;
  const body = await (await response).json();
  assertEquals(status, 200, JSON.stringify(body));
  return body;
}

const begin = (program: Program, input: string) =>
  json(fetchInTime(`${program.url}/responses`, {
    method: "POST",
    headers,
    body: JSON.stringify({ model: "m", input, background: true }),
  }));

async function stream(program: Program, id: string, after = -1) {
  const response = await get(program, `/responses/${id}?stream=true&starting_after=${after}`);
  if (response.status !== 200) throw new Error(await response.text());
  return readEvents(response);
}

/** An upstream whose first answer to each question stops after its first word. */
function startStallingUpstream() {
  const asked = new Set<string>();
  return startUpstream(({ body }) => {
    const question: string = body.messages.at(-1).content;
    const isFirst = !asked.has(question);
    asked.add(question);
    return {
      content: ["The ", "answer ", `to ${question}.`],
      gate: (frame) => isFirst && frame >= 2 ? new Promise(() => {}) : undefined,
    };
  });
}

interface World extends AsyncDisposable {
  start(): Promise<Program>;
}

async function createWorld(upstream: string, store: string | undefined): Promise<World> {
  const folder = await Deno.makeTempDir();
  const config = await writeConfig(`
api_bearer_token: "${TOKEN}"
store: "${store ?? `sqlite:${folder}/o1-api.db`}"
upstreams: { u: { base_url: "${upstream}" } }
models: { m: { upstream: u, model: x, strategy: direct } }
server: { host: 127.0.0.1, shutdown_grace_ms: 1 }
`);
  return {
    start: () =>
      startProgram({
        args: ["--config", config.path],
        command: {
          path: Deno.execPath(),
          args: ["run", ...PERMISSIONS, `--allow-write=${folder}`, `${ROOT}main.ts`],
        },
      }),
    async [Symbol.asyncDispose]() {
      await config[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Asserts that the events have the numbers from the first to the last one. */
function assertWhole(events: readonly Event[], first = 0): void {
  assertEquals(
    events.map(({ sequence_number }) => sequence_number),
    events.map((_, at) => first + at),
  );
}

async function testTakeover(
  start: () => Promise<{ url: string | undefined } & AsyncDisposable>,
): Promise<void> {
  await using store = await start();
  await using upstream = startStallingUpstream();
  await using world = await createWorld(upstream.url, store.url);
  await using killed = await world.start();
  await using stopped = await world.start();
  await using living = await world.start();
  await using other = await world.start();

  const ids = [(await begin(killed, "A")).id, (await begin(stopped, "B")).id] as const;
  const near = await stream(stopped, ids[1]);
  const far = await Promise.all(ids.map((id) => stream(living, id)));
  for (const reader of [near, ...far]) await reader.until("output_text.delta");
  const countRequests = async () => {
    const { data } = await json(get(living, "/usage"));
    return data.reduce((sum: number, row: Event) => sum + row.requests, 0);
  };
  await waitUntil("the usage of two requests", async () => await countRequests() === 2);
  killed.kill("SIGKILL");
  stopped.kill("SIGSTOP");

  for (const [at, question] of ["A", "B"].entries()) {
    const id = ids[at]!;
    await far[at]!.until("completed");
    const events = await far[at]!.rest();
    const completed = await json(get(other, `/responses/${id}`));
    assertEquals(completed.status, "completed");
    assertEquals(completed.output.at(-1).content[0].text, `The answer to ${question}.`);
    assertEquals(completed.output.length, 1);
    assertEquals(events.at(-1).response, completed);
    assertWhole(events);
    // A client continues on a server that had no part in it.
    const last = events.findIndex(({ type }) => type === "response.output_text.delta");
    const rest = await (await stream(other, id, last)).rest();
    assertEquals(rest, events.slice(last + 1));
  }
  assertEquals(upstream.calls.length, 4);

  // The stopped server goes on. It ends its call, and its reader gets the other's answer.
  stopped.kill("SIGCONT");
  const stalled = upstream.calls.find(({ body }) => body.messages.at(-1).content === "B")!;
  await stalled.left;
  const events = await near.rest();
  const completed = await json(get(stopped, `/responses/${ids[1]}`));
  assertEquals(events.at(-1).response, completed);
  assertWhole(events);
  assertEquals(completed, await json(get(living, `/responses/${ids[1]}`)));
  assertEquals(await countRequests(), 2);
}

async function testRestarts(): Promise<void> {
  await using upstream = startStallingUpstream();
  await using world = await createWorld(upstream.url, undefined);
  const ids: string[] = [];
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    await using program = await world.start();
    const { id } = await begin(program, signal);
    const reader = await stream(program, id);
    const events = await reader.until("output_text.delta");
    program.kill(signal);
    await program.ended;
    // The stream of the client breaks off, or ends without a final event.
    const rest = await reader.rest().catch(() => events);
    assert(!rest.some(({ type }) => /failed|error|completed/.test(type)), JSON.stringify(rest));
    ids.push(id);
  }
  await using program = await world.start();
  for (const [at, id] of ids.entries()) {
    await waitUntil("the completed response", async () => {
      const { status } = await json(get(program, `/responses/${id}`));
      return status === "completed";
    }, () => new Promise((resolve) => setTimeout(resolve, 200)));
    const reader = await stream(program, id);
    const events = await reader.rest();
    assertWhole(events);
    const text = `The answer to ${["SIGTERM", "SIGKILL"][at]}.`;
    assertEquals(events.at(-1).response.output[0].content[0].text, text);
    assert(joined(events, "output_text").endsWith(text));
  }
}

/** Only the programs of SQLite share a file instead of a server. */
const inFile = { url: undefined, [Symbol.asyncDispose]: () => Promise.resolve() };

// They wait for leases most of the time.
testTogether("no background response of a killed or stopped server is lost or completed twice", [
  { name: "over SQLite", run: () => testTakeover(() => Promise.resolve(inFile)) },
  { name: "over Redis", skipReason: NO_REDIS, run: () => testTakeover(() => startRedis()) },
  {
    name: "over a Redis Cluster",
    skipReason: NO_REDIS,
    run: () => testTakeover(() => startRedisCluster()),
  },
  { name: "over Postgres", skipReason: NO_POSTGRES, run: () => testTakeover(createDatabase) },
  { name: "in restarts of one server with SQLite", run: testRestarts },
]);
