/**
 * Checks the stream of a completion: each chunk by OpenAI's document, and their order.
 *
 * @module
 */
import type { TextChecker } from "./checked_response.ts";
import { InvalidWireError, validateChunk, validateError } from "./validate.ts";

interface Choice {
  delta: Record<string, unknown>;
  finish_reason: string | null;
}

interface Chunk {
  id: string;
  created: number;
  model: string;
  choices: Choice[];
}

/** Creates the checker of one stream. */
export function createStreamChecker(): TextChecker {
  let rest = "";
  let head: string | undefined;
  let finished = false;
  let over = false;

  function order({ id, created, model, choices }: Chunk): void {
    const own = JSON.stringify([id, created, model]);
    const [choice] = choices;
    if (head === undefined && choice?.delta.role !== "assistant") wrong("the role comes first");
    if (own !== (head ??= own)) wrong("all chunks share id, created and model");
    if (choice === undefined) return;
    if (finished) wrong("no choice follows the finish");
    finished = choice.finish_reason !== null;
    const { delta } = choice;
    if ("content" in delta && ("reasoning" in delta || "reasoning_content" in delta)) {
      wrong("reasoning and content have deltas of their own");
    }
  }

  function frame(text: string): void {
    if (over) wrong(`nothing follows the end: ${text}`);
    if (text.startsWith(":") && !text.includes("\n")) return;
    if (!text.startsWith("data: ") || text.includes("\n")) wrong(`no frame: ${text}`);
    const data = text.slice("data: ".length);
    if (data === "[DONE]") {
      if (!finished) wrong("a finish reason precedes [DONE]");
      over = true;
      return;
    }
    const json = parse(data);
    if ("error" in json) {
      if ("choices" in json) wrong("an error frame has no choices");
      validateError(json);
      over = true;
      return;
    }
    validateChunk(json);
    order(json);
  }

  return {
    push(text) {
      const frames = (rest + text).split("\n\n");
      rest = frames.pop()!;
      frames.forEach(frame);
    },
    end() {
      if (rest !== "") wrong(`the stream ends inside a frame: ${rest}`);
      if (!over) wrong("the stream ends without [DONE] or an error frame");
    },
  };
}

// deno-lint-ignore no-explicit-any -- what it is, the validators say
function parse(data: string): any {
  try {
    return JSON.parse(data);
  } catch {
    wrong(`no JSON: ${data}`);
  }
}

function wrong(what: string): never {
  throw new InvalidWireError(`A wrong stream: ${what}`);
}
