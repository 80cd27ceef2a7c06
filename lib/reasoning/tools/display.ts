/**
 * Shows the uses of tools among the events of a strategy: as events of their own, as text of the
 * thinking, which every client can show, and as annotations of the answer.
 */
import { tryParse } from "../../json.ts";
import { createQueue } from "../../queue.ts";
import { endsThinking, type ReasoningEvent, type ToolUseEvent } from "../events.ts";
import { createCitations } from "./citations.ts";
import { outputText, shorten } from "./turns.ts";

interface OpenStep {
  step: number;
  hasContent: boolean;
  content: string;
}

/**
 * Adds the uses of tools. They are dropped once the answer has begun, as all thinking is.
 *
 * @param start starts a run that passes on the events of its tools.
 */
export async function* withToolUses(
  start: (onToolUse: (event: ToolUseEvent) => void) => AsyncGenerator<ReasoningEvent>,
): AsyncGenerator<ReasoningEvent> {
  const uses: ToolUseEvent[] = [];
  const ready = createQueue<"event" | "use">();
  const events = start((use) => {
    uses.push(use);
    ready.put("use");
  });
  /** Number of steps that this has added. */
  let added = 0;
  let last = 0;
  let open: OpenStep | undefined;
  let waiting = "";
  let isAnswering = false;
  const citations = createCitations();

  /** Returns the events that show the texts that wait. */
  function flush(): ReasoningEvent[] {
    if (waiting === "") return [];
    if (open !== undefined) {
      // All of a title comes first.
      if (!open.hasContent) return [];
      const gap = open.content === "" || open.content.endsWith("\n") ? "" : "\n\n";
      const text = gap + waiting;
      waiting = "";
      open.content += text;
      return [{ type: "reasoning", step: open.step, part: "content", text }];
    }
    const content = waiting.trimEnd();
    waiting = "";
    added++;
    const step = ++last;
    return [
      { type: "step_start", step, titled: false },
      { type: "reasoning", step, part: "content", text: content },
      { type: "step_end", step, title: "", content, seconds: 0 },
    ];
  }

  function renumbered(event: ReasoningEvent): ReasoningEvent {
    if (event.type === "step_start") {
      last = event.step + added;
      open = { step: last, hasContent: !event.titled, content: "" };
      return { ...event, step: last };
    }
    if (event.type === "reasoning") {
      const step = event.step + added;
      if (open !== undefined && event.part === "content") {
        open.hasContent = true;
        open.content += event.text;
      }
      return { ...event, step };
    }
    if (event.type !== "step_end") return event;
    const content = open?.content ?? event.content;
    const step = event.step + added;
    open = undefined;
    return { ...event, step, content };
  }

  function read() {
    const event = events.next();
    const put = () => ready.put("event");
    event.then(put, put);
    return event;
  }
  let next = read();
  try {
    for (;;) {
      const kind = await ready.take();
      for (const use of uses.splice(0)) {
        if (isAnswering) continue;
        citations.add(use);
        waiting += textOf(use);
        yield use;
      }
      if (!isAnswering) yield* flush();
      if (kind === "use") continue;
      const { done, value } = await next;
      if (done) return;
      isAnswering ||= endsThinking(value);
      if (value.type === "answer") citations.add(value);
      if (value.type === "finish") {
        const parts = citations.parts();
        if (parts !== undefined) yield { type: "parts", parts };
      }
      yield renumbered(value);
      if (!isAnswering) yield* flush();
      next = read();
    }
  } finally {
    await events.return(undefined);
  }
}

/** Longest text of a use that the thinking shows. */
const MAX_SHOWN = 1_000;

function textOf(event: ToolUseEvent): string {
  switch (event.type) {
    case "tool_start":
      return `Uses ${event.name}:\n${fenced(argumentsText(event.arguments))}\n\n`;
    case "tool_output": {
      if (event.isProgress) return "";
      const text = outputText(event).trim();
      return text === "" ? "" : `Output:\n${fenced(text)}\n\n`;
    }
    default:
      return "";
  }
}

/** Returns the one text among the arguments, or their JSON. */
function argumentsText(json: string): string {
  const values = Object.values(tryParse(json) ?? {});
  return values.length === 1 && typeof values[0] === "string" ? values[0] : json;
}

function fenced(text: string): string {
  const short = shorten(text, MAX_SHOWN);
  const longest = Math.max(2, ...[...short.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}\n${short}\n${fence}`;
}
