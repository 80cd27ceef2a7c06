/**
 * A model that does what each prompt asks for.
 *
 * @module
 */
import { type Call, type Reply, step } from "../../../support/upstream.ts";
import { type Kind, KINDS, promptOf, type SentMessage } from "../../../support/kinds.ts";
import { waitFor } from "../../../support/wait.ts";

/** How the model differs from one whose samples agree on 42. */
export interface Script {
  /** The short answer of a call. */
  answer?: (call: Call) => string | number;
  /** Whether a verifier quotes an error in the solution. */
  refutes?: (call: Call) => boolean;
  /** Replies to calls of these kinds. */
  replies?: Readonly<Record<Kind, Reply | ((call: Call) => Reply)>>;
  /** Added to every reply. */
  more?: (call: Call) => Reply;
}

/** Thinking of every call that is asked to think. */
export const THOUGHT = "Six sevens are six fives and six twos.";

/** Replies to the prompts of `steps` that ask for a step. */
export function toSteps(reply: Reply | ((call: Call) => Reply)): NonNullable<Script["replies"]> {
  return { "steps.step": reply, "steps.next": reply, "steps.resume": reply };
}

export function scripted(script: Script = {}): (call: Call) => Reply {
  for (const kind of Object.keys(script.replies ?? {})) {
    if (kind !== "plain" && !KINDS.has(kind)) throw new Error(`No prompt is called '${kind}'.`);
  }
  return (call) => ({ ...replyTo(call, script), ...script.more?.(call) });
}

function replyTo(call: Call, script: Script): Reply {
  const { kind, prompt } = promptOf(call);
  const own = script.replies?.[kind];
  if (own !== undefined) return typeof own === "function" ? own(call) : own;
  const answer = script.answer?.(call) ?? 42;
  if (prompt.includes('"better"')) return { content: '{"better":"candidate_1"}' };
  if (prompt.includes("one JSON object")) {
    const number = stepCount(call) + 1;
    return { content: step(`Step ${number}`, `${THOUGHT} ${number}`, "final_answer") };
  }
  if (prompt.includes("VERDICT:")) {
    return {
      content: script.refutes?.(call)
        ? `ERROR: "It is"\nVERDICT: WRONG\nFINAL: ${answer}`
        : `ERROR: NONE\nVERDICT: CORRECT\nFINAL: ${answer}`,
    };
  }
  const content = `It is ${answer}.${prompt.includes("FINAL:") ? `\nFINAL: ${answer}` : ""}`;
  if (prompt.includes("<think>")) return { content: `<think>${THOUGHT}</think>${content}` };
  return { content: call.body.response_format === undefined ? content : ANSWER };
}

function stepCount({ body }: Call): number {
  return body.messages.filter(({ role, content }: SentMessage) =>
    role === "assistant" && String(content).includes("next_action")
  ).length;
}

/** A format that the client asks for, and an answer in it. */
export const FORMAT = {
  type: "json_schema",
  json_schema: {
    name: "answer",
    schema: { type: "object", properties: { n: { type: "string" } }, required: ["n"] },
  },
};
const ANSWER = '{"n":"42"}';

/** A tool of the client. */
export const TOOLS = [{
  type: "function",
  function: { name: "multiply", description: "Multiplies.", parameters: { type: "object" } },
}];

/** A turn that must call a tool, for which each sample makes another call. */
export const DIFFERING_TURNS = {
  script: {
    more: (call: Call): Reply => {
      if (promptOf(call).kind !== "turn") return {};
      const json = JSON.stringify({ a: call.index });
      return { content: null, toolCalls: [{ id: "c1", name: "multiply", arguments: json }] };
    },
  },
  body: { tools: TOOLS, tool_choice: "required" },
};

/** Gives each call another answer, so that no two agree. */
export const allDiffer = (call: Call) => 100 + call.index;

/** `all` resolves when this many calls have arrived, and with it what `arrive` returns. */
export function meeting(size: number): { arrive(): Promise<void>; readonly all: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let arrived = 0;
  return {
    get all() {
      return waitFor(`${size} calls that wait for each other`, promise);
    },
    arrive() {
      if (++arrived === size) resolve();
      return promise;
    },
  };
}

/**
 * A reply that begins and never ends, so that the upstream notices when the caller disconnects: the
 * runtime does not always report a caller that disconnects before the response's headers.
 */
export function endless({ body }: Call): Reply {
  return body.stream
    ? { content: ["<think>Hm", "m."], gate: (frame) => frame === 2 ? never : undefined }
    : { frames: ["{"], headers: { "content-type": "application/json" }, end: "stall" };
}

const never = new Promise<never>(() => {});
