import { assertEquals, assertStringIncludes } from "@std/assert";
import { usageTable } from "../../../lib/cli/usage/table.ts";
import { as, KEYS, keysYaml } from "../../support/keys.ts";
import { runProgram, startProgram, writeConfig } from "../../support/program.ts";
import { fetchInTime, waitForLongDay } from "../../support/wait.ts";

Deno.test("`usage` prints what the keys of the running server have used", async () => {
  const keys = await keysYaml({ alice: "daily_tokens: 100000" });
  await using config = await writeConfig(
    `api_bearer_token: secret-of-the-admin\nserver: { host: 127.0.0.1 }\n${keys}`,
  );
  await using server = await startProgram({ args: ["--config", config.path] });
  await waitForLongDay();
  const asked = await fetchInTime(`${server.url}/chat/completions`, {
    method: "POST",
    headers: { ...as("alice"), "content-type": "application/json" },
    body: JSON.stringify({ model: "demo", messages: [{ role: "user", content: "Hi" }] }),
  });
  const { usage: { completion_tokens: tokens } } = await asked.json();
  const print = (...args: string[]) =>
    runProgram({ args: ["usage", "--config", config.path, "--url", server.url, ...args] });

  const [all, own, json] = await Promise.all([
    print("--days", "1"),
    print("--key", KEYS.bob),
    print("--json"),
  ]);
  assertEquals([all.code, all.stderr], [0, ""]);
  const day = new Date().toISOString().slice(0, 10);
  const [head, row, total, , heading, budget] = all.stdout.split("\n");
  assertEquals(head!.split(/ {2,}/), [
    "day",
    "key",
    "model",
    "requests",
    "input tokens",
    "output tokens",
  ]);
  assertEquals(row!.split(/ +/).slice(0, 4), [day, "alice", "demo", "1"]);
  assertEquals(total!.split(/ +/).at(-1), String(tokens));
  assertEquals(heading, "Budgets:");
  assertStringIncludes(budget!, "alice: 99,");
  assertStringIncludes(own.stdout, "No usage in this period.");
  assertEquals(JSON.parse(json.stdout).data[0].key, "alice");
});

for (
  const [name, args, code, message] of [
    ["a server that does not run", ["--url", "http://127.0.0.1:2/v1"], 1, "Can't reach the server"],
    ["a period that is too long", ["--days", "367"], 2, "--days must be 1 to 366, not '367'"],
  ] as const
) {
  Deno.test(`\`usage\` with ${name} exits with ${code}`, async () => {
    const result = await runProgram({ args: ["usage", ...args] });
    assertEquals([result.code, result.stdout], [code, ""]);
    assertStringIncludes(result.stderr, message);
  });
}

Deno.test("the table of usage has aligned columns, costs and budgets", () => {
  const row = { day: "2026-01-31", key: "alice", cached_tokens: 0 };
  const text = usageTable({
    data: [
      {
        ...row,
        model: "o1",
        requests: 12,
        input_tokens: 34_000,
        output_tokens: 9100,
        cost: 0.4125,
      },
      { ...row, key: "default", model: "free", requests: 1, input_tokens: 5, output_tokens: 6 },
    ],
    budgets: [{
      key: null,
      measure: "usd",
      per: "month",
      limit: 50,
      remaining: 49.5875,
      resets_at: "2026-02-01T00:00:00.000Z",
    }],
  });
  assertEquals(
    text,
    `\
day         key      model  requests  input tokens  output tokens     USD
2026-01-31  alice    o1           12        34,000          9,100  0.4125
2026-01-31  default  free          1             5              6
total                             13        34,005          9,106  0.4125

Budgets:
  all keys: 49.5875 of 50 USD left this month, until 2026-02-01
`,
  );
});
