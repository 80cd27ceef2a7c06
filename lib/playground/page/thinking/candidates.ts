import { h } from "../dom/elements.ts";
import { translate } from "../language/translate.ts";
import { createLiveText } from "../text/live_text.ts";

/** Further candidates are ignored. */
const MAX_CANDIDATES = 48;

export interface Candidate {
  index: number;
  answer: string | null;
  text: string;
}

/** Shows candidate answers side by side; each opens to its full text. */
export function createCandidates() {
  const grid = h("div.grid");
  const caption = h("p.caption");
  const cards = new Map<number, HTMLElement>();
  return {
    element: h("div.candidates", caption, grid),
    /** Adds a candidate, or replaces the one with the same index. */
    add({ index, answer, text }: Candidate) {
      if (cards.size >= MAX_CANDIDATES && !cards.has(index)) return;
      const body = h("div.prose.small");
      const card = h(
        "details.candidate",
        h(
          "summary",
          h("span.name", translate("Answer {number}", { number: index + 1 })),
          h("span.value", (answer ?? text).trim().slice(0, 200)),
        ),
        body,
      );
      // Rendered when it is first opened, as most candidates never are.
      card.addEventListener("toggle", () => {
        const live = createLiveText(body);
        live.push(text);
        live.end();
      }, { once: true });
      const old = cards.get(index);
      if (old === undefined) grid.append(card);
      else old.replaceWith(card);
      cards.set(index, card);
      caption.textContent = cards.size === 1
        ? translate("1 candidate")
        : translate("{count} candidates", { count: cards.size });
    },
  };
}
