/**
 * How an answer looks in a terminal: thinking dimmed and folded, the answer plain.
 *
 * @module
 */
import type { ThinkingView } from "./ask_flags.ts";

/** Where text goes. */
export interface AskOutput {
  /** The answer. */
  out(text: string): void;
  /** Thinking and figures. */
  err(text: string): void;
  /** Whether `err` is a terminal that can rewrite its last line. */
  canRewrite: boolean;
  /** Whether `err` may be coloured. */
  colours: boolean;
  /** Columns of the terminal. */
  columns: number;
}

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

/** Control characters that a model could move the cursor or the title with. */
// deno-lint-ignore no-control-regex -- they are what is looked for
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;

/** Creates the view of one answer. */
export function createAskView(view: ThinkingView, output: AskOutput, now: () => number): AskView {
  const start = now();
  const answer: string[] = [];
  let tail = "";
  let hasLine = false;
  let answering = false;

  const dim = (text: string) => output.colours ? `\x1b[2m${text}\x1b[22m` : text;

  function clearLine(): void {
    if (!hasLine) return;
    output.err("\r\x1b[2K");
    hasLine = false;
  }

  function line(text: string): void {
    clearLine();
    output.err(`${dim(text)}\n`);
  }

  function live(text: string): void {
    if (!output.canRewrite) return;
    tail = (tail + text).slice(-400);
    const shown = tail.replaceAll("**", "").replace(/\s+/g, " ").trim();
    output.err(`\r\x1b[2K${dim(`· ${shown.slice(-Math.max(10, output.columns - 4))}`)}`);
    hasLine = true;
  }

  function reasoning(text: string): void {
    if (view === "full") output.err(dim(text));
    else if (view === "titles") live(text);
  }

  function progress(detail: Record<string, unknown>): void {
    if (view !== "titles") return;
    const { type, title, seconds, text } = detail;
    if (type === "step_end") {
      tail = "";
      if (title) line(`✓ ${plain(String(title))}  ${Number(seconds).toFixed(1)} s`);
    } else if (typeof text === "string") line(`· ${plain(text)}`);
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
        clearLine();
        if (!answering && view !== "none") output.err("\n");
        answering = true;
        answer.push(text);
        output.out(text);
      }
      if (usage) {
        if (answering) output.out("\n");
        footer(usage);
      }
    },
    end: clearLine,
    answer: () => answer.join(""),
  };
}

/** Text that a terminal shows and does not obey. */
function plain(text: string): string {
  return text.replace(CONTROLS, "");
}
