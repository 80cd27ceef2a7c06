/**
 * Problems for a small model: seeded arithmetic, yes/no questions and questions with options, and
 * the first problems of GSM8K.
 *
 * @module
 */
import { createRandom } from "../../lib/random.ts";

export const SETS = ["arithmetic", "choice", "gsm8k"] as const;

export interface Row {
  /** Begins with the name of the set. */
  id: string;
  question: string;
  answer: string;
  options?: string[];
}

/** Of each set `count` problems in turn, so that a run that is stopped has asked of all sets. */
export function problemRows(count: number, seed: number, gsm8k: string | undefined): Row[] {
  const random = createRandom(seed);
  const gsm8kRows = gsm8k?.split("\n").filter((line) => line.trim() !== "") ?? [];
  return Array.from({ length: count }, (_, i) => [
    { id: `arithmetic-${i + 1}`, ...arithmetic(random) },
    { id: `choice-${i + 1}`, ...(i % 2 === 0 ? comparison : option)(random) },
    ...(gsm8kRows[i] === undefined
      ? []
      : [{ id: `gsm8k-${i + 1}`, ...gsm8kProblem(gsm8kRows[i]) }]),
  ]).flat();
}

type Problem = Omit<Row, "id">;
type Random = () => number;

const integer = (random: Random, low: number, high: number) =>
  low + Math.floor(random() * (high - low + 1));

const pick = <T>(random: Random, values: readonly T[]): T =>
  values[integer(random, 0, values.length - 1)]!;

const NAMES = ["Max", "Lena", "Omar", "Yuki"];
const THINGS = ["apples", "coins", "books", "pencils"];

function arithmetic(random: Random): Problem {
  const [name, thing] = [pick(random, NAMES), pick(random, THINGS)];
  const [a, b, c] = [integer(random, 5, 30), integer(random, 2, 9), integer(random, 2, 6)];
  return pick(random, [
    { question: `What is ${a} + ${b * c}?`, answer: String(a + b * c) },
    { question: `What is ${b} × ${c}?`, answer: String(b * c) },
    {
      question:
        `${name} has ${a} ${thing} and buys ${b} more. How many ${thing} does ${name} have?`,
      answer: String(a + b),
    },
    {
      question: `${name} has ${b * c} ${thing} and gives each of ${c} friends the same number. ` +
        `How many ${thing} does each friend get?`,
      answer: String(b),
    },
  ]);
}

function comparison(random: Random): Problem {
  const a = integer(random, 1, 99);
  const b = a + pick(random, [-1, 1]) * integer(random, 1, 20);
  return { question: `Is ${a} greater than ${b}? Answer yes or no.`, answer: a > b ? "yes" : "no" };
}

const FACTS = [
  ["Which is the capital of France?", "Paris", "London", "Rome", "Madrid"],
  ["Which animal barks?", "dog", "cat", "cow", "fish"],
  ["Which of these is a colour?", "blue", "table", "seven", "run"],
  ["How many days does a week have?", "7", "5", "10", "12"],
  ["What do bees make?", "honey", "milk", "bread", "paper"],
  ["Which is the largest planet of the solar system?", "Jupiter", "Mars", "Earth", "Venus"],
  ["What is frozen water called?", "ice", "steam", "sand", "oil"],
  ["Which organ pumps blood?", "heart", "lung", "liver", "skin"],
] as const;

function option(random: Random): Problem {
  const [question, answer, ...wrong] = pick(random, FACTS);
  const ranked = [answer, ...wrong].map((text) => ({ text, rank: random() }));
  const options = ranked.sort((a, b) => a.rank - b.rank).map(({ text }) => text);
  return { question, answer, options };
}

function gsm8kProblem(line: string): Problem {
  const { question, answer } = JSON.parse(line);
  return { question, answer: answer.split("####")[1].trim().replaceAll(",", "") };
}
