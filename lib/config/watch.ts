import { basename, dirname, resolve } from "node:path";
import type { Clock } from "../clock.ts";

export interface WatchOptions {
  /** Returns the paths of the files that were read last: the configuration, its prompts and its strategies. */
  files: () => Iterable<string>;
  onChange: () => void;
  /** Called when a folder can't be watched, or no longer. Watching it is tried again. */
  onError: (folder: string, cause: unknown) => void;
  clock: Clock;
}

/** Editors and tools write a file in several steps. In milliseconds. */
const QUIET_MS = 200;

/** Pause before a folder that can't be watched is tried again, in milliseconds. */
const RETRY_MS = 2_000;

/**
 * Watches the folders of the configuration and reports a change once it is quiet. A watch on a file
 * would miss an editor that replaces it, or Kubernetes, which replaces a link.
 */
export function watchConfig({ files, onChange, onError, clock }: WatchOptions) {
  const watchers = new Map<string, Deno.FsWatcher>();
  const failed = new Set<string>();
  let cancelChange = () => {};
  let cancelRetry = () => {};

  function isRelevant({ kind, paths }: Deno.FsEvent): boolean {
    if (kind === "access") return false;
    if (kind !== "modify") return true;
    // Logs and databases in the same folder are modified all the time.
    const names = new Set(Array.from(files(), (file) => basename(file)));
    return paths.some((changed) => names.has(basename(changed)));
  }

  function schedule(): void {
    cancelChange();
    cancelChange = clock.timer(QUIET_MS, onChange);
  }

  async function follow(folder: string, watcher: Deno.FsWatcher): Promise<void> {
    let cause: unknown = "it was removed or replaced";
    try {
      for await (const event of watcher) {
        if (isRelevant(event)) schedule();
        if (event.kind === "remove" && event.paths.includes(folder)) break;
      }
    } catch (error) {
      cause = error;
      watcher.close();
    }
    // Otherwise it was closed here.
    if (watchers.get(folder) === watcher) fail(folder, cause);
  }

  function fail(folder: string, cause: unknown): void {
    watchers.delete(folder);
    if (!failed.has(folder)) onError(folder, cause);
    failed.add(folder);
    cancelRetry();
    cancelRetry = clock.timer(RETRY_MS, update);
  }

  function watch(folder: string): void {
    try {
      const watcher = Deno.watchFs(folder, { recursive: false });
      watchers.set(folder, watcher);
      void follow(folder, watcher);
    } catch (error) {
      return fail(folder, error);
    }
    // What changed meanwhile was missed.
    if (failed.delete(folder)) schedule();
  }

  function update(): void {
    const folders = new Set(Array.from(files(), (file) => dirname(resolve(file))));
    for (const [folder, watcher] of watchers) {
      if (folders.has(folder)) continue;
      watchers.delete(folder);
      watcher.close();
    }
    for (const folder of folders) if (!watchers.has(folder)) watch(folder);
  }

  update();
  return {
    /** Called after the files were read: they may be in other folders now. */
    update,
    close(): void {
      cancelChange();
      cancelRetry();
      const open = [...watchers.values()];
      watchers.clear();
      for (const watcher of open) watcher.close();
    },
  };
}
