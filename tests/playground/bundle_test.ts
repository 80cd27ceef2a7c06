import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import denoJson from "../../deno.json" with { type: "json" };

const ROOT = new URL("../../", import.meta.url);

Deno.test("the page's bundle is what `deno task page` makes of its sources and locked libraries", async () => {
  const [, task] = denoJson.tasks.page.split(" && deno ");
  const args = task!.split(" ");
  const outdir = args.indexOf("--outdir") + 1;
  const committed = new URL(`${args[outdir]}/`, ROOT);
  const folder = await Deno.makeTempDir();
  try {
    args[outdir] = folder;
    const command = new Deno.Command(Deno.execPath(), { args, cwd: fileURLToPath(ROOT) });
    let { success, stderr } = await command.output();
    // A registry may be out of reach for a moment.
    for (let tries = 1; !success && tries < 5; tries++) {
      ({ success, stderr } = await command.output());
    }
    assertEquals(success, true, new TextDecoder().decode(stderr));
    assertEquals(await hashes(new URL(`file://${folder}/`)), await hashes(committed));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** The hashes of all files of a folder by name. */
async function hashes(folder: URL): Promise<Record<string, string>> {
  const all: Record<string, string> = {};
  for (const { name } of [...Deno.readDirSync(folder)].sort((a, b) => a.name < b.name ? -1 : 1)) {
    const hash = await crypto.subtle.digest("SHA-256", await Deno.readFile(new URL(name, folder)));
    all[name] = new Uint8Array(hash).toHex();
  }
  return all;
}
