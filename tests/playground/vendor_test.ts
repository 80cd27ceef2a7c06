import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import denoJson from "../../deno.json" with { type: "json" };

const ROOT = new URL("../../", import.meta.url);

Deno.test("the libraries of the page are what the task vendor builds from their locked sources", async () => {
  const [, ...args] = denoJson.tasks.vendor.split(" ");
  const output = args.indexOf("--output") + 1;
  const committed = new URL(args[output]!, ROOT);
  const folder = await Deno.makeTempDir();
  try {
    args[output] = `${folder}/libraries.min.js`;
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args,
      cwd: fileURLToPath(ROOT),
    }).output();
    assertEquals(success, true, new TextDecoder().decode(stderr));
    assertEquals(await sha256(`${folder}/libraries.min.js`), await sha256(committed));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

async function sha256(file: string | URL): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", await Deno.readFile(file));
  return new Uint8Array(hash).toHex();
}
