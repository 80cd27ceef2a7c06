import { ApiFault, streamChat } from "../api/requests.ts";
import { h, quietButton } from "../dom/elements.ts";
import type { Body } from "../code/examples.ts";
import { translate } from "../language/translate.ts";
import { addParts, type Answer, bodyOf, newestEnd, newId, pathTo, siblingsOf } from "./turns.ts";
import type { Labelled, Question, Turn } from "./turns.ts";
import { createAnswer } from "./answer.ts";

export interface ChatOptions {
  /** Container of the turns. */
  log: HTMLElement;
  key: () => string;
  /** Announces progress to screen readers. */
  announce: (line: string) => void;
  drawer: { add(name: string, event: unknown): void; clear(): void };
  showCode: (body: Body) => void;
  /** Called when the server rejects a field of a request. */
  onFault: (param: string, message: string, pick: Question["picks"][number]) => void;
  view: {
    showReasoning: (answer: Answer) => void;
    showDifferences: (answers: readonly Labelled[], first: number, second: number) => void;
  };
  /** Called with a turn that has ended. */
  onTurn: (turn: Turn) => void;
  /** Called when another branch is shown. */
  onLeaf: (conversation: string, leaf: string) => void;
  /** Called when answers begin or have ended. */
  onRunning: (isRunning: boolean) => void;
}

/** The conversation that is shown: one path through its tree of turns. */
export function createChat(options: ChatOptions) {
  const { log, key, announce, drawer, showCode, view, onFault, onTurn, onLeaf, onRunning } =
    options;
  let id = newId();
  let turns = new Map<string, Turn>();
  let leaf: string | null = null;
  let running: AbortController | undefined;

  async function askLane(
    question: Question,
    lane: number,
    path: readonly Turn[],
    lanes: HTMLElement,
    signal: AbortSignal,
  ): Promise<Answer> {
    const { name } = question.picks[lane]!;
    const body = bodyOf(question, lane, path);
    const answer = createAnswer({
      name,
      announce,
      isBeside: question.picks.length > 1,
      onCode: () => showCode(body),
      onReasoning: () => view.showReasoning(whole),
    });
    lanes.append(answer.element);
    let whole: Answer;
    const parts: Answer["parts"] = [];
    try {
      for await (const chunk of streamChat(key(), body, signal)) {
        drawer.add(name, chunk);
        addParts(parts, chunk);
        answer.take(chunk);
      }
      whole = { name, parts, outcome: "complete", ...answer.finish() };
    } catch (error) {
      if (error instanceof ApiFault && error.param && !signal.aborted) {
        onFault(error.param, error.message, question.picks[lane]!);
      }
      whole = signal.aborted
        ? { name, parts, outcome: "stopped", ...answer.stop() }
        : { name, parts, outcome: "failed", ...answer.fail(error) };
    }
    return whole;
  }

  /** Shows a question, and returns the container of its answers. */
  function begin(question: Question, turn?: Turn): HTMLElement {
    const lanes = h("div.lanes", { "data-count": question.picks.length });
    const { text, images, files } = question;
    const shown = h(
      "div.question",
      ...images.map((src) => h("img", { src, alt: translate("Picture in the question") })),
      ...files.map(({ name }) => h("span.file", name)),
      text === "" ? null : h("p", text),
    );
    const section = h(
      "section.turn",
      {
        "aria-label": translate("Question {number}", { number: log.children.length + 1 }),
      },
      shown,
      lanes,
    );
    if (turn !== undefined) shown.after(actionsOf(turn, shown));
    log.append(section);
    return lanes;
  }

  /** Buttons that ask again and, if it was asked more than once, lead to the other branches. */
  function actionsOf(turn: Turn, shown: HTMLElement): HTMLElement {
    const siblings = siblingsOf(turns, turn);
    const place = siblings.indexOf(turn);
    const runs = siblings.flatMap(({ answers }, version) =>
      answers.map((answer) => ({
        answer,
        label: siblings.length > 1 ? `${version + 1} · ${answer.name}` : answer.name,
      }))
    );
    const own = runs.findIndex(({ answer }) => answer === turn.answers[0]);
    const chosen: [number, number] = turn.answers.length > 1 || own === 0
      ? [own, own + 1]
      : [own - 1, own];
    const go = (to: number) => () => show(newestEnd(turns, siblings[to]!).id);
    return h(
      "div.turn-actions",
      place > 0 ? quietButton("‹", go(place - 1), translate("Earlier version")) : null,
      siblings.length > 1 ? h("span", `${place + 1}/${siblings.length}`) : null,
      place < siblings.length - 1
        ? quietButton("›", go(place + 1), translate("Later version"))
        : null,
      runs.length > 1
        ? quietButton(translate("Differences"), () => view.showDifferences(runs, ...chosen))
        : null,
      action("edit", quietButton(translate("Edit"), () => edit(turn, shown))),
      action("retry", quietButton(translate("Retry"), () => ask(turn.question, turn.parent))),
    );
  }

  /** Names a button for {@linkcode press}. */
  function action(name: "edit" | "retry", button: HTMLElement): HTMLElement {
    button.dataset.action = name;
    return button;
  }

  function edit(turn: Turn, shown: HTMLElement): void {
    if (running !== undefined) return;
    const field = h("textarea", { rows: 3, "aria-label": translate("Edit the question") });
    field.value = turn.question.text;
    const form = h(
      "form.edit",
      field,
      quietButton(translate("Cancel"), () => form.replaceWith(shown)),
      h("button.primary", translate("Send")),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void ask({ ...turn.question, text: field.value.trim() }, turn.parent);
    });
    shown.replaceWith(form);
    field.focus();
  }

  /** Shows the turns up to this one. */
  function show(to: string | null): void {
    if (running !== undefined) return;
    leaf = to;
    log.replaceChildren();
    const path = pathTo(turns, to);
    for (const [place, turn] of path.entries()) {
      const lanes = begin(turn.question, turn);
      const before = path.slice(0, place);
      turn.answers.forEach((answer, lane) => {
        const shown = createAnswer({
          name: answer.name,
          announce: () => {},
          isBeside: turn.answers.length > 1,
          onCode: () => showCode(bodyOf(turn.question, lane, before)),
          onReasoning: () => view.showReasoning(answer),
        });
        shown.replay(answer);
        lanes.append(shown.element);
      });
    }
    if (to !== null) onLeaf(id, to);
  }

  /** Asks every column at once; resolves when all have ended. */
  async function ask(question: Question, parent = leaf): Promise<void> {
    if (running !== undefined) return;
    if (parent !== leaf) show(parent);
    const controller = running = new AbortController();
    const conversation = id;
    onRunning(true);
    const path = pathTo(turns, parent);
    const lanes = begin(question);
    announce(translate("Question sent."));
    const answers = await Promise.all(
      question.picks.map((_, lane) => askLane(question, lane, path, lanes, controller.signal)),
    );
    if (running !== controller) return;
    running = undefined;
    const turn: Turn = {
      id: newId(),
      conversation,
      parent,
      at: Date.now(),
      question,
      answers,
    };
    turns.set(turn.id, turn);
    leaf = turn.id;
    const shown = lanes.previousElementSibling;
    if (shown instanceof HTMLElement) shown.after(actionsOf(turn, shown));
    onRunning(false);
    onTurn(turn);
  }

  return {
    /** Shows it again in the language that the reader has chosen. */
    redraw: () => show(leaf),
    /** Presses the last button of this kind, if there is one. */
    press(name: "copy" | "edit" | "retry"): void {
      [...log.querySelectorAll<HTMLElement>(`[data-action=${name}]`)].at(-1)?.click();
    },
    isRunning: () => running !== undefined,
    ask,
    /** Stops every running answer, including the work upstream. */
    stop: () => running?.abort(),
    /** The turns that are shown. */
    path: () => pathTo(turns, leaf),
    id: () => id,
    /** Shows another conversation, by default a new one. */
    open(conversation = newId(), stored = new Map<string, Turn>(), at = leaf) {
      running?.abort();
      running = undefined;
      onRunning(false);
      id = conversation;
      turns = stored;
      drawer.clear();
      show(stored.size === 0 ? null : at);
    },
  };
}
