import { assertEquals } from "@std/assert";
import { parseConfig } from "../../lib/config/load.ts";
import { resolveConfig } from "../../lib/config/resolve.ts";
import { createTestApp, TOKEN } from "../support/app.ts";
import { type Reply, startUpstream } from "../support/upstream.ts";

const ok: Reply = { content: "ok" };
const env = () => undefined;

/** An app with one model, whose upstreams are tried in order, and a reload of its upstreams. */
async function createReloadable(upstreams: Record<string, Record<string, unknown>>) {
  const textOf = (upstreams: Record<string, unknown>) =>
    JSON.stringify({
      api_bearer_token: TOKEN,
      upstreams,
      models: { m: { upstream: Object.keys(upstreams), model: "x" } },
    });
  const app = await createTestApp({ upstream: "", yaml: textOf(upstreams), tokenLine: "" });
  return {
    async ask() {
      const response = await app.chat({});
      await response.body?.cancel();
      return response.status;
    },
    async reload(next: Record<string, Record<string, unknown>> = upstreams) {
      const readFile = () => Promise.reject(new Error("no file"));
      const config = await parseConfig(textOf(next), { file: "config.yaml", env, readFile });
      app.reload(resolveConfig(config, { env }));
    },
  };
}

/** An upstream that answers no call before `answer` is called. */
function startSilentUpstream() {
  const gate = Promise.withResolvers<void>();
  let mostOpen = 0;
  const upstream = startUpstream(() => {
    mostOpen = Math.max(mostOpen, upstream.open);
    return { ...ok, before: gate.promise };
  });
  return {
    upstream,
    answer: gate.resolve,
    mostOpen: () => mostOpen,
    [Symbol.asyncDispose]: upstream[Symbol.asyncDispose],
  };
}

Deno.test("at most max_concurrency calls run at once, however often the configuration is reloaded", async () => {
  await using silent = startSilentUpstream();
  const { ask, reload } = await createReloadable({
    u: { base_url: silent.upstream.url, max_concurrency: 1 },
  });
  const answers = [];
  for (let i = 0; i < 3; i++) {
    answers.push(ask());
    await silent.upstream.called();
    await reload();
  }
  silent.answer();
  assertEquals(await Promise.all(answers), [200, 200, 200]);
  assertEquals(silent.mostOpen(), 1);
});

Deno.test("a reload that raises max_concurrency lets waiting calls run", async () => {
  await using silent = startSilentUpstream();
  const base_url = silent.upstream.url;
  const { ask, reload } = await createReloadable({ u: { base_url, max_concurrency: 1 } });
  const answers = [ask(), ask(), ask()];
  await silent.upstream.called();
  await reload({ u: { base_url, max_concurrency: 2 } });
  await silent.upstream.called(2);
  silent.answer();
  assertEquals(await Promise.all(answers), [200, 200, 200]);
  assertEquals(silent.mostOpen(), 2);
});

Deno.test("an upstream that is skipped stays so after a reload, until its address changes", async () => {
  await using bad = startUpstream([{ status: 404, body: "{}" }]);
  await using good = startUpstream([ok]);
  const breaker = { min_calls: 2, cooldown_ms: 60_000 };
  const upstreams = { bad: { base_url: bad.url, breaker }, good: { base_url: good.url } };
  const { ask, reload } = await createReloadable(upstreams);
  for (let i = 0; i < 3; i++) assertEquals(await ask(), 200);
  assertEquals(bad.calls.length, 2);
  await reload();
  assertEquals(await ask(), 200);
  assertEquals(bad.calls.length, 2, "still skipped");
  await reload({ ...upstreams, bad: { base_url: `${bad.url}/other`, breaker } });
  assertEquals(await ask(), 200);
  assertEquals(bad.calls.map(({ path }) => path), [
    "/v1/chat/completions",
    "/v1/chat/completions",
    "/v1/other/chat/completions",
  ]);
});

Deno.test("a key that replaced a rejected one stays in use after a reload, while it is configured", async () => {
  await using upstream = startUpstream(({ headers }) =>
    headers.get("authorization") === "Bearer k1" ? { status: 401, body: "{}" } : ok
  );
  const base_url = upstream.url;
  const { ask, reload } = await createReloadable({ u: { base_url, api_key: ["k1", "k2"] } });
  const keys = () => upstream.calls.map((call) => call.headers.get("authorization"));
  await ask();
  await reload();
  await ask();
  assertEquals(keys(), ["Bearer k1", "Bearer k2", "Bearer k2"]);
  await reload({ u: { base_url, api_key: ["k3", "k4"] } });
  await ask();
  assertEquals(keys().slice(3), ["Bearer k3"]);
});
