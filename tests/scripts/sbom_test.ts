import { assert, assertEquals } from "@std/assert";
import { sbom } from "../../scripts/sbom.ts";

Deno.test("the bill of materials lists the packages of a start with their hashes", async () => {
  const lock = JSON.parse(await Deno.readTextFile(new URL("../../deno.lock", import.meta.url)));
  const { components } = sbom(lock);
  assertEquals(components.length, Object.keys(lock.npm).length);
  const json = components.find(({ name }) => name === "@cfworker/json-schema")!;
  assertEquals(json.purl, `pkg:npm/%40cfworker/json-schema@${json.version}`);
  for (const { version, hashes: [hash] } of components) {
    assert(/^\d+\.\d+\.\d+/.test(version), version);
    assertEquals([hash!.alg, hash!.content.length], ["SHA-512", 128]);
  }
});
