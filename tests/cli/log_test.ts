import { assertEquals, assertStringIncludes } from "@std/assert";
import { createLineWriter } from "../../lib/cli/log.ts";
import { createFakeClock } from "../support/clock.ts";

function setup() {
  const { clock, advance, pending } = createFakeClock();
  const written: string[] = [];
  const writer = createLineWriter((bytes) => written.push(new TextDecoder().decode(bytes)), clock);
  return { writer, written, advance, pending };
}

Deno.test("lines that follow each other within 10 ms are written together", async () => {
  const { writer, written, advance, pending } = setup();
  writer.line("a", "info");
  await advance(9);
  writer.line("ü", "debug");
  assertEquals(written, []);
  await advance(1);
  assertEquals(written, ["a\nü\n"]);
  await advance(1_000);
  assertEquals(pending(), 0);
  writer.line("b", "info");
  await advance(10);
  assertEquals(written, ["a\nü\n", "b\n"]);
});

for (const level of ["warn", "error"] as const) {
  Deno.test(`a line of level ${level} is written at once, after waiting lines`, () => {
    const { writer, written, pending } = setup();
    writer.line("a", "info");
    writer.line("b", level);
    writer.line("c", level);
    assertEquals(written, ["a\nb\n", "c\n"]);
    assertEquals(pending(), 0);
  });
}

Deno.test("at most 100 lines are held back", () => {
  const { writer, written } = setup();
  for (let i = 0; i < 250; i++) writer.line("x", "info");
  assertEquals(written.map((text) => text.length), [200, 200]);
  writer.flush();
  assertEquals(written.join(""), "x\n".repeat(250));
});

Deno.test("flush writes waiting lines once", () => {
  const { writer, written, pending } = setup();
  writer.flush();
  writer.line("a", "info");
  writer.flush();
  writer.flush();
  assertEquals(written, ["a\n"]);
  assertEquals(pending(), 0);
});

Deno.test("uncaught errors are logged without their message, and only a crash ends the process", async () => {
  const program = `
    import { crash, logUncaught } from "${import.meta.resolve("../../lib/cli/log.ts")}";
    const line = (message, { cause }) => console.log(message, cause.split("\\n")[0]);
    logUncaught({ debug: line, info: line, warn: line, error: line });
    setTimeout(() => { throw new TypeError("secret"); });
    setTimeout(() => Promise.reject(new RangeError("secret")), 1);
    setTimeout(() => console.log("goes on"), 50);
    setTimeout(() => {
      setTimeout(() => console.log("never"));
      crash(new Error("crashed"));
    }, 60);
  `;
  const { stdout, stderr, code } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--config", new URL("../../deno.json", import.meta.url).pathname, program],
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assertEquals(text(stdout).trim().split("\n"), [
    "An error was not handled TypeError",
    "An error was not handled RangeError",
    "goes on",
  ], text(stderr));
  assertStringIncludes(text(stderr), "crashed");
  assertEquals(code, 1);
});
