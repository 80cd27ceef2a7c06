import { withEllipsis } from "../../text.ts";
import type { Problem } from "../dataset.ts";
import type { Result } from "../results.ts";
import { escapeText } from "./plot.ts";

const MAX_LENGTH = 200;
/** Longest raw answer, in characters. */
const MAX_ANSWER = 4_000;

/** Returns a table of the questions with each model's answers, as HTML. */
export function questionsTable(
  problems: readonly Problem[],
  models: readonly string[],
  results: readonly Result[],
): string {
  const byProblem = Map.groupBy(results, ({ id }) => id);
  const headings = ["question", "right answer", ...models]
    .map((text) => `<th scope="col">${escaped(text)}</th>`).join("");
  const rows = problems.map(({ id, question, answers }) => {
    const own = (byProblem.get(id) ?? []).toSorted((a, b) => a.trial - b.trial);
    const cells = models.map((model) => own.filter((result) => result.model === model).map(cellOf));
    const texts = [escaped(answers.join(" or ")), ...cells.map((trials) => trials.join("<br>"))];
    return `<tr><th scope="row">${escaped(question)}</th>${
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

/** Returns what was compared, which opens the raw answer. */
function cellOf({ correct, answer, content = "", error, finish }: Result): string {
  if (error !== undefined) return `error: ${escaped(error.code)}`;
  const text = content.trim();
  const mark = correct ? "✓" : "✗";
  const cut = finish === "length" ? " (cut)" : "";
  const head = `${mark} ${escaped(answer ?? (text || "no answer"))}${cut}`;
  return text === answer || (answer === undefined && text.length <= MAX_LENGTH)
    ? head
    : `<details><summary>${head}</summary><pre>${escaped(text, MAX_ANSWER)}</pre></details>`;
}

const escaped = (text: string, maxLength = MAX_LENGTH) => escapeText(withEllipsis(text, maxLength));
