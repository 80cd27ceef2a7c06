import { assert, assertEquals, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import { createVault } from "../../../lib/server/responses/vault.ts";
import { wildText } from "../../api/runs.ts";

const vault = () => createVault("a secret", "o1-api thinking signature");

Deno.test("what is sealed opens to the same text, in another vault with the same secret too", async () => {
  const [one, other] = [vault(), vault()];
  await fc.assert(
    fc.asyncProperty(wildText().map((text) => text.toWellFormed()), async (text) => {
      const blob = await one.seal(text);
      assert(/^[\w.-]+$/.test(blob));
      assertEquals(await other.open(blob), text);
    }),
    { numRuns: 30 },
  );
});

Deno.test("no two blobs of one text are alike", async () => {
  const { seal } = vault();
  assertNotEquals(await seal("thinking"), await seal("thinking"));
});

Deno.test("a blob opens under no other secret and for no other use", async () => {
  const blob = await vault().seal("thinking");
  for (
    const other of [
      createVault("another secret", "o1-api thinking signature"),
      createVault("a secret", "o1-api sealed reasoning"),
    ]
  ) assertEquals(await other.open(blob), undefined);
});

Deno.test("a blob that was changed, cut or made up does not open", async () => {
  const { seal, open } = vault();
  const blob = await seal("thinking");
  const at = blob.length - 5;
  const changed = blob.slice(0, at) + (blob[at] === "A" ? "B" : "A") + blob.slice(at + 1);
  for (const wrong of [changed, blob.slice(0, -4), "", "o1a.", "o1a.!!", "EqQBCgIYAhIM"]) {
    assertEquals(await open(wrong), undefined, wrong);
  }
});
