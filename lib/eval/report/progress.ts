import { format } from "@std/fmt/duration";
import type { Clock } from "../../clock.ts";
import type { Result } from "../results.ts";

export interface Terminal {
  write(text: string): void;
  /** Whether lines can be rewritten. */
  isTerminal: boolean;
  /** Width in characters. */
  columns: number;
}

const BAR_LENGTH = 24;
const REDRAW_MS = 100;

/**
 * Shows progress: one line that is rewritten on a terminal, a line for each tenth elsewhere.
 *
 * @param total number of results to come, earlier ones included.
 */
export function createProgress(
  { write, isTerminal, columns }: Terminal,
  clock: Clock,
  total: number,
  earlier: readonly Result[],
) {
  const counts = { correct: 0, wrong: 0, errors: 0 };
  const start = clock.now();
  let done = 0;
  let drawn = -Infinity;

  function count({ correct }: Result): void {
    counts[correct === undefined ? "errors" : correct ? "correct" : "wrong"]++;
    done++;
  }

  function tally(): string {
    const { correct, wrong, errors } = counts;
    return `${correct} correct, ${wrong} wrong, ${errors} ${errors === 1 ? "error" : "errors"}`;
  }

  function draw(): void {
    drawn = clock.now();
    const filled = total === 0 ? BAR_LENGTH : Math.floor(BAR_LENGTH * done / total);
    const bar = "█".repeat(filled) + "░".repeat(BAR_LENGTH - filled);
    const leftMs = (drawn - start) / (done - earlier.length) * (total - done);
    const left = Number.isFinite(leftMs) && leftMs > 0 ? `, ${duration(leftMs)} left` : "";
    const line = `${bar} ${done}/${total}  ${tally()}${left}`;
    write(`\r\x1b[K${line.slice(0, Math.max(20, columns - 1))}`);
  }

  earlier.forEach(count);
  if (isTerminal) draw();
  return {
    add(result: Result): void {
      const tenth = Math.floor(10 * done / total);
      count(result);
      if (isTerminal) {
        if (clock.now() - drawn >= REDRAW_MS) draw();
      } else if (Math.floor(10 * done / total) > tenth) {
        write(`${done} of ${total}: ${tally()}\n`);
      }
    },
    end(): void {
      if (!isTerminal) return;
      draw();
      write("\n");
    },
  };
}

/** For example "1m 5s". */
function duration(ms: number): string {
  return format(Math.max(1, Math.round(ms / 1000)) * 1000, { ignoreZero: true });
}
