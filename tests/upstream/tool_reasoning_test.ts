import { assertEquals } from "@std/assert";
import { createToolReasoning } from "../../lib/upstream/tool_reasoning.ts";

const MEGABYTE = "x".repeat(1_000_000);

Deno.test("remembered reasoning has at most 16,000,000 characters; the oldest is forgotten", () => {
  const memory = createToolReasoning();
  for (let i = 0; i < 17; i++) memory.remember("alice", [`call ${i}`], MEGABYTE);
  assertEquals(memory.find("alice", "call 0"), undefined);
  assertEquals(memory.find("alice", "call 1"), MEGABYTE);
  assertEquals(memory.find("alice", "call 16"), MEGABYTE);
});

Deno.test("the reasoning of at most 10,000 calls is remembered; the oldest is forgotten", () => {
  const memory = createToolReasoning();
  for (let i = 0; i <= 10_000; i++) memory.remember("alice", [`call ${i}`], "r");
  assertEquals(memory.find("alice", "call 0"), undefined);
  assertEquals(memory.find("alice", "call 1"), "r");
  assertEquals(memory.find("alice", "call 10000"), "r");
});

Deno.test("an owner with much reasoning does not displace that of others", () => {
  const memory = createToolReasoning();
  memory.remember("bob", ["call"], "r");
  for (let i = 0; i < 20; i++) memory.remember("alice", [`call ${i}`], MEGABYTE);
  for (let i = 0; i < 10_001; i++) memory.remember("carol", [`call ${i}`], "r");
  assertEquals(memory.find("bob", "call"), "r");
});

Deno.test("reasoning that is remembered again under its key counts once", () => {
  const memory = createToolReasoning();
  for (let i = 0; i < 20; i++) memory.remember("alice", ["call"], MEGABYTE);
  for (let i = 0; i < 15; i++) memory.remember("alice", [`call ${i}`], MEGABYTE);
  assertEquals(memory.find("alice", "call"), MEGABYTE);
});
