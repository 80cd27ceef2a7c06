/**
 * A program on a real pseudo-terminal, by way of script(1).
 *
 * @module
 */
import { cleanEnv, PERMISSIONS, ROOT } from "../e2e/program.ts";

/** A program on a terminal. */
export interface TerminalProgram extends AsyncDisposable {
  /** Types this; `\x03` is Ctrl-C, `\x04` Ctrl-D. */
  type(text: string): Promise<void>;
  /** Resolves when the terminal has been sent this, after what was waited for before. */
  sent(text: string): Promise<void>;
  /** All that the terminal was sent so far. */
  screen(): string;
  /** Resolves with the exit code once it has ended. */
  ended: Promise<number>;
}

/** What it is started with. */
export interface TerminalOptions {
  /** Columns of the terminal; default: 80. */
  columns?: number;
  /** Variables of the environment. */
  env?: Record<string, string>;
  /** A shell's words after the command, e.g. a pipe. */
  after?: string;
}

/** Whether this machine has script(1). */
export async function hasTerminals(): Promise<boolean> {
  return (await new Deno.Command("which", { args: ["script"], stdout: "null" }).output()).success;
}

/** Starts `o1-api` with these arguments on a terminal of its own. */
export function startOnTerminal(
  args: readonly string[],
  { columns = 80, env = {}, after = "" }: TerminalOptions = {},
): TerminalProgram {
  const words = [Deno.execPath(), "run", "--quiet", ...PERMISSIONS, "main.ts", ...args];
  const quoted = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  const { NO_COLOR: _, ...clean } = cleanEnv();
  const child = new Deno.Command("script", {
    // Without exec the shell would get the signals too, and its exit code would be its own.
    args: [
      "-qec",
      `stty cols ${columns} rows 24; ${after === "" ? `exec ${quoted}` : `${quoted} ${after}`}`,
      "/dev/null",
    ],
    cwd: ROOT,
    env: { ...clean, TERM: "xterm", SHELL: "/bin/sh", ...env },
    clearEnv: true,
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const keyboard = child.stdin.getWriter();
  let screen = "";
  let seen = 0;
  let waiting: (() => void) | undefined;
  const reading = (async () => {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      screen += text;
      waiting?.();
    }
  })();
  const ended = (async () => {
    const [{ code }] = await Promise.all([child.status, reading]);
    waiting?.();
    return code;
  })();
  let isOver = false;
  ended.then(() => isOver = true);
  return {
    type: (text) => keyboard.write(new TextEncoder().encode(text)),
    async sent(text) {
      for (;;) {
        const at = screen.indexOf(text, seen);
        if (at >= 0) return void (seen = at + text.length);
        if (isOver) throw new Error(`It ended without ${JSON.stringify(text)}: ${screen}`);
        await new Promise<void>((resolve) => waiting = resolve);
      }
    },
    screen: () => screen,
    ended,
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended already.
      }
      await ended;
      await keyboard.close().catch(() => {});
    },
  };
}
