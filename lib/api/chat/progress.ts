import type { ChoiceEvent, ReasoningEvent } from "../../reasoning/events.ts";

/** The structured form of an event, for pages that show more than text. */
export function progressOf(event: ChoiceEvent): Record<string, unknown> | undefined {
  const fields = progressFields(event);
  return fields !== undefined && event.at !== undefined ? { ...fields, at: event.at } : fields;
}

function progressFields(event: ReasoningEvent): Record<string, unknown> | undefined {
  switch (event.type) {
    case "step_start":
      return { type: "step_start", index: event.step, titled: event.titled };
    case "step_end": {
      const { title, seconds } = event;
      return { type: "step_end", index: event.step, title, seconds: roundToMs(seconds) };
    }
    case "status":
      return { type: "status", ...event.detail, text: event.text };
    case "candidate": {
      const { type, index, answer, text } = event;
      return { type, index, answer, text };
    }
    case "tool_start":
      return { type: event.type, id: event.id, name: event.name };
    case "tool_end": {
      const { type, id, name, isError, seconds } = event;
      return { type, id, name, is_error: isError, seconds: roundToMs(seconds) };
    }
    case "record":
      return { ...event.record };
    case "usage":
      return { type: "usage", ...event.usage.upstream };
    default:
      return undefined;
  }
}

export function roundToMs(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
