/**
 * An upstream that is right by chance: on each sample independently, with a probability that the
 * test gives, so that theory says what a strategy must reach. What it answers depends on the seed,
 * the problem and the number of the call alone.
 *
 * @module
 */
import { type Call, type Reply, startUpstream, type Upstream } from "../upstream.ts";
import { type Kind, kindOf, textOf } from "./kinds.ts";
import { chanceOf } from "./statistics.ts";

/** How good the model is, and at what. */
export interface Skill {
  /** The probability that a sample is right. */
  p: number;
  /** How many wrong answers there are, all as likely; default 1. */
  wrong?: number;
  /** The probability that a verifier refutes a wrong answer, or leaves a right one. */
  verifier?: { sensitivity: number; specificity: number };
  /** The probability that a repair is right; default `p`. */
  repair?: number;
  /** Whether an aggregator is right, of so many candidates that it is shown, so many right. */
  aggregate?: (right: number, shown: number) => boolean;
  /** Where chance begins. */
  seed: number;
}

/** One answer that the model gave. */
export interface Given {
  /** The problem, from 0. */
  problem: number;
  /** What was asked for. */
  kind: Kind;
  /** Which call of this kind it was for the problem, from 0. */
  nth: number;
  /** Its answer: 0 is the right one. */
  answer: number;
}

/** A model that is right by chance. */
export interface Simulated extends Upstream {
  /** What it has answered so far. */
  given: Given[];
}

/** The question of a problem. */
export const problemText = (problem: number) => `Problem ${problem}: how many are there?`;

/** Answer 0 of a problem is the right one. */
const answerText = (problem: number, answer: number) => String(1000 * (problem + 1) + answer);

/** The answer that a text gives for a problem: its first number. */
const answerIn = (problem: number, text: string) =>
  Number(/\d+/.exec(text)?.[0]) - 1000 * (problem + 1);

/** Whether a completion of a problem shows the right answer. */
export const isRight = (problem: number, text: string) => answerIn(problem, text) === 0;

/** Starts the upstream. */
export function startSimulated(skill: Skill): Simulated {
  const given: Given[] = [];
  const counts = new Map<string, number>();

  function answer(call: Call): Reply {
    const kind = kindOf(call);
    const problem = Number(/Problem (\d+)/.exec(textOf(call))![1]);
    const key = `${problem} ${kind === "planner" ? "sample" : kind}`;
    const nth = counts.get(key) ?? 0;
    counts.set(key, nth + 1);
    const chance = (what: string) => chanceOf(`${skill.seed} ${key} ${nth} ${what}`);
    const solve = (p: number) =>
      chance("right") < p ? 0 : 1 + Math.floor(chance("wrong") * (skill.wrong ?? 1));
    const give = (answer: number, before = "") => {
      given.push({ problem, kind, nth, answer });
      const text = answerText(problem, answer);
      return { content: `${before}<think>Hm.</think>There are ${text}.\nFINAL: ${text}` };
    };
    switch (kind) {
      case "sample":
      case "planner":
        return give(solve(skill.p));
      case "repair":
        return give(solve(skill.repair ?? skill.p));
      case "aggregate": {
        const shown = candidatesIn(call).map((text) => answerIn(problem, text));
        const right = shown.filter((each) => each === 0).length;
        return give(skill.aggregate!(right, shown.length) ? 0 : 1);
      }
      case "verifier": {
        const shown = answerIn(problem, /<solution>(.*)<\/solution>/s.exec(textOf(call))![1]!);
        const { sensitivity, specificity } = skill.verifier!;
        const isRefuted = chance("verdict") < (shown === 0 ? 1 - specificity : sensitivity);
        const own = isRefuted ? solve(skill.p) : shown;
        given.push({ problem, kind, nth, answer: own });
        const verdict = isRefuted
          ? `ERROR: "There are ${answerText(problem, shown)}."\nVERDICT: WRONG`
          : "ERROR: NONE\nVERDICT: CORRECT";
        return { content: `${verdict}\nFINAL: ${answerText(problem, own)}` };
      }
      default:
        throw new Error(`nothing is known of a call of the kind ${kind}`);
    }
  }

  return Object.assign(startUpstream(answer), { given });
}

/** The lettered candidates that a call shows. */
export function candidatesIn(call: Pick<Call, "body">): string[] {
  return textOf(call).split(/^\[[A-Z]\d*\]$/m).slice(1);
}
