import { assert, assertEquals, assertThrows } from "@std/assert";
import denoJson from "../../deno.json" with { type: "json" };
import { addSection, notesOf } from "../../scripts/changelog.ts";

Deno.test("a section of the changelog lists what users notice, breaking changes first", () => {
  const text = addSection("# Changelog\n\n## 0.1.0\n\nOld.\n", "0.2.0", [
    "feat(cli): write a configuration",
    "fix: count tokens once",
    "refactor: rename a file",
    "feat(api)!: remove a field",
    "Merge branch 'x'",
  ]);
  assertEquals(
    text,
    `# Changelog

## 0.2.0

### Breaking changes

- Remove a field.

### New

- Write a configuration.

### Fixed

- Count tokens once.

## 0.1.0

Old.
`,
  );
  assertEquals(notesOf(text, "0.1.0"), "Old.");
  assertEquals(notesOf(text, "0.1"), undefined);
  assertThrows(() => addSection(text, "0.2.0", []), Error, "has a section for 0.2.0");
});

Deno.test("the changelog has a section for the current version", async () => {
  const changelog = await Deno.readTextFile(new URL("../../docs/changelog.md", import.meta.url));
  assert(notesOf(changelog, denoJson.version));
});
