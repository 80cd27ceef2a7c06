import { assertEquals } from "@std/assert";
import { parseConfig } from "../../../lib/config/load.ts";
import { resolveConfig } from "../../../lib/config/resolve.ts";
import { createTestApp, TOKEN } from "../../support/app.ts";
import { createFakeClock } from "../../support/clock.ts";
import { startUpstream } from "../../support/upstream.ts";

const env = () => undefined;

Deno.test("limits that are reloaded count what was used before", async () => {
  await using upstream = startUpstream([{ content: "Hi" }]);
  const { clock } = createFakeClock();
  const textOf = (limits: object) =>
    JSON.stringify({
      api_bearer_token: TOKEN,
      upstreams: { u: { base_url: upstream.url } },
      models: { m: { upstream: "u", model: "x" } },
      limits,
    });
  const app = await createTestApp({
    upstream: upstream.url,
    clock,
    yaml: textOf({ daily_tokens: 20 }),
    tokenLine: "",
  });
  const statusOf = async () => {
    const response = await app.chat({ max_tokens: 5 });
    await response.text();
    return response.status;
  };
  const statuses = [await statusOf(), await statusOf()];
  for (const daily_tokens of [40, 30]) {
    const readFile = () => Promise.reject(new Error("no file"));
    const text = textOf({ daily_tokens });
    const config = await parseConfig(text, { file: "config.yaml", env, readFile });
    app.reload(resolveConfig(config, { env }));
    statuses.push(await statusOf());
  }
  // Each request uses 15 tokens.
  assertEquals(statuses, [200, 429, 200, 429]);
  await app.drain(0);
});
