/**
 * How an answer looks in a terminal: thinking dimmed and folded, the answer plain.
 *
 * @module
 */
import type { ThinkingView } from "./flags.ts";
import { type AskOutput, fitEnd, fitStart, plain } from "../terminal.ts";

/** Shows one answer as it comes. */
export interface AskView {
  /** Takes the next chunk of the stream. */
  // deno-lint-ignore no-explicit-any -- chunks are whatever the server sends
  chunk(chunk: any): void;
  /** The answer is whole, or as whole as it gets. */
  end(): void;
  /** The answer so far. */
  answer(): string;
}

/** Creates the view of one answer. */
export function createAskView(view: ThinkingView, output: AskOutput, now: () => number): AskView {
  const start = now();
  const answer: string[] = [];
  let tail = "";
  let hasLine = false;
  let answering = false;
  /** Whether thinking was shown, and what of it stands last. */
  let shown = "";

  const dim = (text: string) => output.colours ? `\x1b[2m${text}\x1b[22m` : text;

  function clearLine(): void {
    if (!hasLine) return;
    output.err("\r\x1b[2K");
    hasLine = false;
  }

  function line(text: string): void {
    clearLine();
    output.err(`${dim(text)}\n`);
    shown = "\n";
  }

  function live(text: string): void {
    if (!output.canRewrite) return;
    tail = (tail + text).slice(-400);
    const words = oneLine(tail.replaceAll("**", ""));
    if (words === "") return;
    // The last column stays free: some terminals go on to the next line after it.
    output.err(`\r\x1b[2K${dim(`· ${fitEnd(words, Math.max(1, output.columns() - 3))}`)}`);
    hasLine = true;
  }

  function reasoning(text: string): void {
    if (view === "titles") live(text);
    if (view !== "full") return;
    output.err(dim(text));
    shown = text;
  }

  function progress(detail: Record<string, unknown>): void {
    if (view !== "titles") return;
    const { type, title, seconds, text } = detail;
    if (type === "step_end") {
      tail = "";
      const time = `  ${Number(seconds).toFixed(1)} s`;
      const columns = Math.max(1, output.columns() - time.length - 3);
      if (title) line(`✓ ${fitStart(oneLine(plain(String(title))), columns)}${time}`);
    } else if (typeof text === "string") line(`· ${oneLine(plain(text))}`);
  }

  /** What stands between the thinking and the answer. */
  function beginAnswer(): void {
    clearLine();
    if (!answering && shown !== "") output.err(shown.endsWith("\n") ? "\n" : "\n\n");
    answering = true;
  }

  /** The answer's last line has an end, whether the model gave it one or not. */
  function endAnswer(): void {
    clearLine();
    if (answering && !answer.at(-1)?.endsWith("\n")) output.out("\n");
    answering = false;
  }

  function footer(usage: Record<string, unknown>): void {
    if (view === "none") return;
    const upstream = (usage.upstream ?? {}) as { calls?: number; cost?: number };
    const figures = [
      `${usage.total_tokens} tokens`,
      ...(upstream.calls === undefined ? [] : [`${upstream.calls} calls`]),
      ...(upstream.cost === undefined ? [] : [`$${upstream.cost.toPrecision(3)}`]),
      `${((now() - start) / 1000).toFixed(1)} s`,
    ];
    line(figures.join(" · "));
  }

  return {
    chunk({ choices, o1, usage }) {
      const delta = choices?.[0]?.delta ?? {};
      if (o1) progress(o1);
      if (delta.reasoning_content) reasoning(plain(delta.reasoning_content));
      const text = plain(delta.content ?? delta.refusal ?? "");
      if (text !== "") {
        beginAnswer();
        answer.push(text);
        output.out(text);
      }
      if (usage) {
        endAnswer();
        footer(usage);
      }
    },
    end: endAnswer,
    answer: () => answer.join(""),
  };
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
