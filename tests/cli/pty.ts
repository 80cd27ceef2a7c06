/**
 * Runs the program on a pseudo-terminal with script(1).
 *
 * @module
 */
import { cleanEnv, PERMISSIONS, ROOT } from "../support/program.ts";
import { waitFor } from "../support/wait.ts";

export interface TerminalProgram extends AsyncDisposable {
  /** Types a text; `\x03` is Ctrl-C. */
  type(text: string): Promise<void>;
  /** Resolves when the text appears, after any text awaited before. */
  sent(text: string): Promise<void>;
  /** Everything written to the terminal so far. */
  screen(): string;
  /** Resolves with the exit code. */
  readonly ended: Promise<number>;
}

export interface TerminalOptions {
  /** Width of the terminal; default: 80. */
  columns?: number;
  /** Environment variables. */
  env?: Record<string, string>;
  /** Permissions besides those of all programs. */
  permissions?: string[];
  /** Shell text after the command, such as a pipe. */
  after?: string;
}

/** Starts `o1-api` with these arguments on a new terminal. */
export function startOnTerminal(
  args: readonly string[],
  { columns = 80, env = {}, permissions = [], after = "" }: TerminalOptions = {},
): TerminalProgram {
  const words = [
    Deno.execPath(),
    "run",
    "--quiet",
    ...PERMISSIONS,
    ...permissions,
    "main.ts",
    ...args,
  ];
  const quoted = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  const { NO_COLOR: _, ...clean } = cleanEnv();
  const child = new Deno.Command("script", {
    // Without exec, the shell would receive the signals too and return its own exit code.
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
        if (isOver) throw new Error(`The program ended without ${JSON.stringify(text)}: ${screen}`);
        await waitFor(
          () => `${JSON.stringify(text)} on the terminal: ${JSON.stringify(screen)}`,
          new Promise<void>((resolve) => waiting = resolve),
        );
      }
    },
    screen: () => screen,
    get ended() {
      return waitFor(() => `the program to exit: ${JSON.stringify(screen)}`, ended);
    },
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has already ended.
      }
      await ended;
      await keyboard.close().catch(() => {});
    },
  };
}
