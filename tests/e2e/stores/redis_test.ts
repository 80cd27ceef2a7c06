import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  PERMISSIONS,
  type Program,
  ROOT,
  runProgram,
  startProgram,
  writeConfig,
} from "../../support/program.ts";
import { NO_REDIS, startRedis } from "../../support/stores/redis.ts";
import {
  ACL_RULE,
  createCertificates,
  NO_OPENSSL,
  startRedisCluster,
  startRedisSentinels,
} from "../../support/stores/redis_topologies.ts";
import { skippedFor } from "../../support/skip.ts";
import { startUpstream } from "../../support/upstream.ts";
import { fetchInTime } from "../../support/wait.ts";

const PASSWORD = "geh/eim&1";

async function respond(program: Program, input: string, more: object = {}) {
  const response = await fetchInTime(`${program.url}/responses`, {
    method: "POST",
    headers: { authorization: "Bearer t", connection: "close" },
    body: JSON.stringify({ model: "m", input, ...more }),
  });
  return { status: response.status, body: await response.json() };
}

/** Lines of a configuration with this store. */
const withStore = (url: string, upstream: string, more = "") => `
api_bearer_token: t
secret: "a secret of all servers"
store: "${url}"
upstreams: { u: { base_url: "${upstream}" } }
models: { m: { strategy: direct, upstream: u, model: x } }
limits: { rpm: 4, parallel: 100, daily_tokens: 10000000 }
${more}
`;

/** Asserts that two servers share what they store and their limits. */
async function assertShared(url: string, more = ""): Promise<void> {
  await using upstream = startUpstream((call) => ({ content: `answer ${call.index}` }));
  await using config = await writeConfig(withStore(url, upstream.url, more));
  const path = Deno.execPath();
  const args = ["run", ...PERMISSIONS, "--unstable-net", `${ROOT}main.ts`];
  const start = () => startProgram({ command: { path, args }, args: ["--config", config.path] });
  await using first = await start();
  await using second = await start();
  assertEquals(Number(first.facts.workers), more.includes("workers: 2") ? 2 : 1);
  const begun = performance.now();
  const asked = await respond(first, "one");
  assertEquals([asked.status, asked.body.status], [200, "completed"]);
  const continued = await respond(second, "two", { previous_response_id: asked.body.id });
  assertEquals(continued.status, 200, JSON.stringify(continued.body));
  assertEquals(
    upstream.calls.at(-1)!.body.messages.map(({ content }: { content: string }) => content),
    ["one", "answer 0", "two"],
  );
  const statuses = [200, 200];
  for (let i = 0; i < 8 && statuses.at(-1) === 200; i++) {
    statuses.push((await respond(i % 2 === 0 ? first : second, "more")).status);
  }
  // The limit allows another request every 15 s.
  const refilled = Math.floor((performance.now() - begun) / 15_000);
  assertEquals(statuses.pop(), 429);
  assert(statuses.length >= 4 && statuses.length <= 4 + refilled, statuses.join());
}

Deno.test({
  ...skippedFor(NO_REDIS, "servers share a Redis Cluster"),
  async fn() {
    await using cluster = await startRedisCluster();
    await assertShared(cluster.url);
  },
});

Deno.test({
  ...skippedFor(NO_REDIS, "servers share Redis with Sentinels"),
  async fn() {
    await using sentinels = await startRedisSentinels();
    await assertShared(sentinels.url);
  },
});

Deno.test({
  ...skippedFor(
    NO_OPENSSL,
    "servers share Redis over TLS with a private CA and minimal permissions",
  ),
  async fn(t) {
    await using certificates = await createCertificates();
    const { folder, args } = certificates;
    const users = `user default off\nuser app on >${PASSWORD} ${ACL_RULE}\n`;
    await Deno.writeTextFile(`${folder}/users`, users);
    await using redis = await startRedis({
      args: [...args, "--aclfile", `${folder}/users`],
      tls: true,
    });
    const url = redis.url.replace("//", `//app:${encodeURIComponent(PASSWORD)}@`);

    await t.step("several event loops share Redis too", async () => {
      await assertShared(url, `store_ca_file: "${folder}/ca.crt"\nserver: { workers: 2 }`);
    });

    await t.step("a server without the CA fails with the reason, without a secret", async () => {
      await using config = await writeConfig(withStore(url, "http://127.0.0.1:8080"));
      const { code, stderr } = await runProgram({ args: ["--config", config.path] });
      assertEquals(code, 1);
      assertStringIncludes(stderr, "certificate");
      assertEquals(stderr.includes("geh"), false, stderr);
    });
  },
});
