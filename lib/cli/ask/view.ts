/** Shows a streamed answer on a terminal: thinking dimmed and folded, the answer as it is. */
import { columns, fitEnd, fitStart, plain, print } from "../terminal.ts";

export type ThinkingView = "titles" | "full" | "none";

export type AskView = ReturnType<typeof createAskView>;

/** Number of characters of the current thinking that may be visible in one line. */
const TAIL_LENGTH = 400;

/** @param view default: titles on a terminal, otherwise none. */
export function createAskView(
  view: ThinkingView = Deno.stderr.isTerminal() ? "titles" : "none",
) {
  const start = performance.now();
  const isTerminal = Deno.stderr.isTerminal();
  const isRewritable = isTerminal && Deno.env.get("TERM") !== "dumb";
  const isColoured = isRewritable && !Deno.env.get("NO_COLOR");
  /** The end of the current step's thinking. */
  let tail = "";
  /** Whether the terminal's last line is rewritten as thinking arrives. */
  let hasLiveLine = false;
  let isAnswering = false;
  /** The text written last to each output. */
  let lastThinking = "";
  let lastAnswer = "";

  const width = () => isTerminal ? columns() : Infinity;
  const dim = (text: string) => isColoured ? `\x1b[2m${text}\x1b[22m` : text;

  function clearLine(): void {
    if (!hasLiveLine) return;
    print(Deno.stderr, "\r\x1b[2K");
    hasLiveLine = false;
  }

  function line(text: string): void {
    clearLine();
    print(Deno.stderr, `${dim(text)}\n`);
    lastThinking = "\n";
  }

  function showLive(text: string): void {
    if (!isRewritable) return;
    tail = (tail + text).slice(-TAIL_LENGTH);
    const words = oneLine(tail.replaceAll("**", ""));
    if (words === "") return;
    // The last column stays free, because some terminals wrap after it.
    print(Deno.stderr, `\r\x1b[2K${dim(`· ${fitEnd(words, Math.max(1, width() - 3))}`)}`);
    hasLiveLine = true;
  }

  function showReasoning(text: string): void {
    if (view === "titles") showLive(text);
    if (view !== "full") return;
    print(Deno.stderr, dim(text));
    lastThinking = text;
  }

  function showProgress(
    { type, title, name, is_error, seconds, text }: Record<string, unknown>,
  ): void {
    if (view !== "titles") return;
    if (type === "step_end" || type === "tool_end") {
      tail = "";
      const time = `  ${Number(seconds).toFixed(1)} s`;
      const room = Math.max(1, width() - time.length - 3);
      const done = type === "tool_end" ? `used ${name}` : title;
      const sign = is_error === true ? "✗" : "✓";
      if (done) line(`${sign} ${fitStart(oneLine(plain(String(done))), room)}${time}`);
    } else if (typeof text === "string") line(`· ${oneLine(plain(text))}`);
  }

  function showAnswer(text: string): void {
    clearLine();
    // An empty line separates thinking and answer.
    if (!isAnswering && lastThinking !== "") {
      print(Deno.stderr, lastThinking.endsWith("\n") ? "\n" : "\n\n");
    }
    isAnswering = true;
    lastAnswer = text;
    print(Deno.stdout, text);
  }

  function endAnswer(): void {
    clearLine();
    if (isAnswering && !lastAnswer.endsWith("\n")) print(Deno.stdout, "\n");
    isAnswering = false;
  }

  function showUsage({ total_tokens, upstream }: Record<string, unknown>): void {
    if (view === "none") return;
    const { calls, cost } = (upstream ?? {}) as { calls?: number; cost?: number };
    const figures = [
      `${total_tokens} tokens`,
      ...(calls === undefined ? [] : [`${calls} calls`]),
      ...(cost === undefined ? [] : [`$${cost.toPrecision(3)}`]),
      `${((performance.now() - start) / 1000).toFixed(1)} s`,
    ];
    line(figures.join(" · "));
  }

  return {
    /** Shows the next chunk of the stream. */
    // deno-lint-ignore no-explicit-any -- chunks are whatever the server sends
    chunk({ choices, o1, usage }: any): void {
      const delta = choices?.[0]?.delta ?? {};
      if (o1) showProgress(o1);
      if (delta.reasoning_content) showReasoning(plain(delta.reasoning_content));
      const text = plain(delta.content ?? delta.refusal ?? "");
      if (text !== "") showAnswer(text);
      if (usage) {
        endAnswer();
        showUsage(usage);
      }
    },
    /** Completes the last line; may be called again. */
    end: endAnswer,
  };
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
