/** Number of event loops. */
import type { ServerSettings } from "../../config/resolve.ts";

export interface WorkerCountOptions {
  cores: number;
  /** `Deno.build.os` */
  os: string;
  /** Whether Deno allows several listeners on one port. */
  canShare: boolean;
  onDeploy: boolean;
}

/** The warning says why the number is smaller than the setting. */
export function workerCount(
  setting: ServerSettings["workers"],
  { cores, os, canShare, onDeploy }: WorkerCountOptions,
): { count: number; warning?: string } {
  const count = setting === "auto" ? cores : setting;
  const reason = onDeploy
    ? "Deno Deploy scales by itself"
    : os !== "linux"
    ? "only Linux distributes connections over listeners on one port"
    : !canShare
    ? "Deno must be started with --unstable-net, as `deno task start` does"
    : undefined;
  if (count === 1 || reason === undefined) return { count };
  return {
    count: 1,
    warning: `server.workers is ${setting}, but only one worker runs: ${reason}.`,
  };
}
