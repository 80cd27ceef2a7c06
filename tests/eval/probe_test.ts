import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { InputError } from "../../lib/eval/input_error.ts";
import { listModels } from "../../lib/eval/probe.ts";
import { remoteTarget } from "../../lib/eval/target.ts";
import { systemClock } from "../../lib/clock.ts";
import { createFakeClock } from "../support/clock.ts";
import { freePort } from "../support/port.ts";
import { startUpstream } from "../support/upstream.ts";

const { signal } = new AbortController();

const startListing = (script: Parameters<typeof startUpstream>[0]) =>
  startUpstream(script, { listsModels: true });
const list = (url: string, key?: string) =>
  listModels(remoteTarget(url, key), { clock: systemClock, signal });

Deno.test("the models of an API are requested with the key", async () => {
  const body = '{"object": "list", "data": [{"id": "a"}, {"id": "b"}]}';
  await using upstream = startListing([{ body }]);
  assertEquals(await list(upstream.url, "k"), ["a", "b"]);
  const [{ path, headers }] = upstream.calls as [typeof upstream.calls[0]];
  assertEquals([path, headers.get("authorization")], ["/v1/models", "Bearer k"]);
});

Deno.test("an API without a list of models passes", async () => {
  for (
    const reply of [
      { status: 404, body: "no such page" },
      { status: 403, body: "{}" },
      { body: "<html>" },
      { body: '{"data": [{}]}' },
    ]
  ) {
    await using upstream = startListing([reply]);
    assertEquals(await list(upstream.url), undefined);
  }
});

Deno.test("a rejected key and an unreachable API are reported", async () => {
  await using upstream = startListing([{ status: 401, body: '{"error": {"message": "No."}}' }]);
  const refused = await assertRejects(() => list(upstream.url, "k"), InputError);
  assertEquals(refused.message, `${upstream.url} rejects the API key: No.`);

  const url = `http://127.0.0.1:${freePort()}/v1`;
  const closed = await assertRejects(() => list(url), InputError);
  assertStringIncludes(closed.message, `Can't reach ${url}: `);
  assertStringIncludes(closed.message, "onnection refused");
});

Deno.test("a busy API passes after ten seconds", async () => {
  const time = createFakeClock();
  await using upstream = startListing((call) => ({ before: call.left, body: "{}" }));
  const listed = listModels(remoteTarget(upstream.url, undefined), { clock: time.clock, signal });
  await upstream.called();
  await time.advance(10_000);
  assertEquals(await listed, undefined);
});

Deno.test("stopping the run stops the request", async () => {
  const stop = new AbortController();
  await using upstream = startListing((call) => {
    stop.abort(new DOMException("stopped", "AbortError"));
    return { before: call.left, body: "{}" };
  });
  await assertRejects(
    () =>
      listModels(remoteTarget(upstream.url, undefined), {
        clock: systemClock,
        signal: stop.signal,
      }),
    DOMException,
    "stopped",
  );
});
