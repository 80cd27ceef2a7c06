/**
 * How far a run is: one line that is rewritten on a terminal, plain lines elsewhere.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import type { Result } from "../results.ts";

/** Where progress is shown. */
export interface ProgressOptions {
  /** Takes text; line breaks are in it. */
  write(text: string): void;
  /** Whether lines can be rewritten. */
  isTerminal: boolean;
  /** The terminal's width, in characters. */
  columns: number;
  /** How many results there are to be. */
  total: number;
  /** Those of an earlier run. */
  earlier: readonly Result[];
  /** The one clock. */
  clock: Clock;
}

/** Shows progress. */
export interface Progress {
  /** Counts a result. */
  add(result: Result): void;
  /** Leaves the last line standing. */
  end(): void;
}

const BAR = 24;
const REDRAW_MS = 100;

/** Creates it, and shows the start. */
export function createProgress(options: ProgressOptions): Progress {
  const { write, isTerminal, columns, total, earlier, clock } = options;
  const counts = { correct: 0, wrong: 0, errors: 0 };
  const count = ({ correct }: Result) => {
    counts[correct === undefined ? "errors" : correct ? "correct" : "wrong"]++;
  };
  for (const result of earlier) count(result);
  const start = clock.now();
  let done = earlier.length;
  let drawn = -Infinity;
  let tenth = total === 0 ? 10 : Math.floor(10 * done / total);

  function tally(): string {
    const { correct, wrong, errors } = counts;
    return `${correct} correct, ${wrong} wrong, ${errors} ${errors === 1 ? "error" : "errors"}`;
  }

  function draw(): void {
    drawn = clock.now();
    const filled = total === 0 ? BAR : Math.floor(BAR * done / total);
    const bar = "█".repeat(filled) + "░".repeat(BAR - filled);
    const fresh = done - earlier.length;
    const left = (clock.now() - start) / fresh * (total - done);
    const rest = fresh === 0 || done === total ? "" : `, ${duration(left)} left`;
    const line = `${bar} ${done}/${total}  ${tally()}${rest}`;
    write(`\r\x1b[K${line.slice(0, Math.max(20, columns - 1))}`);
  }

  if (isTerminal) draw();
  return {
    add(result) {
      count(result);
      done++;
      if (isTerminal) {
        if (clock.now() - drawn >= REDRAW_MS) draw();
        return;
      }
      const now = Math.floor(10 * done / total);
      if (now > tenth) write(`${done} of ${total}: ${tally()}\n`);
      tenth = now;
    },
    end() {
      if (!isTerminal) return;
      draw();
      write("\n");
    },
  };
}

function duration(ms: number): string {
  const s = Math.round(ms / 1000);
  const pad = (n: number) => String(n).padStart(2, "0");
  const [hours, minutes] = [Math.floor(s / 3600), Math.floor(s / 60) % 60];
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(s % 60)}` : `${minutes}:${pad(s % 60)}`;
}
