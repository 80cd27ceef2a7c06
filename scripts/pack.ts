/**
 * Packs the npm package into `dist/o1-api.tgz`: the sources, which Deno runs as they are, and a
 * launcher that depends on the npm package of Deno.
 *
 * @module
 */
import denoJson from "../deno.json" with { type: "json" };

const ROOT = new URL("../", import.meta.url);

const COPIED = ["main.ts", "lib", "deno.json", "deno.lock", "README.md", "LICENSE"];

/** Needed only to bundle the playground, and the bundle is committed. */
const LEFT_OUT = ["deno.json", "deno.lock", "node_modules"].map((name) => `lib/playground/${name}`);

const PACKAGE = {
  name: "o1-api",
  version: denoJson.version,
  description: "Makes any chat model think before it answers, behind the OpenAI API",
  keywords: ["openai", "llm", "reasoning", "proxy", "o1", "ollama"],
  license: denoJson.license,
  type: "module",
  bin: { "o1-api": "npm.js" },
  engines: { node: ">=20.11" },
  // The version that the tests have run on.
  dependencies: { deno: Deno.version.deno },
};

/**
 * Packs the package into a folder, which must exist.
 *
 * @returns the tarball. Its name has no version, so that documented commands stay valid.
 */
export async function pack(folder: URL): Promise<URL> {
  const stage = new URL("npm/", folder);
  await Deno.remove(stage, { recursive: true }).catch(() => {});
  await Deno.mkdir(stage);
  for (const path of COPIED) await copy(path, stage);
  await Deno.copyFile(new URL("deploy/npm.js", ROOT), new URL("npm.js", stage));
  await Deno.writeTextFile(new URL("package.json", stage), JSON.stringify(PACKAGE, null, 2));
  const { success, stdout, stderr } = await new Deno.Command(
    Deno.build.os === "windows" ? "npm.cmd" : "npm",
    { args: ["pack", "--silent", "--pack-destination", ".."], cwd: stage },
  ).output();
  const text = new TextDecoder();
  if (!success) throw new Error(`npm pack failed: ${text.decode(stderr)}`);
  const tarball = new URL("o1-api.tgz", folder);
  await Deno.rename(new URL(text.decode(stdout).trim(), folder), tarball);
  return tarball;
}

async function copy(path: string, folder: URL): Promise<void> {
  if (LEFT_OUT.includes(path)) return;
  const [from, to] = [new URL(path, ROOT), new URL(path, folder)];
  if ((await Deno.stat(from)).isFile) return await Deno.copyFile(from, to);
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) await copy(`${path}/${name}`, folder);
}

if (import.meta.main) {
  const dist = new URL("dist/", ROOT);
  await Deno.mkdir(dist, { recursive: true });
  await pack(dist);
  console.log("dist/o1-api.tgz");
}
