import type { Problem } from "../dataset.ts";
import type { Result } from "../results.ts";
import { escapeText } from "./plot.ts";

const MAX_LENGTH = 200;

/** Returns a table of the questions with each model's answers, as HTML. */
export function questionsTable(
  problems: readonly Problem[],
  models: readonly string[],
  results: readonly Result[],
): string {
  const byProblem = Map.groupBy(results, ({ id }) => id);
  const headings = ["question", "right answer", ...models]
    .map((text) => `<th scope="col">${shorten(text)}</th>`).join("");
  const rows = problems.map(({ id, question, answers }) => {
    const own = (byProblem.get(id) ?? []).toSorted((a, b) => a.trial - b.trial);
    const cells = models.map((model) => own.filter((result) => result.model === model).map(cellOf));
    const texts = [shorten(answers.join(" or ")), ...cells.map((trials) => trials.join("<br>"))];
    return `<tr><th scope="row">${shorten(question)}</th>${
      texts.map((text) => `<td>${text}</td>`).join("")
    }</tr>`;
  });
  return `<table class="questions">
<thead><tr>${headings}</tr></thead>
<tbody>
${rows.join("\n")}
</tbody>
</table>`;
}

function cellOf({ correct, answer, content = "", error }: Result): string {
  if (error !== undefined) return `error: ${shorten(error.code)}`;
  const mark = correct ? "✓" : "✗";
  return `${mark} ${shorten(answer ?? (content.trim() || "no answer"))}`;
}

function shorten(text: string): string {
  return escapeText(text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH - 1)}…` : text);
}
