/**
 * Turns the events of a run into a response: the events of a stream, and the object.
 *
 * @see {@link https://platform.openai.com/docs/api-reference/responses-streaming}
 */
import type {
  AnswerParts,
  FinishReason,
  ReasoningEvent,
  ToolCallEvent,
} from "../../reasoning/events.ts";
import { type MessageState, packThinking } from "../../reasoning/output/private_thinking.ts";
import type { Collector, Encoder } from "../dialect.ts";
import type { Item } from "./body.ts";
import { createCalls } from "./calls.ts";
import { createSummaryText } from "../formats/reasoning_text.ts";
import { errorFields, responseError } from "./dialect.ts";
import { type ResponseObject, type ResponseStatus, responseUsage } from "./object.ts";
import { createOutput, type OpenItem } from "./output.ts";
import { createToolUses, isToolUse, type ShownTools } from "./tool_uses.ts";
import type { ClientTools } from "./tools.ts";

export interface ResponseWriterOptions {
  /** The response at its beginning. */
  head: ResponseObject;
  /** Whether steps are shown as parts of a reasoning summary. */
  summaries: boolean;
  /** Tools that are not functions of the same name to the client. */
  clientTools?: ClientTools | undefined;
  /** How the server's own tools are shown. Default: in the thinking only. */
  shownTools?: ShownTools | undefined;
  /** Whether summaries contain status lines. */
  statusLines: boolean;
  /** Seals the summary of a conversation. */
  sealSummary: (summary: string) => Promise<string>;
  /** Seals private thinking, for clients that asked for encrypted content. */
  seal?: ((thinking: string) => Promise<string>) | undefined;
  /**
   * Stores the complete response. Called before the client learns that it is complete. If it
   * returns false, the client gets the response as one that is not stored.
   */
  save?: ((response: ResponseObject, thinking: string) => Promise<boolean>) | undefined;
  /** Token counts of a stored response, whose events carry none. */
  usage?: Record<string, unknown> | null;
  /** The last event that the client already has; later ones are written. */
  startingAfter?: number | undefined;
  /** Returns the time in milliseconds since 1970. */
  date: () => number;
}

/** Writes one response, as a stream and as an object at once. */
export interface ResponseWriter extends Encoder, Collector {
  /** Returns the frames of an event. Throws what `save` throws; `fail` then ends the stream. */
  push(event: ReasoningEvent): string | Promise<string>;
  whole(): ResponseObject;
  /** The upstream's private thinking before the calls or the answer; may be empty. */
  thinking(): string;
}

type EndStatus = "completed" | "incomplete";

/** Reason of an incomplete response, by the answer's finish reason. */
export const INCOMPLETE: Readonly<Partial<Record<FinishReason, string>>> = {
  length: "max_output_tokens",
  content_filter: "content_filter",
};

/** A response that is not stored is not part of its conversation either. */
function notStored({ conversation }: ResponseObject): Partial<ResponseObject> {
  return { store: false, ...(conversation === undefined ? {} : { conversation: null }) };
}

const precedesReasoning: ReadonlySet<string> = new Set(["compaction", "mcp_list_tools"]);

function precedesAnswer({ type }: Item): boolean {
  return type === "reasoning" || type === "compaction" || isToolUse(type);
}

export function createResponseWriter(options: ResponseWriterOptions): ResponseWriter {
  const { head } = options;
  const output = createOutput(head.id, options.startingAfter ?? -1);
  let summaryText = createSummaryText(options.statusLines);
  // An id is not random: it must be the same when the stream is read again.
  const callId = (index: number) =>
    `call_${head.id.slice(-24)}${withdrawn === 0 ? "" : `${withdrawn}_`}${index}`;
  const calls = createCalls(output, options.clientTools ?? {}, callId);
  const shownTools = options.shownTools ?? { uses: {}, lists: [] };
  const newUses = () => createToolUses(output, `cntr_${head.id.slice(-48)}`, shownTools);
  let uses = newUses();
  /** Number of items of an earlier start of the run; they do not count. */
  let withdrawn = 0;
  let response = head;
  let reasoning: OpenItem | undefined;
  let message: OpenItem | undefined;
  let thinking = "";
  const state: MessageState[] = [];

  function items(): Item[] {
    return output.items.slice(withdrawn);
  }

  function current(): ResponseObject {
    return { ...response, output: items() };
  }

  function responseFrame(type: string): void {
    output.frame(type, { response: current() });
  }

  function beginReasoning(): void {
    reasoning ??= output.open("reasoning", { summary: [] });
  }

  function summarize(event: ReasoningEvent): void {
    const text = summaryText(event);
    if (text === "" || reasoning === undefined || !options.summaries) return;
    output.write(reasoning, "summary", text);
  }

  /** Closes the reasoning, and with it the uses of tools. */
  function endReasoning(sealed?: string): void {
    uses.end();
    if (reasoning === undefined) return;
    output.endPart(reasoning);
    output.close(reasoning, {
      summary: reasoning.parts,
      ...(sealed === undefined ? {} : { encrypted_content: sealed }),
    });
    reasoning = undefined;
  }

  /** Ends the reasoning, then writes what follows it. Private thinking is sealed first. */
  function afterReasoning(write: () => void | Promise<void>): void | Promise<void> {
    if (reasoning === undefined || options.seal === undefined) {
      endReasoning();
      return write();
    }
    return options.seal(packThinking(thinking, state)).then((sealed) => {
      endReasoning(sealed);
      return write();
    });
  }

  function openMessage(): OpenItem {
    const fields = { status: "in_progress", role: "assistant", content: [] };
    return message ??= output.open("message", fields);
  }

  function addToMessage(kind: "text" | "refusal", text: string): void {
    output.write(openMessage(), kind, text);
  }

  /** Citations of web pages are the only annotations that both dialects have. */
  function annotate({ message: fields }: AnswerParts): void {
    const annotations = fields?.annotations;
    for (const { url_citation: citation } of Array.isArray(annotations) ? annotations : []) {
      const { url, title = "", start_index = 0, end_index = 0 } = citation ?? {};
      if (typeof url !== "string") continue;
      output.annotate(openMessage(), { type: "url_citation", url, title, start_index, end_index });
    }
  }

  function endMessage(status: EndStatus): void {
    if (message === undefined) return;
    output.endPart(message);
    output.close(message, { status, content: message.parts });
    message = undefined;
  }

  function addToCall(event: ToolCallEvent): void {
    if (!calls.isOpen(event.index)) endMessage("completed");
    calls.add(event);
  }

  function end(status: ResponseStatus, fields: Partial<ResponseObject>): void {
    const completedAt = status === "completed" ? Math.floor(options.date() / 1000) : null;
    response = { ...response, ...fields, status, completed_at: completedAt };
  }

  function finish(finishReason: FinishReason): void | Promise<void> {
    const reason = INCOMPLETE[finishReason];
    const status = reason === undefined ? "completed" : "incomplete";
    const isCompacted = items().at(-1)?.type === "compaction";
    endMessage(status);
    calls.end(status);
    if (!isCompacted && items().every(precedesAnswer)) {
      addToMessage("text", "");
      endMessage(status);
    }
    end(status, {
      usage: response.usage ?? options.usage ?? null,
      incomplete_details: reason === undefined ? null : { reason },
    });
    const type = `response.${status}`;
    if (options.save === undefined) return responseFrame(type);
    return options.save(current(), packThinking(thinking, state)).then((isStored) => {
      if (!isStored) response = { ...response, ...notStored(response) };
      responseFrame(type);
    });
  }

  /** Ends the open items, and begins again without items. */
  function restart(): void {
    endReasoning();
    endMessage("incomplete");
    calls.end("incomplete");
    withdrawn = output.items.length;
    summaryText = createSummaryText(options.statusLines);
    uses = newUses();
    thinking = "";
    state.length = 0;
    response = head;
    responseFrame("response.in_progress");
  }

  function write(event: ReasoningEvent): void | Promise<void> {
    if (event.type === "restart") return restart();
    // A compaction is the first item.
    if (event.type !== "compaction") uses.list();
    switch (event.type) {
      case "step_start":
        beginReasoning();
        summarize(event);
        return output.endPart(reasoning);
      case "reasoning":
        beginReasoning();
        return summarize(event);
      case "step_end":
        if (event.title === "") thinking = event.content;
        summarize(event);
        return output.endPart(reasoning);
      case "status":
        if (!options.statusLines || !options.summaries) return;
        if (!items().every(precedesAnswer)) return;
        beginReasoning();
        return summarize(event);
      case "answer":
      case "refusal":
        return afterReasoning(() => {
          calls.end("completed");
          addToMessage(event.type === "answer" ? "text" : "refusal", event.text);
        });
      case "tool_call":
        return afterReasoning(() => addToCall(event));
      case "parts":
        return afterReasoning(() => annotate(event.parts));
      case "state":
        state.push(event.state);
        // Only a reasoning item has a field for private thinking.
        if (items().every(({ type }) => precedesReasoning.has(type))) beginReasoning();
        return;
      case "tool_start":
        // Before the uses, because their order is that of the items.
        if (Object.hasOwn(shownTools.uses, event.name)) beginReasoning();
        return uses.add(event);
      case "tool_output":
      case "tool_end":
        return uses.add(event);
      case "compaction":
        return options.sealSummary(event.summary).then((encrypted_content) => {
          output.close(output.open("compaction", { encrypted_content }), {});
        });
      case "usage":
        response = { ...response, usage: responseUsage(event.usage) };
        return;
      case "finish":
        return afterReasoning(() => finish(event.reason));
    }
  }

  function push(event: ReasoningEvent): string | Promise<string> {
    const waiting = write(event);
    return waiting instanceof Promise ? waiting.then(output.take) : output.take();
  }

  return {
    start() {
      responseFrame("response.created");
      responseFrame("response.in_progress");
      return output.take();
    },
    push,
    encode: push,
    fail(error, begun) {
      endReasoning();
      endMessage("incomplete");
      calls.end("incomplete");
      end("failed", { error: responseError(error), incomplete_details: null });
      output.frame("error", errorFields(error, begun));
      responseFrame("response.failed");
      return output.take();
    },
    whole: current,
    thinking: () => packThinking(thinking, state),
  };
}
