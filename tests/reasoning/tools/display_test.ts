import { assertEquals } from "@std/assert";
import type { ReasoningEvent, ToolUseEvent } from "../../../lib/reasoning/events.ts";
import { withToolUses } from "../../../lib/reasoning/tools/display.ts";

const begin = (step: number, titled = false): ReasoningEvent => ({
  type: "step_start",
  step,
  titled,
});
const title = (step: number, text: string): ReasoningEvent => ({
  type: "reasoning",
  step,
  part: "title",
  text,
});
const think = (step: number, text: string): ReasoningEvent => ({
  type: "reasoning",
  step,
  part: "content",
  text,
});
const end = (step: number, content: string): ReasoningEvent => ({
  type: "step_end",
  step,
  title: "",
  content,
  seconds: 0,
});
const answer = (text: string): ReasoningEvent => ({ type: "answer", text });
const use = (text: string): ToolUseEvent => ({
  type: "tool_output",
  id: "tool_1",
  content: [{ type: "text", text }],
  isProgress: false,
});

const OUTPUT = "Output:\n```\n42\n```";

const CASES: Record<string, [events: (ReasoningEvent | ToolUseEvent)[], shown: ReasoningEvent[]]> =
  {
    "before the first step": [
      [use("42"), begin(1), think(1, "So."), end(1, "So.")],
      [
        ...[begin(1), think(1, OUTPUT), end(1, OUTPUT)],
        ...[begin(2), think(2, "So."), end(2, "So.")],
      ],
    ],
    "between steps": [
      [
        begin(1),
        think(1, "Hm."),
        end(1, "Hm."),
        use("42"),
        begin(2),
        think(2, "So."),
        end(2, "So."),
      ],
      [
        ...[begin(1), think(1, "Hm."), end(1, "Hm.")],
        ...[begin(2), think(2, OUTPUT), end(2, OUTPUT)],
        ...[begin(3), think(3, "So."), end(3, "So.")],
      ],
    ],
    "in a step": [
      [begin(1), think(1, "Hm."), use("42"), think(1, "So."), end(1, "Hm.So.")],
      [
        ...[begin(1), think(1, "Hm."), think(1, `\n\n${OUTPUT}\n\n`), think(1, "So.")],
        end(1, `Hm.\n\n${OUTPUT}\n\nSo.`),
      ],
    ],
    "in a step, after a line": [
      [begin(1), think(1, "Hm.\n"), use("42"), end(1, "Hm.\n")],
      [begin(1), think(1, "Hm.\n"), think(1, `${OUTPUT}\n\n`), end(1, `Hm.\n${OUTPUT}\n\n`)],
    ],
    "at the start of a step": [
      [begin(1), use("42"), think(1, "So."), end(1, "So.")],
      [begin(1), think(1, `${OUTPUT}\n\n`), think(1, "So."), end(1, `${OUTPUT}\n\nSo.`)],
    ],
    "while a title is written": [
      [begin(1, true), title(1, "A"), use("42"), title(1, "dd"), think(1, "So."), end(1, "So.")],
      [
        ...[begin(1, true), title(1, "A"), title(1, "dd"), think(1, "So.")],
        ...[think(1, `\n\n${OUTPUT}\n\n`), end(1, `So.\n\n${OUTPUT}\n\n`)],
      ],
    ],
    "in a step that has only a title": [
      [begin(1, true), title(1, "Add"), use("42"), end(1, ""), answer("42")],
      [
        ...[begin(1, true), title(1, "Add"), end(1, "")],
        ...[begin(2), think(2, OUTPUT), end(2, OUTPUT), answer("42")],
      ],
    ],
    "in the answer": [
      [begin(1), think(1, "Hm."), end(1, "Hm."), answer("4"), use("42"), answer("2")],
      [begin(1), think(1, "Hm."), end(1, "Hm."), answer("4"), answer("2")],
    ],
  };

for (const [place, [events, shown]] of Object.entries(CASES)) {
  Deno.test(`the use of a tool ${place} does not interrupt the steps`, async () => {
    async function* strategy(onToolUse: (event: ToolUseEvent) => void) {
      for (const event of events) {
        if (event.type === "tool_output") onToolUse(event);
        else yield event as ReasoningEvent;
      }
    }
    const all = await Array.fromAsync(withToolUses(strategy));
    assertEquals(all.filter(({ type }) => type !== "tool_output"), shown);
  });
}
