/**
 * Checks the stream of a completion: each chunk by its schema, and the order of the chunks.
 *
 * @module
 */
import type { TextChecker } from "./checked_response.ts";
import { InvalidWireError, validate } from "./validate.ts";

interface Choice {
  index: number;
  delta: Record<string, unknown>;
  finish_reason: string | null;
}

interface Chunk {
  id: string;
  created: number;
  model: string;
  choices: Choice[];
}

export function createStreamChecker(): TextChecker {
  let rest = "";
  let head: string | undefined;
  const begun = new Set<number>();
  const finished = new Set<number>();
  let over = false;

  function checkOrder({ id, created, model, choices }: Chunk): void {
    const own = JSON.stringify([id, created, model]);
    const [choice] = choices;
    if (choice !== undefined && !begun.has(choice.index) && choice.delta.role !== "assistant") {
      invalid("the role must come first");
    }
    if (own !== (head ??= own)) invalid("all chunks must share id, created and model");
    if (choice === undefined) return;
    begun.add(choice.index);
    if (finished.has(choice.index)) invalid("a choice follows the finish");
    if (choice.finish_reason !== null) finished.add(choice.index);
    const { delta } = choice;
    if ("content" in delta && ("reasoning" in delta || "reasoning_content" in delta)) {
      invalid("a delta has both reasoning and content");
    }
  }

  function frame(block: string): void {
    if (over) invalid(`a frame follows the end: ${block}`);
    const text = block.replace(/^(: [^\n]*(\n|$))+/, "");
    if (text === "") return;
    if (!text.startsWith("data: ") || text.includes("\n")) invalid(`not a frame: ${text}`);
    const data = text.slice("data: ".length);
    if (data === "[DONE]") {
      if (begun.size === 0 || finished.size < begun.size) {
        invalid("[DONE] comes before a finish reason");
      }
      over = true;
      return;
    }
    const json = parse(data);
    if ("error" in json) {
      if ("choices" in json) invalid("an error frame has choices");
      validate("ErrorResponse", json);
      over = true;
      return;
    }
    validate("CreateChatCompletionStreamResponse", json);
    checkOrder(json);
  }

  return {
    push(text) {
      const frames = (rest + text).split("\n\n");
      rest = frames.pop()!;
      frames.forEach(frame);
    },
    end() {
      if (rest !== "") invalid(`the stream ends inside a frame: ${rest}`);
      if (!over) invalid("the stream ends without [DONE] or an error frame");
    },
  };
}

// deno-lint-ignore no-explicit-any -- validated by its schema
function parse(data: string): any {
  try {
    return JSON.parse(data);
  } catch {
    invalid(`invalid JSON: ${data}`);
  }
}

function invalid(problem: string): never {
  throw new InvalidWireError(`Invalid stream: ${problem}`);
}
