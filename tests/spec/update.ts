/**
 * Extracts anew what the tests need of OpenAI's OpenAPI document. Run it by hand when it changes:
 *
 * `deno run --config tests/deno.json --allow-read --allow-write tests/spec/update.ts DOCUMENT`
 *
 * @module
 */
import { extract } from "./extract.ts";
import { extractRequests } from "./requests.ts";

const [path] = Deno.args;
if (path === undefined) throw new Error("Usage: update.ts DOCUMENT");
const document = JSON.parse(await Deno.readTextFile(path));
const write = (name: string, text: string) =>
  Deno.writeTextFile(new URL(name, import.meta.url), `${text}\n`);
await write("openai.schemas.json", JSON.stringify(extract(document), null, 2));
// Nobody reads it, and it is long.
await write("openai.requests.json", JSON.stringify(extractRequests(document)));
