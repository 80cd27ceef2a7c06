import { assertEquals } from "@std/assert";
import { createTestApp } from "../../support/app.ts";
import { createFakeClock } from "../../support/clock.ts";
import { startUpstream } from "../../support/upstream.ts";
import { createCountingLimiter } from "./counting.ts";

for (
  const [limits, path, code] of [
    ["rpm: 1", "/v1/chat/completions", "rate_limit_exceeded"],
    ["tpm: 1", "/v1/chat/completions", "rate_limit_exceeded"],
    ["daily_tokens: 1", "/v1/chat/completions", "insufficient_quota"],
    ["parallel: 1", "/v1/chat/completions", "rate_limit_exceeded"],
    ["parallel: 1, rpm: 100", "/v1/chat/completions", "rate_limit_exceeded"],
    ["parallel: 1, daily_tokens: 100000", "/v1/chat/completions", "rate_limit_exceeded"],
    ["rpm: 1", "/v1/conversations", "rate_limit_exceeded"],
  ] as const
) {
  Deno.test(`a request to ${path} over the limits ${limits} costs one call of the limiter`, async () => {
    const gate = Promise.withResolvers<void>();
    const time = createFakeClock();
    await using upstream = startUpstream([{ content: "4", before: gate.promise }]);
    const limiter = createCountingLimiter(time.clock.date);
    const app = await createTestApp({
      upstream: upstream.url,
      clock: time.clock,
      yaml: `
upstreams: { u: { base_url: UPSTREAM } }
models: { m: { upstream: u, model: x } }
limits: { ${limits} }
`,
      limiter,
    });
    const first = app.chat({});
    await upstream.called();
    const before = limiter.calls;
    const rejected = await (path === "/v1/conversations" ? app.send(path, {}) : app.chat({}));
    assertEquals([rejected.status, (await rejected.json()).error.code], [429, code]);
    assertEquals(limiter.calls - before, 1);
    gate.resolve();
    await (await first).text();
  });
}

for (
  const [limits, calls] of [
    ["rpm: 10", 1],
    ["parallel: 1", 2],
    ["parallel: 1, rpm: 10", 3],
    ["tpm: 1000", 2],
  ] as const
) {
  Deno.test(`a request within the limits ${limits} costs ${calls} calls of the limiter`, async () => {
    await using upstream = startUpstream([{ content: "4" }]);
    const limiter = createCountingLimiter(Date.now);
    const app = await createTestApp({
      upstream: upstream.url,
      limiter,
      yaml: `
upstreams: { u: { base_url: UPSTREAM } }
models: { m: { upstream: u, model: x } }
limits: { ${limits} }
`,
    });
    await (await app.chat({})).text();
    await app.drain(0);
    assertEquals(limiter.calls, calls);
  });
}
