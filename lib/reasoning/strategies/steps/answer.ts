import type { ReasoningEvent } from "../../events.ts";
import { createStepReader } from "./reader.ts";

/** The start of a text that may be a step, perhaps in a code block. */
const START_REGEXP = /^(?:`{3}\w{0,10}\s{0,4})?\{\s{0,20}"(?:title|content|next_action)"\s{0,4}:/;
/** The start of a numbered step, or of a list of steps. */
const LIST_REGEXP =
  /^(?:`{3}\w{0,10}\s{0,4})?(?:\{\s{0,20}"\w{0,20}steps?"\s{0,4}:\s{0,4})?(?:\[\s{0,20})?\{\s{0,20}(?:"step\w{0,8}"\s{0,4}:\s{0,4}\d{1,4}\s{0,4},\s{0,20})?"(?:title|content|next_action)"\s{0,4}:/;
const ACTION_REGEXP = /"next_action"\s{0,4}:/;
/** Keys after a string that lacks its closing quote, which the reader takes for content. */
const KEYS_REGEXP = /[\s",]{0,20}"next_action"\s{0,4}:[^]*$/;

/** Characters within which a step has its first key. */
const START_LENGTH = 96;

/**
 * Shows the text of a step that a model wrote where it should have answered: small models go on in
 * the form of the conversation. Such an answer is shown at its end; any other one as it comes.
 *
 * @param wantsJson whether the client may have asked for JSON with the same keys.
 */
export async function* withoutSteps(
  events: AsyncIterable<ReasoningEvent>,
  wantsJson: boolean,
): AsyncGenerator<ReasoningEvent> {
  let held: string | undefined = "";

  function release(): ReasoningEvent[] {
    const text = held === undefined ? "" : textOf(held, wantsJson);
    held = undefined;
    return text === "" ? [] : [{ type: "answer", text }];
  }

  try {
    for await (const event of events) {
      if (event.type === "answer" && held !== undefined) {
        // Searching the whole text with each piece would take quadratic time.
        const isDecided = held.length >= 2 * START_LENGTH;
        held += event.text;
        if (!isDecided && !mayBeStep(held)) yield* release();
        continue;
      }
      // The model's own reasoning may come before the answer.
      if (held !== "") yield* release();
      yield event;
    }
  } catch (error) {
    yield* release();
    throw error;
  }
}

function mayBeStep(held: string): boolean {
  const text = held.trimStart();
  if (text.length >= START_LENGTH) return LIST_REGEXP.test(text);
  return held.length < 2 * START_LENGTH && /^([`{[]|$)/.test(text);
}

/** Returns the words after a step, which are a better answer, or else its content or title. */
function textOf(text: string, wantsJson: boolean): string {
  const start = text.trimStart();
  const isStep = ACTION_REGEXP.test(text)
    ? LIST_REGEXP.test(start)
    : !wantsJson && START_REGEXP.test(start);
  if (!isStep) return text;
  const rest = text.slice(text.lastIndexOf("}") + 1).replace(/^\s*\]/, "").replaceAll("`", "")
    .trim();
  if (text.includes("}") && rest !== "") return rest;
  const reader = createStepReader();
  reader.push(text);
  const { title, content } = reader.end().step;
  return content.replace(KEYS_REGEXP, "") || title || text;
}
