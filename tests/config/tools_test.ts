import { assertEquals, assertThrows } from "@std/assert";
import { parseConfig } from "../../lib/config/load.ts";
import { ConfigError } from "../../lib/config/faults/fault.ts";
import { resolveConfig } from "../../lib/config/resolve.ts";

const parse = (text: string) =>
  parseConfig(`api_bearer_token: "t"\ndefault_api_url: "demo:"\n${text}`, {
    file: "config.yaml",
    env: () => undefined,
    readFile: () => Promise.reject(new Error("no file")),
  });

const onDeploy = { env: (name: string) => name === "DENO_DEPLOY" ? "1" : undefined };
const elsewhere = { env: () => undefined };

Deno.test("a tool that no model has is not opened", async () => {
  const config = await parse("tools: { code: { threads: 1 } }\nmodels: { m: {} }");
  assertEquals(resolveConfig(config, elsewhere).tools, new Map());
});

Deno.test("a model's tool has the settings of the file, and the defaults", async () => {
  const config = await parse("tools: { code: { threads: 3 } }\nmodels: { m: { tools: [code] } }");
  const { tools, models } = resolveConfig(config, elsewhere);
  assertEquals(tools.get("code"), {
    time_ms: 5_000,
    memory_mb: 64,
    output_characters: 10_000,
    threads: 3,
  });
  assertEquals(models[0]!.reasoning.serverTools, ["code"]);
});

Deno.test("a tool that can't run on Deno Deploy is refused with the reason", async () => {
  const config = await parse("models: { m: { tools: [code] } }");
  assertThrows(
    () => resolveConfig(config, onDeploy),
    ConfigError,
    "models.m.tools: the tool 'code' can't run here: Deno Deploy has no threads",
  );
});
