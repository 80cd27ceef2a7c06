import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import { runProgram, startProgram, writeConfig } from "../support/program.ts";
import { fetchInTime } from "../support/wait.ts";

const CONFIG = `default_api_url: "demo:"\ndefault_model: "demo"\n`;

Deno.test("a server with the new entry accepts only that key", async () => {
  const made = await runProgram({ args: ["keys", "new", "alice"] });
  assertEquals([made.code, made.stderr], [0, ""]);
  const [key = "", , , ...entry] = made.stdout.trimEnd().split("\n");
  assertMatch(key, /^sk-o1-[0-9A-Za-z]{10}-[0-9A-Za-z]{43}$/);
  assertEquals(made.stdout.split(key).length, 2, "the key is printed once");

  await using config = await writeConfig(`${CONFIG}${entry.join("\n")}\n`);
  await using program = await startProgram({
    args: ["--config", config.path, "--host", "127.0.0.1"],
  });
  assertEquals(program.facts.access, "every client that has the token or a key");
  assertStringIncludes(program.facts.curl!, "Bearer $TOKEN");
  const ask = async (token: string) => {
    const response = await fetchInTime(`${program.url}/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ messages: [{ role: "user", content: "What is 17 × 23 − 5?" }] }),
    });
    return { status: response.status, body: await response.json() };
  };
  const answer = await ask(key);
  assertEquals(answer.status, 200);
  assertStringIncludes(answer.body.choices[0].message.content, "386");
  assertEquals((await ask("your_api_bearer_token_here")).status, 401);
  assertEquals((await ask(`${key.slice(0, -1)}~`)).status, 401);
  program.kill("SIGTERM");
  const { output } = await program.ended;
  assertStringIncludes(output, `"client":"${key.split("-")[2]}"`);
  assert(!output.includes(key));
});

Deno.test("every key is different", async () => {
  const [a, b] = await Promise.all(
    ["x", "x"].map((name) => runProgram({ args: ["keys", "new", name] })),
  );
  assertNotEquals(a!.stdout.split("\n")[0], b!.stdout.split("\n")[0]);
});

for (
  const [args, says] of [
    [[], "No command given"],
    [["old"], "Unknown command 'old'"],
    [["new"], "No NAME given"],
    [["new", "a b"], "The name 'a b' is invalid"],
    [["new", "a", "b"], "Unexpected argument 'b'"],
    [["new", "a", "--force"], "Unknown option --force"],
  ] as const
) {
  Deno.test(`\`o1-api keys ${args.join(" ")}\` exits with 2 and explains why`, async () => {
    const { code, stdout, stderr } = await runProgram({ args: ["keys", ...args] });
    assertEquals([code, stdout], [2, ""]);
    assertStringIncludes(stderr, says);
    assertStringIncludes(stderr, "Usage: o1-api keys new NAME");
  });
}

Deno.test("--help lists keys", async () => {
  assertStringIncludes((await runProgram({ args: ["--help"] })).stdout, "keys new ");
});
