import { type Answer, contentOf, type Turn } from "../chat/turns.ts";
import { h } from "../dom/elements.ts";
import { translate } from "../language/translate.ts";

/** A conversation as Markdown. */
export function toMarkdown(title: string, path: readonly Turn[]): string {
  const turns = path.map(({ question, answers }) => {
    const files = question.files.map(({ name }) => `*${translate("File: {name}", { name })}*`);
    const pictures = question.images.map(() => `*${translate("Picture")}*`);
    return [
      `## ${translate("Question")}\n\n${[...files, ...pictures, question.text].join("\n\n")}`,
      ...answers.map((answer) => `## ${answer.name}\n\n${thinkingOf(answer)}${contentOf(answer)}`),
    ].join("\n\n");
  });
  return `# ${title}\n\n${turns.join("\n\n")}\n`;
}

export function reasoningOf({ parts }: Answer): string {
  return parts.map((part) => "reasoning" in part ? part.reasoning : "").join("").trim();
}

function thinkingOf(answer: Answer): string {
  const thinking = reasoningOf(answer);
  if (thinking === "") return "";
  return `<details><summary>${translate("Thinking")}</summary>\n\n${thinking}\n\n</details>\n\n`;
}

/** Lets the browser save a text as a file. */
export function download(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  h("a", { href: url, download: name }).click();
  // Browsers read it after the click.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
