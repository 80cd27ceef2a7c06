import { assertEquals } from "@std/assert";
import { COMMANDS, FIRST_WORDS } from "../../lib/cli/commands.ts";
import { EFFORTS } from "../../lib/reasoning/effort.ts";
import { cleanEnv, PERMISSIONS, ROOT, runProgram } from "../e2e/program.ts";

type Shell = (typeof COMMANDS.completions.words)[number];

/** A line before the cursor, and what the shells offer. */
type Case = readonly [line: string, offers: readonly string[]];

const CONFIG = `
models:
  alpha: { strategy: direct }
  "al:2": { strategy: direct }
  beta: { strategy: think }
`;

function cases(dir: string): Case[] {
  return [
    ["o1-api as", ["ask"]],
    ["o1-api ask --ef", ["--effort"]],
    ["o1-api ask --effort ", EFFORTS],
    ["o1-api ask --effort lo", ["low"]],
    ["o1-api ask --strategy rs", ["rsa"]],
    ["o1-api ask --thinking f", ["full"]],
    ["o1-api ask --system ", []],
    ["o1-api eval --scoring e", ["extract", "exact"]],
    ["o1-api --po", ["--port"]],
    ["o1-api keys n", ["new"]],
    ["o1-api keys new n", []],
    ["o1-api completions ", ["bash", "fish", "zsh"]],
    ...["ask --config", "eval --dataset", "eval --out", "--config"].map((
      flag,
    ): Case => [`o1-api ${flag} ${dir}/con`, [`${dir}/config.yaml`]]),
    [`o1-api ask --config ${dir}/config.yaml --model be`, ["beta"]],
    [`o1-api ask --config=${dir}/config.yaml -m alp`, ["alpha"]],
    [`o1-api eval --config ${dir}/config.yaml --models beta,alp`, ["beta,alpha"]],
    [`o1-api ask --config ${dir}/nix.yaml --model `, []],
    ["o1-api ask --url http://127.0.0.1:1/v1 --model ", []],
  ];
}

/** Runs a script of a shell's, with the program and its completions at hand. */
async function withShell(
  shell: Shell,
  name: string,
  test: (run: (script: string) => Promise<string>, dir: string) => Promise<void>,
): Promise<void> {
  const which = await new Deno.Command("which", { args: [shell], stdout: "null" }).output();
  if (!which.success) return console.log(`${name}: skipped, since there is no ${shell}`);
  const { code, stdout } = await runProgram({ args: ["completions", shell] });
  assertEquals(code, 0);
  const dir = await Deno.makeTempDir();
  try {
    const command = [Deno.execPath(), "run", ...PERMISSIONS, `${ROOT}main.ts`].join(" ");
    await Deno.writeTextFile(`${dir}/o1-api`, `#!/bin/sh\nexec ${command} "$@"\n`);
    await Deno.chmod(`${dir}/o1-api`, 0o755);
    await Deno.writeTextFile(`${dir}/config.yaml`, CONFIG);
    await Deno.writeTextFile(`${dir}/script`, stdout);
    const env = cleanEnv();
    await test(async (script) => {
      const output = await new Deno.Command(shell, {
        args: [shell === "zsh" ? "-fc" : "-c", script],
        cwd: dir,
        env: { ...env, PATH: `${dir}:${env.PATH}` },
        clearEnv: true,
      }).output();
      const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
      assertEquals([output.success, text(output.stderr)], [true, ""]);
      return text(output.stdout);
    }, dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const sorted = (words: readonly string[]) => [...words].sort();

Deno.test("bash completes commands, flags, files, values and models", (t) =>
  withShell("bash", t.name, async (run, dir) => {
    // As bash breaks lines into words: at = and : too.
    const words = (line: string) =>
      line.split(" ").flatMap((word) => word === "" ? [""] : word.match(/[=:]|[^=:]+/g)!)
        .map((word) => `'${word}'`).join(" ");
    const complete = (line: string) =>
      `COMP_WORDS=(${words(line)}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _o1_api; ` +
      'echo "${COMPREPLY[*]}"';
    const all: Case[] = [
      ...cases(dir),
      ["o1-api ask --effort=lo", ["low"]],
      ["o1-api ask --effort=", EFFORTS],
      [`o1-api ask --config ${dir}/config.yaml --model=al:`, ["2"]],
      ["o1-api c", ["check", "completions"]],
    ];
    // Warnings of a compopt outside of a completion are no part of it.
    const out = await run(
      `compopt() { :; }; source ./script; ${all.map(([line]) => complete(line)).join("\n")}`,
    );
    const replies = out.split("\n").slice(0, -1).map((each) =>
      sorted(each.split(" ").filter(Boolean))
    );
    assertEquals(replies, all.map(([, offers]) => sorted(offers)));
  }));

Deno.test("fish completes commands, flags, files, values and models", (t) =>
  withShell("fish", t.name, async (run, dir) => {
    const all = cases(dir);
    const out = await run(
      `set -gx HOME ${dir}; source ./script; ` +
        all.map(([line]) => `complete -C '${line}'; echo ==`).join("; "),
    );
    const replies = out.split("==\n").slice(0, -1).map((each) =>
      sorted(each.split("\n").filter(Boolean).map((line) => line.split("\t")[0]!))
    );
    assertEquals(replies, all.map(([, offers]) => sorted(offers)));
  }));

Deno.test("zsh completes commands, flags, files, values and models", (t) =>
  withShell("zsh", t.name, async (run, dir) => {
    // One offer, which zsh writes into the line; Ctrl-X shows the line.
    const all = cases(dir).filter(([line, offers]) => offers.length === 1 && !line.endsWith(" "));
    const out = await run(`
zmodload zsh/zpty
zpty z zsh -f -i
next() { local out; zpty -r z out $'*<<*>>*'; out=\${out##*<<}; print -r -- \${out%%>>*} }
zpty -w z 'PS1=; autoload -Uz compinit; compinit -u -D; source ./script; show() { print -r -- "<""<$BUFFER>"">"; BUFFER= }; zle -N show; bindkey "^X" show; print "<""<>"">"'
next >/dev/null
${all.map(([line]) => `zpty -w -n z $'${line}\\t\\x18'; next`).join("\n")}
zpty -d z
`);
    // What zsh puts after an offer, it takes away where it is not needed: = and a comma.
    const lines = out.trimEnd().split("\n").map((line) => line.replace(/[ =,]$/, ""));
    const whole = ([line, [offer]]: Case) => line.slice(0, line.lastIndexOf(" ") + 1) + offer;
    assertEquals(lines, all.map(whole));
  }));

Deno.test("the models' ids are printed for the shells, and faults never", async () => {
  const dir = await Deno.makeTempDir();
  await Deno.writeTextFile(`${dir}/config.yaml`, CONFIG);
  await Deno.writeTextFile(`${dir}/bad.yaml`, "modles: {}");
  const models = async (...words: string[]) => {
    const args = ["completions", "models", "--", "o1-api", "ask", ...words];
    return await runProgram({ args });
  };
  assertEquals(await models("--config", `${dir}/config.yaml`, "-m", ""), {
    code: 0,
    stdout: "alpha\nal:2\nbeta\n",
    stderr: "",
  });
  const bad = await models(`--config=${dir}/bad.yaml`, "-m", "");
  assertEquals(bad, { code: 0, stdout: "", stderr: "" });
  await Deno.remove(dir, { recursive: true });
});

Deno.test("every script knows every command", async () => {
  for (const shell of COMMANDS.completions.words) {
    const { stdout } = await runProgram({ args: ["completions", shell] });
    const missing = FIRST_WORDS.filter((word) => !new RegExp(`\\b${word}\\b`).test(stdout));
    assertEquals(missing, [], shell);
  }
});
