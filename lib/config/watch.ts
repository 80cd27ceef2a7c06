import { basename, dirname } from "node:path";
import type { Clock } from "../clock.ts";

export interface WatchOptions {
  /** Path of the configuration. */
  path: string;
  /** Returns the paths of the files that were read last: the configuration and its prompts. */
  files: () => Iterable<string>;
  onChange: () => void;
  clock: Clock;
}

/** Editors and tools write a file in several steps. In milliseconds. */
const QUIET_MS = 200;

/**
 * Watches the folder of the configuration and reports a change once it is quiet. A watch on the
 * file would miss an editor that replaces the file, or Kubernetes, which replaces a link.
 *
 * @returns a function that ends the watch.
 * @throws if the folder can't be watched.
 */
export function watchConfig({ path, files, onChange, clock }: WatchOptions): () => void {
  const watcher = Deno.watchFs(dirname(path), { recursive: false });
  let cancel = () => {};

  function isRelevant({ kind, paths }: Deno.FsEvent): boolean {
    if (kind === "access") return false;
    if (kind !== "modify") return true;
    // Logs and databases in the same folder are modified all the time.
    const names = new Set(Array.from(files(), (file) => basename(file)));
    return paths.some((changed) => names.has(basename(changed)));
  }

  async function watch(): Promise<void> {
    for await (const event of watcher) {
      if (!isRelevant(event)) continue;
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
