/**
 * A conversation as one HTML file that loads nothing and runs nothing.
 *
 * @module
 */
import { contentOf, type Turn } from "../chat/turns.ts";
import { h } from "../dom/elements.ts";
import { translate } from "../language/translate.ts";
import { hasRecords, reasoningView } from "../view/reasoning.ts";
import { VIEW_STYLE } from "../view/style.ts";
import { reasoningOf } from "./export.ts";

/** For browsers that read the file: even if an escape were wrong, nothing runs and nothing loads. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; " +
  "form-action 'none'";

const STYLE = `
:root { color-scheme: light dark; --surface: light-dark(#fff, #121212); --sunken: light-dark(#f0f0ed, #26282f); --line: light-dark(#dddcd6, #363943); --text: light-dark(#1d1e22, #e8e8ea); --quiet: light-dark(#5c5f69, #a5a8b3); --accent: light-dark(#3750c4, #a3b3ff); --alert: light-dark(#a3251c, #ff9d94); --alert-soft: light-dark(#fdeceb, #3a2021); --mono: ui-monospace, monospace }
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.6 system-ui, sans-serif }
.text { white-space: pre-wrap; overflow-wrap: anywhere }
.question { padding: .75rem 1rem; border-radius: .75rem; background: light-dark(#f0f0ed, #26282f) }
img { max-width: 100% }
summary { cursor: pointer }
`;

/** Pictures that a question may hold; another URL would load something. */
const PICTURE_REGEXP = /^data:image\/(?:png|jpeg|gif|webp);base64,/;

/** A conversation as a page of its own. Texts are shown as they are, not as Markdown. */
export function toHtml(title: string, path: readonly Turn[]): string {
  const page = h(
    "html",
    { lang: document.documentElement.lang },
    h(
      "head",
      h("meta", { charset: "utf-8" }),
      h("meta", { "http-equiv": "Content-Security-Policy", content: POLICY }),
      h("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
      h("title", title),
      h("style", STYLE + VIEW_STYLE),
    ),
    h("body", h("main", h("h1", title), ...path.map(turnOf))),
  );
  return `<!DOCTYPE html>\n${page.outerHTML}\n`;
}

function turnOf({ question, answers }: Turn): HTMLElement {
  const pictures = question.images.filter((src) => PICTURE_REGEXP.test(src));
  return h(
    "section",
    h("h2", translate("Question")),
    h(
      "div.question",
      ...pictures.map((src) =>
        h("p", h("img", { src, alt: translate("Picture in the question") }))
      ),
      ...question.files.map(({ name }) => h("p", translate("File: {name}", { name }))),
      textOf(question.text),
    ),
    ...answers.flatMap((answer) => {
      const thinking = reasoningOf(answer);
      return [
        h("h2", answer.name),
        thinking === "" ? null : folded(translate("Thinking"), textOf(thinking)),
        textOf(contentOf(answer)),
        hasRecords(answer) ? folded(translate("Reasoning"), reasoningView(answer, false)) : null,
      ];
    }),
  );
}

const textOf = (text: string) => h("div.text", text);

function folded(title: string, content: HTMLElement): HTMLElement {
  return h("details", h("summary", title), content);
}
