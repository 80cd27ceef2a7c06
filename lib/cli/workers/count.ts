/**
 * How many event loops a server has.
 *
 * @module
 */
import type { ServerSettings } from "../../config/resolve.ts";

/** What the number depends on. */
export interface WorkerCountOptions {
  /** Cores that the program may use. */
  cores: number;
  /** The operating system, as Deno names it. */
  os: string;
  /** Whether Deno lets several listen on one port. */
  canShare: boolean;
  /** Whether this is Deno Deploy. */
  onDeploy: boolean;
}

/** Works out the number; where it is less than what the setting asks for, a warning says why. */
export function workerCount(
  setting: ServerSettings["workers"],
  { cores, os, canShare, onDeploy }: WorkerCountOptions,
): { count: number; warning?: string } {
  const count = setting === "auto" ? cores : setting;
  const reason = onDeploy
    ? "Deno Deploy starts instances by itself"
    : os !== "linux"
    ? "only Linux spreads connections over those who share a port"
    : !canShare
    ? "Deno must be started with --unstable-net, as `deno task start` does"
    : undefined;
  if (count === 1 || reason === undefined) return { count };
  return { count: 1, warning: `server.workers is ${setting}, but one serves: ${reason}.` };
}
