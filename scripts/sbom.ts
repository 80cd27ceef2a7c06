/**
 * Prints a software bill of materials in the format CycloneDX: the npm packages in deno.lock.
 *
 * @see {@link https://cyclonedx.org/docs/1.6/json/}
 * @module
 */
import denoJson from "../deno.json" with { type: "json" };

interface Lock {
  npm: Record<string, { integrity: string; dependencies?: string[] }>;
}

export function sbom(lock: Lock) {
  const component = (name: string, version: string) => ({
    type: "library",
    name,
    version,
    // The scope's @ is escaped: https://github.com/package-url/purl-spec
    purl: `pkg:npm/${name.replace("@", "%40")}@${version}`,
  });
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      component: { ...component("o1-api", denoJson.version), type: "application" },
    },
    components: Object.entries(lock.npm).map(([id, { integrity }]) => {
      // A package with peers has them after an underscore.
      const [, name = "", version = ""] = /^(@?[^@]+)@([^_]+)/.exec(id) ?? [];
      const [algorithm, digest = ""] = integrity.split("-");
      const content = Uint8Array.fromBase64(digest).toHex();
      const alg = algorithm === "sha512" ? "SHA-512" : "SHA-1";
      return { ...component(name, version), hashes: [{ alg, content }] };
    }),
  };
}

if (import.meta.main) {
  const lock = JSON.parse(await Deno.readTextFile(new URL("../deno.lock", import.meta.url)));
  console.log(JSON.stringify(sbom(lock), null, 2));
}
