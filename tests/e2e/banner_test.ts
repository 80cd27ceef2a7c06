import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { startOnTerminal } from "../cli/pty.ts";
import { cleanEnv, ROOT, startProgram, writeConfig } from "../support/program.ts";
import { reasonWithout, skippedFor } from "../support/skip.ts";
import { fetchInTime } from "../support/wait.ts";

/** Runs a command in another folder, as another terminal would. */
async function paste(command: string, env: Record<string, string> = {}): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command("bash", {
    args: ["-c", command],
    cwd: "/",
    env: cleanEnv(env),
    clearEnv: true,
  }).output();
  const text = new TextDecoder();
  assertEquals(code, 0, text.decode(stderr));
  return text.decode(stdout);
}

Deno.test("the commands that a start prints work when they are pasted", async () => {
  await using config = await writeConfig(`default_api_url: "demo:"\n`);
  const [plain, secret] = await Promise.all([
    startProgram({ args: ["--config", config.path] }),
    startProgram({
      args: ["--config", config.path, "--host", "127.0.0.1"],
      env: { O1_API_TOKEN: "secret" },
    }),
  ]);
  await using _plain = plain;
  await using _secret = secret;
  assertEquals(plain.facts.config, config.path);
  assertStringIncludes(plain.facts.ask!, `--config ${config.path} `);
  const [asked, curled, withToken] = await Promise.all([
    paste(plain.facts.ask!),
    paste(plain.facts.curl!),
    paste(secret.facts.curl!, { O1_API_TOKEN: "secret" }),
  ]);
  assertStringIncludes(asked, "386");
  for (const stream of [curled, withToken]) {
    assertMatch(stream, /"reasoning_content":"[^]*386[^]*data: \[DONE\]/);
  }
  const page = await fetchInTime(plain.facts.playground!, { headers: { accept: "text/html" } });
  assertMatch(await page.text(), /^<!doctype html>/i);
});

const ON_TERMINAL = "a start on a terminal prints where everything is";

Deno.test(skippedFor(reasonWithout("script"), ON_TERMINAL), async () => {
  const home = await Deno.makeTempDir();
  try {
    await using program = startOnTerminal(["--port", "0"], {
      env: { O1_API_HOME: home, npm_command: "exec" },
    });
    await program.sent("curl -N ");
    const screen = program.screen();
    const npx = `npx -y deno@${Deno.version.deno} task start`;
    // A warning about the store, which can't be written, comes before.
    const [first, second, third, fourth] = screen.slice(screen.indexOf("Open ")).split(/\r?\n/);
    assertMatch(
      first!,
      /^Open http:\/\/127\.0\.0\.1:\d+\/ in a browser, or ask in another terminal:$/,
    );
    assertEquals(
      second,
      `  ${
        npx.replace("start", `--cwd ${ROOT.replace(/\/$/, "")} start`)
      } ask "What is 17 × 23 − 5?"`,
    );
    assertEquals(third, "");
    assertMatch(fourth!, /^o1-api listens on http:\/\/127\.0\.0\.1:\d+\/v1$/);
    assertStringIncludes(screen, `none at ${home}/config.yaml`);
    assertStringIncludes(screen, `\`${npx} init\` writes one`);
    assertMatch(screen, /^ {2}models +o1, o1-mini, /m);
    assertMatch(screen, /^ {2}workers +1\r?$/m);
    assertMatch(screen, /^ {2}version +\d+\.\d+\.\d+\r?$/m);
    await program.type("\x03");
    assertEquals(await program.ended, 0);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});
