/**
 * A model that does what each kind of call asks for.
 *
 * @module
 */
import { type Call, type Reply, step } from "../../support/upstream.ts";
import { type Kind, kindOf, type SentMessage } from "./kinds.ts";

/** What the model does otherwise. */
export interface Script {
  /** The short answer of a call that is to have one; default: 42. */
  answer?: (call: Call) => string | number;
  /** What a verifier says of a solution: nothing against it (default), or an error. */
  refutes?: (call: Call) => boolean;
  /** Replies to single kinds of calls. */
  replies?: Partial<Record<Kind, Reply | ((call: Call) => Reply)>>;
  /** More of every reply. */
  more?: (call: Call) => Reply;
}

/** Thinking that every thinking call brings. */
export const THOUGHT = "Six sevens are six fives and six twos.";

/** A reply for every call. */
export function scripted(script: Script = {}): (call: Call) => Reply {
  return (call) => ({ ...replyOf(call, script), ...script.more?.(call) });
}

function replyOf(call: Call, script: Script): Reply {
  const kind = kindOf(call);
  const own = script.replies?.[kind];
  if (own !== undefined) return typeof own === "function" ? own(call) : own;
  const answer = script.answer?.(call) ?? 42;
  const thought = `<think>${THOUGHT}</think>`;
  switch (kind) {
    case "step":
    case "step_wait":
      return { content: step(`Step ${steps(call)}`, `${THOUGHT} ${steps(call)}`, "final_answer") };
    case "think":
    case "draft":
    case "reasoner":
    case "wait":
    case "proposer":
    case "refine":
      return { content: `${thought}It is ${answer}.` };
    case "sample":
    case "planner":
    case "repair":
    case "aggregate":
      return { content: `${thought}It is ${answer}.\nFINAL: ${answer}` };
    case "judge":
      return { content: "A" };
    case "verifier":
      return {
        content: script.refutes?.(call)
          ? `ERROR: "It is"\nVERDICT: WRONG\nFINAL: ${answer}`
          : `ERROR: NONE\nVERDICT: CORRECT\nFINAL: ${answer}`,
      };
    default:
      return { content: call.body.response_format === undefined ? `It is ${answer}.` : ANSWER };
  }
}

/** How many steps the conversation has. */
const steps = ({ body }: Call) =>
  body.messages.filter(({ role, content }: SentMessage) =>
    role === "assistant" && String(content).includes("next_action")
  ).length + 1;

/** A format that the client asks for, and an answer in it. */
export const FORMAT = {
  type: "json_schema",
  json_schema: {
    name: "answer",
    schema: { type: "object", properties: { n: { type: "string" } }, required: ["n"] },
  },
};
const ANSWER = '{"n":"42"}';

/** A tool of the client's. */
export const TOOLS = [{
  type: "function",
  function: { name: "multiply", description: "Multiplies.", parameters: { type: "object" } },
}];

/** A number of its own for each call, so that no two answers agree. */
export const allDiffer = (call: Call) => 100 + call.index;

/** Resolves when so many calls have come; what `arrive` returns never does before. */
export function meeting(size: number): { arrive(): Promise<void>; all: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let arrived = 0;
  return {
    all: promise,
    arrive() {
      if (++arrived === size) resolve();
      return promise;
    },
  };
}

/**
 * A reply that begins and never ends, so that the upstream sees when it is left: the runtime does
 * not always tell of a caller who leaves before the answer's headers.
 */
export function endless({ body }: Call): Reply {
  return body.stream
    ? { content: ["<think>Hm", "m."], gate: (frame) => frame === 2 ? never : undefined }
    : { frames: ["{"], headers: { "content-type": "application/json" }, end: "stall" };
}

const never = new Promise<never>(() => {});
