/**
 * An upstream whose samples are right with a given probability, so that theory predicts what a
 * strategy achieves. Its replies depend only on the seed, the model's name, the problem and the
 * number of the call.
 *
 * @module
 */
import { createRandom } from "../../lib/random.ts";
import { type Call, type Reply, startUpstream, step, type Upstream } from "./upstream.ts";
import { type Kind, promptOf, textOf } from "./kinds.ts";

export interface Skill {
  /** The probability that a sample is right. */
  p: number;
  /** Number of wrong answers, which are equally likely. Default: 1. */
  wrong?: number;
  /** The probability that a verifier refutes a wrong answer, and that it accepts a right one. */
  verifier?: { sensitivity: number; specificity: number };
  /** The probability that a repair is right. Default: `p`. */
  repair?: number;
  /** Whether an aggregator is right. Default: it follows the most frequent candidate. */
  aggregate?: (right: number, shown: number) => boolean;
  /** The answer of a solving call that does not depend on chance. */
  fixed?: (call: Call, nth: number) => number | undefined;
  /** Added to every reply. */
  more?: (call: Call, reply: Reply) => Reply;
  seed: number;
}

/** One answer of the model. */
export interface Given {
  /** Number of the problem, from 0. */
  problem: number;
  kind: Kind;
  /** Number of the call among those of its kind for the problem, from 0. */
  nth: number;
  /** 0 is right. */
  answer: number;
}

export interface Simulated extends Upstream {
  /** The answers so far. */
  given: Given[];
}

export const problemText = (problem: number) => `Problem ${problem}: how many are there?`;

/** A number in [0, 1) that depends only on the text (FNV-1a). */
function chanceOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return createRandom(hash)();
}

/** An answer to a problem; 0 is the right one. Numbers that differ by a millionth would agree. */
export const answerText = (problem: number, answer: number) =>
  String(1000 * (problem + 1) + 100 * answer);

/** The answer to a problem that a text gives: its first number. */
const answerIn = (problem: number, text: string) =>
  (Number(/\d+/.exec(text)?.[0]) - 1000 * (problem + 1)) / 100;

export const isRight = (problem: number, text: string) => answerIn(problem, text) === 0;

export function startSimulated(skill: Skill): Simulated {
  const given: Given[] = [];
  const counts = new Map<string, number>();

  function answer(call: Call): Reply {
    const { kind, prompt } = promptOf(call);
    const text = textOf(call);
    const problem = Number(/Problem (\d+)/.exec(text)![1]);
    const key = `${call.body.model} ${problem} ${kind === "verify.planner" ? "sample" : kind}`;
    const nth = counts.get(key) ?? 0;
    counts.set(key, nth + 1);
    const chance = (what: string) => chanceOf(`${skill.seed} ${key} ${nth} ${what}`);
    const solve = (p: number) =>
      skill.fixed?.(call, nth) ??
        (chance("right") < p ? 0 : 1 + Math.floor(chance("wrong") * (skill.wrong ?? 1)));
    const give = (answer: number) => {
      given.push({ problem, kind, nth, answer });
      const text = answerText(problem, answer);
      return { content: `<think>Is it ${text}?</think>There are ${text}.\nFINAL: ${text}` };
    };
    if (prompt.includes("one JSON object")) {
      return { content: step("Count", `Count once more, ${nth}.`, "final_answer") };
    }
    if (prompt.includes("VERDICT:")) {
      const shown = answerIn(problem, /<solution>(.*)<\/solution>/s.exec(text)![1]!);
      const { sensitivity, specificity } = skill.verifier!;
      const isRefuted = chance("verdict") < (shown === 0 ? 1 - specificity : sensitivity);
      const own = isRefuted ? solve(skill.p) : shown;
      given.push({ problem, kind, nth, answer: own });
      const verdict = isRefuted
        ? `ERROR: "There are ${answerText(problem, shown)}."\nVERDICT: WRONG`
        : "ERROR: NONE\nVERDICT: CORRECT";
      return { content: `${verdict}\nFINAL: ${answerText(problem, own)}` };
    }
    if (prompt.includes("{error}")) return give(solve(skill.repair ?? skill.p));
    // A judge that prefers the first place.
    if (prompt.includes('"better"')) return { content: '{"better":"candidate_1"}' };
    const shown = candidatesIn(call).map((candidate) => answerIn(problem, candidate));
    if (shown.length === 0) return give(copied(problem, text) ?? solve(skill.p));
    if (skill.aggregate === undefined) return give(mostFrequent(shown));
    const right = shown.filter((answer) => answer === 0).length;
    return give(skill.aggregate(right, shown.length) ? 0 : 1);
  }

  const reply = (call: Call) => {
    const plain = answer(call);
    return { ...plain, ...skill.more?.(call, plain) };
  };
  return Object.assign(startUpstream(reply), { given });
}

/** The most frequent answer; of equally frequent ones the first. */
function mostFrequent(answers: readonly number[]): number {
  const votes = (answer: number) => answers.filter((other) => other === answer).length;
  return answers.reduce((best, answer) => votes(answer) > votes(best) ? answer : best);
}

/** The answer to a problem in notes or in an earlier answer, if the text has one. */
function copied(problem: number, text: string): number | undefined {
  const numbers = text.match(/\d+/g) ?? [];
  return numbers.map((number) => answerIn(problem, number))
    .find((answer) => Number.isInteger(answer) && answer >= 0 && answer < 10);
}

/** The candidates that a call lists under letters. */
export function candidatesIn(call: Pick<Call, "body">): string[] {
  return textOf(call).split(/^\[[A-Z]\d*\]$/m).slice(1);
}
