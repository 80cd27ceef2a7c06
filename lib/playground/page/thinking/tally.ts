import { h } from "../dom/elements.ts";
import { translate } from "../language/translate.ts";

const MAX_ROWS = 12;
const MAX_ANSWER_CHARACTERS = 200;

export interface Tally {
  text: string;
  counts: { answer: string; votes: number }[];
  total: number;
}

/** Shows the votes for each answer as bars. */
export function createTally() {
  const caption = h("p.caption");
  const rows = h("ul.votes");
  return {
    element: h("div.tally", caption, rows),
    update({ text, counts, total }: Tally) {
      caption.textContent = text;
      rows.replaceChildren(
        ...counts.slice(0, MAX_ROWS).map(({ answer, votes }) => {
          const short = answer.slice(0, MAX_ANSWER_CHARACTERS);
          const label = translate("{votes} of {total} for {answer}", {
            votes,
            total,
            answer: short,
          });
          return h(
            "li",
            h("span.vote", short),
            h("progress", { max: total, value: votes, "aria-label": label }),
            h("span.count", { "aria-hidden": "true" }, `${votes}`),
          );
        }),
      );
    },
  };
}
