import { assert, assertEquals, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import { createVault } from "../lib/vault.ts";
import { wildText } from "./api/runs.ts";

const vault = () => createVault("a secret", "o1-api thinking signature");

Deno.test("a sealed text opens in every vault with the same secret", async () => {
  const [first, second] = [vault(), vault()];
  await fc.assert(
    fc.asyncProperty(wildText().map((text) => text.toWellFormed()), async (text) => {
      const blob = await first.seal("alice", text);
      assert(/^[\w.-]+$/.test(blob));
      assertEquals(await second.open("alice", blob), text);
    }),
    { numRuns: 30 },
  );
});

Deno.test("sealing the same text twice gives different blobs", async () => {
  const { seal } = vault();
  assertNotEquals(await seal("alice", "thinking"), await seal("alice", "thinking"));
});

Deno.test("a blob opens only with the same secret, for the same use and owner", async () => {
  const blob = await vault().seal("alice", "thinking");
  for (
    const other of [
      createVault("another secret", "o1-api thinking signature"),
      createVault("a secret", "o1-api sealed reasoning"),
    ]
  ) assertEquals(await other.open("alice", blob), undefined);
  assertEquals(await vault().open("bob", blob), undefined);
});

Deno.test("a changed, truncated or invented blob does not open", async () => {
  const { seal, open } = vault();
  const blob = await seal("alice", "thinking");
  const at = blob.length - 5;
  const changed = blob.slice(0, at) + (blob[at] === "A" ? "B" : "A") + blob.slice(at + 1);
  for (const wrong of [changed, blob.slice(0, -4), "", "o1b.", "o1b.!!", "EqQBCgIYAhIM"]) {
    assertEquals(await open("alice", wrong), undefined, wrong);
  }
});
