/** A call of a model that may use the server's tools: call, tools, call, until it answers. */
import { failureResult } from "../../tools/failure.ts";
import type { Tool } from "../../tools/tool.ts";
import type { MessageState } from "../../upstream/wire/message_state.ts";
import type { ToolCallDelta } from "../../upstream/wire/tool_calls.ts";
import { type CallRun, callUpstream, type ToolFields } from "../call.ts";
import { UpstreamError } from "../events.ts";
import { targetsOf } from "../overrides.ts";
import type { Message } from "../request.ts";
import type { CallDelta, CallSpec } from "../strategy.ts";
import { type createToolRunner, NOT_RUN } from "./runner.ts";
import { type Call, definitionOf, freeName, nameOf, outputText, turnMessages } from "./turns.ts";
import { createFencedCallReader } from "./fenced_calls.ts";

export interface ToolLoop {
  tools: readonly Tool[];
  /** Whether there are also tools whose calls the client must approve. */
  hasAskedTools: boolean;
  /** Whether one more call fits into budget and limits. Reserves it. */
  mayContinue(isAnswer: boolean): Promise<boolean>;
  runTool: ReturnType<typeof createToolRunner>;
}

/** An answer is held back this long, because a model may say first what it is about to compute. */
const PREAMBLE_CHARACTERS = 300;

/**
 * Like {@linkcode callUpstream}, with the server's tools. A call of one of the client's tools ends the
 * turn: calls of the server's tools in the same turn are dropped, as the client's result must come
 * first.
 */
export async function* callWithTools(
  spec: CallSpec,
  run: CallRun,
  task: number,
  loop: ToolLoop,
): AsyncGenerator<CallDelta> {
  const { plan: { model, name: strategy, request: { final }, prompt }, scope } = run;
  const { capabilities } = scope;
  const [target] = targetsOf(model, strategy, spec.role);
  const { visible = false, isTurn = false, json } = spec;
  const isAnswer = visible || isTurn;
  const clientTools = isAnswer ? final.tools ?? [] : [];
  const { tool_choice: choice = "auto" } = isAnswer ? final : {};
  const clientNames = new Set((final.tools ?? []).map(nameOf));
  const taken = new Set(clientTools.map(nameOf));
  const byName = new Map(loop.tools.map((tool) => [freeName(tool.name, taken), tool]));
  // A client of MCP servers, unlike one of its own tools alone, can't answer calls of unknown tools.
  const isNeeded = byName.size > 0 || isAnswer && loop.hasAskedTools;
  // A client that demands or forbids calls means those of its own tools.
  if (choice !== "auto" || !isNeeded) return yield* callUpstream(spec, run, task);
  const definitions = [...byName].map(([name, tool]) => definitionOf({ ...tool, name }));
  const signal = spec.signal === undefined
    ? scope.signal
    : AbortSignal.any([scope.signal, spec.signal]);
  const turns: Message[] = [];
  let left = model.maxToolCalls;
  for (;;) {
    const inWords = !capabilities.get(target!).functions;
    // Words would break a JSON format.
    if (inWords && (json !== undefined || byName.size === 0)) {
      return yield* callUpstream(spec, run, task);
    }
    const fields: ToolFields = inWords
      ? {}
      : left > 0
      ? { tools: definitions }
      : clientTools.length > 0
      ? {}
      : { tools: definitions, tool_choice: "none" };
    const rules: Message[] = inWords && left > 0
      ? [{
        role: "system",
        content: prompt("tool_words", { tools: JSON.stringify(definitions) }),
      }]
      : [];
    const messages = turns.length + rules.length === 0
      ? spec.messages
      : [...rules, ...spec.messages, ...turns];
    const turn = createTurn({
      isOwn: (name) => byName.has(name) || !clientNames.has(name),
      fencedCalls: inWords && left > 0
        ? createFencedCallReader((name) => byName.has(name))
        : undefined,
      visible,
      newId: () => `call_${++run.toolCalls}`,
    });
    try {
      // Samples differ after their first turn.
      const wave = turns.length === 0 ? spec.wave : undefined;
      for await (const delta of callUpstream({ ...spec, messages, wave }, run, task, fields)) {
        const read = turn.read(delta);
        if (read !== undefined) yield read;
        if (turn.isComplete()) break;
      }
    } catch (error) {
      const isRejected = !inWords && clientTools.length === 0 && !turn.hasBegun() &&
        rejectsTools(error);
      if (!isRejected) throw error;
      capabilities.observed(target!, { functions: false });
      continue;
    }
    turn.close();
    const calls = turn.calls();
    if (calls.length === 0) return yield turn.end();
    if (left <= 0 || !await loop.mayContinue(isAnswer)) {
      return yield { ...turn.end(), finishReason: "length" };
    }
    const thought = turn.thought();
    if (thought !== undefined) yield thought;
    const results = await Promise.all(calls.map((call) => {
      if (left-- <= 0) return NOT_RUN;
      const tool = byName.get(call.name);
      return tool === undefined ? NO_SUCH_TOOL : loop.runTool(tool, call, signal, task);
    }));
    const computed = results.filter(({ isError }, index) =>
      !isError && byName.get(calls[index]!.name)!.computes
    ).map((result) => outputText(result).trimEnd().split("\n").at(-1)!);
    if (computed.length > 0) yield { computed };
    turns.push(...turnMessages(turn.text(), calls, results, { inWords, prompt }));
  }
}

const NO_SUCH_TOOL = failureResult("Not run: there is no tool of this name.");

const REJECTION_REGEXP = /\btools?\b|tool[_ ]choice|function[ _-]?call/i;
/** The model has called a tool in a wrong way. */
const FAILED_CALL_REGEXP = /tool_use_failed|failed to (call|parse)|failed_generation/i;
const OTHER_STATUSES: readonly number[] = [401, 402, 403, 408, 413, 429];

/** Whether an upstream has rejected a call because it has tools. */
function rejectsTools(error: unknown): boolean {
  if (!(error instanceof UpstreamError)) return false;
  const { upstreamStatus = 0, upstreamMessage = "" } = error;
  return upstreamStatus >= 400 && !OTHER_STATUSES.includes(upstreamStatus) &&
    REJECTION_REGEXP.test(upstreamMessage) && !FAILED_CALL_REGEXP.test(upstreamMessage);
}

interface TurnOptions {
  /** Whether the server answers calls of this name: a client must not get calls of unknown tools. */
  isOwn(name: string): boolean;
  /** Finds calls in fenced blocks. */
  fencedCalls: ReturnType<typeof createFencedCallReader> | undefined;
  visible: boolean;
  newId(): string;
}

/** Reads one call: what is passed on, and what is the server's own. */
function createTurn({ isOwn, fencedCalls, visible, newId }: TurnOptions) {
  /** Calls of the server's tools, and of tools that nobody has, by their index in the answer. */
  const own = new Map<number, Call>();
  const state: MessageState[] = [];
  let text = "";
  /** The beginning of a visible text. */
  let held = "";
  let isHolding = visible;
  let hasClientCalls = false;
  let hasBegun = false;
  let finishReason: CallDelta["finishReason"];

  function addCall({ index, id, name, arguments: json, extra }: ToolCallDelta): void {
    const begun = own.get(index);
    if (begun === undefined) {
      own.set(index, { id: id || newId(), name: name!, arguments: json, extra });
    } else {
      begun.arguments += json;
      begun.extra ??= extra;
    }
  }

  /** Returns the part of a text that can be shown already. */
  function show(piece: string): string {
    text += piece;
    if (!isHolding) return piece;
    held += piece;
    if (held.length <= PREAMBLE_CHARACTERS) return "";
    isHolding = false;
    const shown = held;
    held = "";
    return shown;
  }

  return {
    read(delta: CallDelta): CallDelta | undefined {
      const { toolCalls, content, state: pieces, finishReason: reason, ...rest } = delta;
      const out: CallDelta = rest;
      hasBegun ||= content !== undefined || toolCalls !== undefined ||
        rest.reasoning !== undefined;
      if (reason !== undefined) finishReason = reason;
      state.push(...pieces ?? []);
      if (rest.thought !== undefined && held !== "") {
        out.reasoning = held + rest.thought;
        delete out.thought;
        held = "";
      }
      if (content !== undefined) {
        const { text: plain, call } = fencedCalls?.push(content) ?? { text: content };
        if (call !== undefined) addCall(call);
        const shown = show(plain);
        if (shown !== "") out.content = shown;
      }
      const passed = (toolCalls ?? []).filter((piece) => {
        const isAnswered = own.has(piece.index) ||
          piece.name !== undefined && isOwn(piece.name);
        if (isAnswered) addCall(piece);
        return !isAnswered;
      });
      if (passed.length > 0) {
        hasClientCalls = true;
        out.toolCalls = passed;
        if (held !== "") out.content = held + (out.content ?? "");
        held = "";
        isHolding = false;
      }
      return Object.keys(out).length === 0 ? undefined : out;
    },
    /** Called when the call has ended. */
    close(): void {
      const rest = fencedCalls?.end();
      if (rest?.call !== undefined) addCall(rest.call);
      text += rest?.text ?? "";
      held += rest?.text ?? "";
    },
    /** Whether the rest of the call is of no use. */
    isComplete: () => fencedCalls !== undefined && own.size > 0,
    hasBegun: () => hasBegun,
    /** Returns the calls to run. */
    calls: (): Call[] => hasClientCalls ? [] : [...own.values()],
    text: () => text,
    /** Returns what makes the text before a call part of the thinking. */
    thought(): CallDelta | undefined {
      if (visible) return held === "" ? undefined : { reasoning: `${held}\n\n` };
      return text.trim() === "" ? undefined : { thought: "\n\n" };
    },
    /** Returns the rest of an answer. */
    end(): CallDelta {
      return {
        ...(held === "" ? {} : { content: held }),
        ...(state.length === 0 ? {} : { state }),
        ...(finishReason === undefined ? {} : { finishReason }),
      };
    },
  };
}
