/**
 * Tests that need something that a machine may lack. They are ignored, and their names say why.
 *
 * @module
 */
import { delimiter, join } from "node:path";

/** Programs that `.ci/run` and `tests/clients/agents.sh` install on Linux; there, their tests must run. */
const INSTALLED_BY_CI = [
  ...["redis-server", "openssl", "postgres", "haproxy", "nginx", "chromium", "lighthouse"],
  ...["aider", "claude", "cline", "cn", "codex", "copilot", "kilo", "opencode", "pi", "qwen"],
  "open-webui",
];

/** Returns the path of a program on the PATH, or undefined. */
export function findProgram(name: string): string | undefined {
  const folders = (Deno.env.get("PATH") ?? "").split(delimiter);
  return folders.map((folder) => join(folder, name)).find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

/** Returns why tests that run this program are skipped, or undefined if they run. */
export function reasonWithout(program: string): string | undefined {
  const isInstalled = Deno.env.get("CI") === "true" && Deno.build.os === "linux" &&
    INSTALLED_BY_CI.includes(program);
  if (isInstalled || findProgram(program) !== undefined) return undefined;
  return `${program} is not on the PATH`;
}

/** Returns why tests that import this package of Python are skipped, or undefined if they run. */
export async function reasonWithoutPackage(name: string): Promise<string | undefined> {
  const reason = reasonWithout("python3");
  if (reason !== undefined) return reason;
  const args = ["-c", `import ${name}`];
  const { success } = await new Deno.Command("python3", { args }).output();
  return success ? undefined : `python3 has no package ${name}`;
}

/** Returns the name and `ignore` of a test that is skipped for this reason, if there is one. */
export function skippedFor(reason: string | undefined, name: string) {
  return reason === undefined
    ? { name, ignore: false }
    : { name: `${name} (skipped: ${reason})`, ignore: true };
}
