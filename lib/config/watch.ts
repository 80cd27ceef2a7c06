/**
 * Notices that the configuration has changed.
 *
 * @module
 */
import { basename, dirname } from "node:path";
import type { Clock } from "../clock.ts";

/** What is watched. */
export interface WatchOptions {
  /** Path of the configuration. */
  path: string;
  /** Paths of the files that it was read from last, itself and its prompts. */
  files: () => Iterable<string>;
  /** Called a moment after the last of several changes. */
  onChange: () => void;
  /** The one clock. */
  clock: Clock;
}

/** Editors and tools write in several steps. In milliseconds. */
const QUIET_MS = 200;

/**
 * Watches the folder of the configuration: an editor puts a new file in the place of the old one,
 * Kubernetes a new link, and a watch on the file itself would see neither.
 *
 * @returns ends the watch.
 * @throws where the folder can't be watched.
 */
export function watchConfig({ path, files, onChange, clock }: WatchOptions): () => void {
  const watcher = Deno.watchFs(dirname(path), { recursive: false });
  let cancel = () => {};

  function isOurs({ kind, paths }: Deno.FsEvent): boolean {
    if (kind === "access") return false;
    // Logs and databases beside the file are written to all the time.
    if (kind !== "modify") return true;
    const names = new Set(Array.from(files(), (file) => basename(file)));
    return paths.some((changed) => names.has(basename(changed)));
  }

  async function watch(): Promise<void> {
    for await (const event of watcher) {
      if (!isOurs(event)) continue;
      cancel();
      cancel = clock.timer(QUIET_MS, onChange);
    }
  }

  watch().catch(() => {});
  return () => {
    cancel();
    watcher.close();
  };
}
