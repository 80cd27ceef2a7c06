import { assertEquals } from "@std/assert";
import path from "node:path";
import { basename, dirname, join, resolve } from "../lib/path.ts";

const PATHS = [
  "config.yaml",
  "./config.yaml",
  "/config.yaml",
  "/srv/o1 api/config.yaml",
  "conf.d/o1.yaml",
  "../o1.yaml",
];

Deno.test("paths are taken apart and put together as node:path does it", () => {
  for (const each of PATHS) {
    assertEquals(basename(each), path.basename(each), each);
    assertEquals(dirname(each), path.dirname(each), each);
    assertEquals(
      path.normalize(join(dirname(each), "o1.db")),
      path.join(path.dirname(each), "o1.db"),
    );
  }
  assertEquals(join("/", "a"), path.join("/", "a"));
  assertEquals(join("/srv/", "a"), path.join("/srv/", "a"));
  assertEquals(resolve("/srv", "prompts/step.txt"), path.resolve("/srv", "prompts/step.txt"));
  assertEquals(resolve("/srv", "/etc/step.txt"), path.resolve("/srv", "/etc/step.txt"));
});
