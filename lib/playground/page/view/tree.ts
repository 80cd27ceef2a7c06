import { formatNumber } from "../chat/figures.ts";
import { h } from "../dom/elements.ts";
import { translate } from "../language/translate.ts";
import { cost, kindOf, nameOf, outcomeOf, seconds } from "./format.ts";
import type { Call, Mark, Phase, PromptMessage, Run, ToolRun } from "./run.ts";

export interface TreeOptions {
  idOf: (entry: Call | ToolRun) => string;
  /**
   * Whether texts are added when they are opened, each in full. Otherwise all are there at once, and
   * a message that several calls had is in the first of them only.
   */
  isLazy: boolean;
}

/** Shows which call belongs to what, with its prompt and what it wrote. */
export function treeOf(run: Run, options: TreeOptions): HTMLElement {
  return h("ul.view-tree", ...run.phases.map((phase) => phaseOf(phase, options)));
}

function phaseOf({ role, tasks, marks }: Phase, options: TreeOptions): HTMLElement {
  return h(
    "li",
    h("strong", tasks.length === 1 ? role : `${role} × ${tasks.length}`),
    h(
      "ul",
      ...[
        ...tasks.map((task) => ({ at: task[0]!.start, show: () => taskOf(task, options) })),
        ...marks.map((mark) => ({
          at: mark.start ?? mark.at,
          show: () => h("li", markOf(mark)),
        })),
      ].sort((a, b) => a.at - b.at).map(({ show }) => show()),
    ),
  );
}

function taskOf(task: readonly (Call | ToolRun)[], options: TreeOptions): HTMLElement {
  const [first, ...others] = task;
  const item = h("li", entryOf(first!, options));
  // With tools, a call is continued by others.
  if (others.length > 0) {
    item.append(h("ul", ...others.map((entry) => h("li", entryOf(entry, options)))));
  }
  return item;
}

function entryOf(entry: Call | ToolRun, { idOf, isLazy }: TreeOptions): HTMLElement {
  const body = h("div.view-body");
  const fill = () => body.append(...textsOf(entry, isLazy));
  const details = h(
    "details.view-entry",
    { id: idOf(entry) },
    h(
      "summary",
      h("span.view-name", nameOf(entry)),
      h("span.view-facts", factsOf(entry).join(" · ")),
    ),
    body,
  );
  if (isLazy) details.addEventListener("toggle", fill, { once: true });
  else fill();
  return details;
}

function factsOf(entry: Call | ToolRun): string[] {
  const { start, end } = entry;
  const outcome = outcomeOf(entry);
  const bad = outcome === "" ? [] : [outcome];
  const time = translate("{start} to {end}", { start: seconds(start), end: seconds(end) });
  if (entry.type === "tool") return [translate("tool"), time, ...bad];
  const about = entry.estimated ? "≈ " : "";
  return [
    time,
    ...entry.first === undefined
      ? []
      : [translate("first token at {time}", { time: seconds(entry.first) })],
    about + translate("{prompt} + {completion} tokens", {
      prompt: formatNumber(entry.prompt_tokens),
      completion: formatNumber(entry.completion_tokens),
    }),
    ...entry.cost === undefined ? [] : [cost(entry.cost)],
    ...entry.attempts > 1 ? [translate("{count} attempts", { count: entry.attempts })] : [],
    ...bad,
  ];
}

function textsOf(entry: Call | ToolRun, isLazy: boolean): HTMLElement[] {
  if (entry.texts === undefined) {
    return [h("p.view-quiet", translate("This key may not see prompts and texts."))];
  }
  if (entry.type === "tool") {
    const { arguments: json, output } = entry.texts;
    return [textOf(translate("Arguments"), json), textOf(translate("Output"), output)];
  }
  const { thinking, output } = entry.texts;
  return [
    h("h4", translate("Prompt")),
    ...entry.prompt.map((message) => messageOf(message, isLazy)),
    ...thinking === "" ? [] : [textOf(translate("Thinking"), thinking)],
    textOf(translate("Output"), output),
  ];
}

function messageOf({ message, role, text, isKnown }: PromptMessage, isLazy: boolean): HTMLElement {
  const number = message + 1;
  return h(
    "div.view-message",
    h("span.view-role", `${number} · ${role}`),
    isKnown && !isLazy
      ? h("p.view-quiet", translate("Same as message {number} above.", { number }))
      : h("pre", { tabindex: 0, "aria-label": `${number} · ${role}` }, text),
  );
}

function textOf(title: string, text: string): HTMLElement {
  return h(
    "div",
    h("h4", title),
    h("pre", { tabindex: 0, "aria-label": title }, text === "" ? "–" : text),
  );
}

function markOf(mark: Mark): HTMLElement {
  const { at, start, label, text } = mark;
  const line = [
    h("span.view-name", `${kindOf(mark)}${label === "" ? "" : ` ${label}`}`),
    h(
      "span.view-facts",
      start === undefined
        ? translate("at {time}", { time: seconds(at) })
        : translate("{start} to {end}", { start: seconds(start), end: seconds(at) }),
    ),
  ];
  if (text === "") return h("div.view-mark", ...line);
  return h(
    "details.view-mark",
    h("summary", ...line),
    h("pre", { tabindex: 0, "aria-label": kindOf(mark) }, text),
  );
}
