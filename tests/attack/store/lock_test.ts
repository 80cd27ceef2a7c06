import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import type { Limiter } from "../../../lib/store/limiter.ts";
import { openStores } from "../../../lib/store/open.ts";
import { createTestApp } from "../../support/app.ts";
import { as, keysYaml } from "../../support/keys.ts";
import { longestPause } from "../../support/measure/noise.ts";
import { startUpstream } from "../../support/upstream.ts";
import { waitUntil } from "../../support/wait.ts";

/** Longer than other programs pause this one, and shorter than a wait within the event loop. */
const MAX_PAUSE_MS = 2_000;

/** Other programs may pause this one in any attempt, a wait within the event loop does so in each. */
const ATTEMPTS = 4;

/** Locks a file in another process until its stdin closes; resolves once it is locked. */
async function holdLock(path: string): Promise<Deno.ChildProcess> {
  const script = fileURLToPath(new URL("hold_lock.ts", import.meta.url));
  const holder = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", "--no-config", "-RW", script, path],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = holder.stdout.getReader();
  await reader.read();
  await reader.cancel();
  return holder;
}

Deno.test("a file that another process has locked does not block other requests", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/o1-api.db`;
  await using upstream = startUpstream([{ content: "4" }]);
  const stores = await openStores("sqlite", {
    path,
    now: Date.now,
    warn: () => {},
    onDeploy: false,
  });
  let takes = 0;
  const limiter: Limiter = {
    ...stores.limiter,
    take(charges) {
      takes++;
      return stores.limiter.take(charges);
    },
  };
  const app = await createTestApp({
    upstream: upstream.url,
    yaml: `
upstreams: { u: { base_url: UPSTREAM } }
models: { plain: { upstream: u, model: x, strategy: direct } }
${await keysYaml({ alice: "rpm: 1000, daily_tokens: 1000000" })}`,
    store: stores.store,
    limiter,
  });
  const init = { headers: as("alice") };
  // Loads the code of all routes.
  await (await app.respond({}, init)).text();
  async function pauseWhileLocked(): Promise<number> {
    const holder = await holdLock(path);
    takes = 0;
    try {
      return await longestPause(async () => {
        const answers = Array.from({ length: 5 }, () => [
          app.chat({}, init),
          app.respond({}, init),
          app.send("/v1/conversations", {}, init),
        ]).flat();
        await waitUntil("requests that need the locked file", () => takes >= answers.length);
        await holder.stdin.close();
        for (const answer of answers) {
          const response = await answer;
          assertEquals(response.status, 200);
          await response.body?.cancel();
        }
      });
    } finally {
      await holder.status;
    }
  }
  try {
    const pauses: number[] = [];
    do pauses.push(await pauseWhileLocked()); while (
      pauses.at(-1)! >= MAX_PAUSE_MS && pauses.length < ATTEMPTS
    );
    assert(pauses.at(-1)! < MAX_PAUSE_MS, `${pauses.join(", ")} ms`);
  } finally {
    await app.drain(1_000);
    await stores.limiter.close();
    await stores.store.close();
    await Deno.remove(folder, { recursive: true });
  }
});
