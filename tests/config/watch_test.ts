import { assert, assertEquals } from "@std/assert";
import { dirname } from "node:path";
import { watchConfig } from "../../lib/config/watch.ts";
import { createFakeClock } from "../support/clock.ts";
import { waitFor, waitUntil } from "../support/wait.ts";

/** A clock whose only timer fires when `fire` is called. `armed` waits until it is set. */
function manualTimers() {
  let armed = Promise.withResolvers<void>();
  let fire: (() => void) | undefined;
  return {
    clock: {
      now: () => 0,
      date: () => 0,
      timer(_ms: number, fn: () => void) {
        fire = fn;
        armed.resolve();
        return () => fire = undefined;
      },
    },
    async armed() {
      await waitFor("a change of the file", armed.promise);
      armed = Promise.withResolvers();
    },
    fire: () => fire?.(),
    isArmed: () => fire !== undefined,
  };
}

async function inFolder(
  test: (
    path: string,
    timers: ReturnType<typeof manualTimers>,
    changes: () => number,
  ) => Promise<void>,
) {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/config.yaml`;
  await Deno.writeTextFile(path, "a: 1\n");
  const timers = manualTimers();
  let changes = 0;
  const { close } = watchConfig({
    files: () => [path, `${folder}/prompts.md`],
    onChange: () => changes++,
    onError: (_folder, cause) => {
      throw cause;
    },
    clock: timers.clock,
  });
  try {
    await test(path, timers, () => changes);
  } finally {
    close();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a change is reported once the file is quiet", () =>
  inFolder(async (path, timers, changes) => {
    await Deno.writeTextFile(path, "a: 2\n");
    await timers.armed();
    assertEquals(changes(), 0);
    timers.fire();
    assertEquals(changes(), 1);
  }));

Deno.test("a replaced file is noticed", () =>
  inFolder(async (path, timers, changes) => {
    await Deno.writeTextFile(`${path}.new`, "a: 3\n");
    await Deno.rename(`${path}.new`, path);
    await timers.armed();
    timers.fire();
    assertEquals(changes(), 1);
  }));

Deno.test("a replaced link is noticed", () =>
  inFolder(async (path, timers, changes) => {
    const folder = path.slice(0, path.lastIndexOf("/"));
    await Deno.mkdir(`${folder}/v2`);
    await Deno.writeTextFile(`${folder}/v2/config.yaml`, "a: 4\n");
    await Deno.symlink(`${folder}/v2`, `${folder}/data.new`);
    await Deno.rename(`${folder}/data.new`, `${folder}/data`);
    await timers.armed();
    timers.fire();
    assert(changes() >= 1);
  }));

Deno.test("a changed prompt file is noticed", () =>
  inFolder(async (path, timers, changes) => {
    const file = `${path.slice(0, path.lastIndexOf("/"))}/prompts.md`;
    await Deno.writeTextFile(file, "x");
    await timers.armed();
    timers.fire();
    await Deno.writeTextFile(file, "y");
    await timers.armed();
    timers.fire();
    assertEquals(changes(), 2);
  }));

/** Watches files in a temporary folder, with time that passes while the test waits. */
async function startWatch(names: string[]) {
  const folder = await Deno.makeTempDir();
  const time = createFakeClock();
  let changes = 0;
  const errors: string[] = [];
  const paths = (names: string[]) => names.map((name) => `${folder}/${name}`);
  let files = paths(names);
  for (const file of files) {
    await Deno.mkdir(dirname(file), { recursive: true });
    await Deno.writeTextFile(file, "a");
  }
  const watch = watchConfig({
    files: () => files,
    onChange: () => changes++,
    onError: (failed) => errors.push(failed),
    clock: time.clock,
  });
  return {
    folder,
    errors,
    write: (name: string, text: string) => Deno.writeTextFile(`${folder}/${name}`, text),
    use(names: string[]) {
      files = paths(names);
      watch.update();
    },
    async noticed(what: string) {
      const before = changes;
      await waitUntil(what, () => changes > before, () => time.advance(100));
    },
    changes: () => changes,
    passes: (ms: number) => time.advance(ms),
    async [Symbol.asyncDispose]() {
      watch.close();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

Deno.test("prompt files in other folders are watched, including those that a reload adds", async () => {
  await using world = await startWatch(["config.yaml", "prompts/a.md", "other/b.md"]);
  world.use(["config.yaml", "prompts/a.md"]);
  await world.write("prompts/a.md", "b");
  await world.noticed("a changed prompt");
  world.use(["config.yaml", "other/b.md"]);
  await world.write("other/b.md", "b");
  await world.noticed("a changed prompt in the other folder");
  assertEquals(world.errors, []);
});

Deno.test("a folder that is removed and created again is reported once and watched again", async () => {
  await using world = await startWatch(["config.yaml", "prompts/a.md"]);
  await Deno.remove(`${world.folder}/prompts`, { recursive: true });
  await world.noticed("the removed folder");
  await waitUntil("the report", () => world.errors.length > 0);
  await world.passes(10_000);
  assertEquals(world.errors, [`${world.folder}/prompts`]);
  await Deno.mkdir(`${world.folder}/prompts`);
  await world.write("prompts/a.md", "b");
  await world.noticed("the new folder");
  await world.write("prompts/a.md", "c");
  await world.noticed("a change in the new folder");
});

Deno.test("a watcher that fails is reported and replaced", async () => {
  const { watchFs } = Deno;
  let fail = (_error: Error) => {};
  // The system's limit of watches can't be reached in a test.
  Deno.watchFs = (...args) => {
    const watcher = watchFs(...args);
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => {});
    fail = reject;
    return Object.assign(Object.create(watcher), {
      close: () => watcher.close(),
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.race([watcher[Symbol.asyncIterator]().next(), promise]),
      }),
    });
  };
  try {
    await using world = await startWatch(["config.yaml"]);
    fail(new Error("too many watches"));
    await world.noticed("the failure, which may have hidden a change");
    assertEquals(world.errors, [world.folder]);
    await world.write("config.yaml", "b");
    await world.noticed("a later change");
  } finally {
    Deno.watchFs = watchFs;
  }
});
