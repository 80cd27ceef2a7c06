import type { ServerSettings } from "../../config/resolve.ts";

/**
 * The warning says why the number is smaller than the setting.
 *
 * @param host `os` as in `Deno.build`; whether Deno allows several listeners on one port.
 */
export function workerCount(
  setting: ServerSettings["workers"],
  host: { cores: number; os: string; canShare: boolean; onDeploy: boolean },
): { count: number; warning?: string } {
  const { cores, os, canShare, onDeploy } = host;
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
