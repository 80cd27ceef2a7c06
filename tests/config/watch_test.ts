import { assert, assertEquals } from "@std/assert";
import { watchConfig } from "../../lib/config/watch.ts";
import { waitFor } from "../support/wait.ts";

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
  const close = watchConfig({
    path,
    files: () => [path, `${folder}/prompts.md`],
    onChange: () => changes++,
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
