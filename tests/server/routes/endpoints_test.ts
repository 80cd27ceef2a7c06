import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import denoJson from "../../../deno.json" with { type: "json" };
import { createTestApp } from "../../support/app.ts";

const app = await createTestApp({ upstream: "http://127.0.0.1:2/v1" });
const description = await (await app.send("/", undefined, { headers: { authorization: "" } }))
  .json();

/** Returns whether the server has a route for an endpoint such as `GET /v1/models/{id}`. */
async function exists(endpoint: string): Promise<boolean> {
  const [method, path] = endpoint.split(" ") as [string, string];
  const init = method === "POST" ? { method, body: "{}" } : { method };
  const response = await app.send(path.replace(/\{\w+\}/g, "x"), undefined, init);
  return response.status !== 405 && !(await response.text()).includes("Invalid URL");
}

/** Returns the paths in the source code of the server. */
async function pathsInSource(): Promise<Set<string>> {
  const paths = new Set<string>();
  for (const folder of ["routes", "responses", "usage"]) {
    const url = new URL(`../../../lib/server/${folder}/`, import.meta.url);
    for await (const { name, isFile } of Deno.readDir(url)) {
      if (!isFile || name === "unserved.ts") continue;
      const text = await Deno.readTextFile(new URL(name, url));
      for (const [, path] of text.matchAll(/["`](\/[\w:*/${}]*)["`]/g)) paths.add(path!);
    }
  }
  return paths;
}

/** Pages for browsers, and another name of /healthz. */
const UNLISTED = ["/", "/favicon.ico", "/playground/{name}", "/health"];

Deno.test("GET / lists every endpoint and nothing else", async () => {
  const { endpoints } = description;
  for (const endpoint of endpoints) assert(await exists(endpoint), endpoint);
  const paths = [...await pathsInSource()].map((path) =>
    path.replace("${CONVERSATION}", "/conversations/{id}").replace(
      "${ITEMS}",
      "/conversations/{id}/items",
    )
      .replace(/[:*](\w+)/g, "{$1}")
  );
  assert(paths.length > 15, `${paths}`);
  for (const path of paths.filter((path) => !UNLISTED.includes(path))) {
    for (const method of ["GET", "POST", "DELETE"]) {
      const isListed = endpoints.some((endpoint: string) => {
        const [listed, at] = endpoint.split(" ");
        return listed === method &&
          at!.replace("/v1", "").replace(/\{\w+\}/g, "x") === path.replace(/\{\w+\}/g, "x");
      });
      if (!isListed) assertEquals(await exists(`${method} /v1${path}`), false, `${method} ${path}`);
    }
  }
});

Deno.test("the version is at GET /, in a header of every response, and in a metric", async () => {
  const { version } = denoJson;
  assertEquals(description.version, version);
  for (const path of ["/", "/healthz", "/v1/models", "/v1/nothing"]) {
    assertEquals((await app.send(path)).headers.get("x-o1-api-version"), version);
  }
  const metrics = await (await app.send("/metrics")).text();
  assertStringIncludes(metrics, `\no1_api_build_info{version="${version}"} 1\n`);
});
