/**
 * Reads problems from the formats in which benchmarks are published.
 *
 * @see {@link https://github.com/openai/grade-school-math} GSM8K
 * @see {@link https://huggingface.co/datasets/HuggingFaceH4/MATH-500} MATH-500
 * @see {@link https://github.com/idavidrein/gpqa} GPQA
 * @see {@link https://huggingface.co/datasets/Maxwell-Jia/AIME_2024} AIME
 */
import { join } from "node:path";
import { sha256 } from "../sha256.ts";
import { InputError } from "./input_error.ts";

export interface Problem {
  /** Unique in the dataset. */
  id: string;
  question: string;
  /** The right answer, and other ways to write it. */
  answers: readonly string[];
  /** First 16 hex digits of the SHA-256 of question and answers; identifies the dataset. */
  digest: string;
}

export const OWN_PROBLEMS: string = join(import.meta.dirname ?? ".", "problems.jsonl");

type Row = Record<string, unknown>;

/** Of several keys for a field, the first one present is read. */
interface DatasetFormat {
  name: string;
  id: readonly string[];
  question: readonly string[];
  answer: readonly string[];
  /** Whether a row with a question and an answer has this format; default: every row. */
  matches?(row: Row): boolean;
  /** Reads the question and answers from their texts; default: as they are. */
  read?(row: Row, question: string, answer: string): Fields;
}

type Fields = Pick<Problem, "question" | "answers">;

/** In the order in which they are tried. */
const FORMATS: readonly DatasetFormat[] = [
  {
    name: "GSM8K",
    id: ["id"],
    question: ["question"],
    answer: ["answer"],
    matches: (row) => String(row.answer).includes("####"),
    read(_row, question, answer) {
      const gold = answer.split("####")[1]?.trim().replaceAll(",", "");
      if (gold) return { question, answers: [gold] };
      throw new InputError(`'answer' needs a line like "#### 72"`);
    },
  },
  { name: "own format", id: ["id"], question: ["question"], answer: ["answer"], read: readOptions },
  {
    name: "GPQA",
    id: ["Record ID"],
    question: ["Question"],
    answer: ["Correct Answer"],
    read(row, question, answer) {
      const keys = [1, 2, 3].map((number) => `Incorrect Answer ${number}`);
      // Sorted, so that the place of the right one is neither always the same nor up to chance.
      const options = [answer, ...keys.map((key) => textOf(row, [key]))].sort();
      return readOptions({ options }, question, answer);
    },
  },
  {
    name: "MATH-500",
    id: ["unique_id"],
    question: ["problem"],
    answer: ["answer"],
    matches: (row) => "unique_id" in row,
  },
  {
    name: "AIME",
    id: ["id", "ID", "problem_idx"],
    question: ["problem", "Problem"],
    answer: ["answer", "Answer"],
  },
];

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** If there are options, the answer is a letter or the text of one; both are right. */
function readOptions({ options }: Row, question: string, answer: string): Fields {
  if (options === undefined) return { question, answers: [answer] };
  if (!Array.isArray(options) || options.length < 2 || options.length > LETTERS.length) {
    throw new InputError(`'options' must be a list of 2 to ${LETTERS.length} texts`);
  }
  const texts = options.map(String);
  const letters = LETTERS.slice(0, texts.length).split("");
  const index = [texts.indexOf(answer), letters.indexOf(answer.toUpperCase())]
    .find((index) => index >= 0);
  if (index === undefined) {
    throw new InputError("'answer' must be the text or the letter of an option");
  }
  const list = texts.map((text, i) => `${letters[i]}) ${text}`).join("\n");
  return { question: `${question}\n\n${list}`, answers: [letters[index]!, texts[index]!] };
}

const keyOf = (row: Row, keys: readonly string[]) => keys.find((key) => row[key] !== undefined);

function textOf(row: Row, keys: readonly string[]): string {
  const key = keyOf(row, keys);
  if (key === undefined) throw new InputError(`'${keys[0]}' is missing`);
  const value = row[key];
  if (typeof value === "number" || (typeof value === "string" && value.trim() !== "")) {
    return String(value).trim();
  }
  throw new InputError(`'${key}' must be a non-empty text`);
}

function formatOf(row: Row): DatasetFormat {
  const isPresent = (keys: readonly string[]) => keyOf(row, keys) !== undefined;
  const format = FORMATS.find(({ question, answer, matches }) =>
    isPresent(question) && isPresent(answer) && (matches?.(row) ?? true)
  );
  if (format !== undefined) return format;
  if (FORMATS.some(({ question }) => isPresent(question))) {
    throw new InputError("'answer' is missing");
  }
  const keys = Object.keys(row).slice(0, 8).map((key) => `'${key.slice(0, 40)}'`).join(", ");
  throw new InputError(
    `expected 'question' (GSM8K, own format), 'Question' (GPQA) or 'problem' (MATH-500, AIME), ` +
      `found ${keys || "no keys"}`,
  );
}

function parseRow(line: string): Row {
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch (error) {
    // The error's line is the one within the row, always 1.
    const reason = (error as SyntaxError).message.replace(/ \(line \d+ column \d+\)$/, "");
    throw new InputError(`invalid JSON: ${reason}`);
  }
  if (typeof row !== "object" || row === null || Array.isArray(row)) {
    throw new InputError("expected a JSON object");
  }
  return { ...row };
}

const MAX_FAULTS = 20;

/**
 * Reads a dataset of one JSON object per line. The first valid line decides the format, and rows of
 * another one are faults: a GSM8K row that has lost its `####` must not be read as the own format.
 *
 * @param file the dataset's name in errors.
 * @throws {InputError} with all faults and their line numbers, from 1.
 */
export async function parseDataset(content: string, file: string): Promise<Problem[]> {
  const problems: Problem[] = [];
  const lineOf = new Map<string, number>();
  const faults: string[] = [];
  let format: DatasetFormat | undefined;
  let formatLine = 0;
  for (const [i, line] of content.replace(/^\ufeff/, "").split("\n").entries()) {
    if (line.trim() === "") continue;
    const number = i + 1;
    try {
      const row = parseRow(line);
      const rowFormat = formatOf(row);
      if (format === undefined) [format, formatLine] = [rowFormat, number];
      if (rowFormat !== format) {
        throw new InputError(
          `this row is ${rowFormat.name}, but line ${formatLine} is ${format.name}; ` +
            "a file holds one format",
        );
      }
      const question = textOf(row, format.question);
      const answer = textOf(row, format.answer);
      const fields = format.read?.(row, question, answer) ?? { question, answers: [answer] };
      const id = String(row[keyOf(row, format.id) ?? ""] ?? `line-${number}`);
      const earlier = lineOf.get(id);
      if (earlier !== undefined) throw new InputError(`line ${earlier} has the id '${id}' too`);
      lineOf.set(id, number);
      problems.push({ id, ...fields, digest: await digestOf(fields) });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      const readAs = format === undefined ? "" : ` (read as ${format.name})`;
      faults.push(`${file}, line ${number}: ${error.message}${readAs}`);
    }
  }
  if (faults.length > MAX_FAULTS) {
    faults.splice(MAX_FAULTS, Infinity, `… and ${faults.length - MAX_FAULTS} more`);
  }
  if (faults.length > 0) throw new InputError(faults.join("\n"));
  if (problems.length === 0) throw new InputError(`${file}: no problems found`);
  return problems;
}

async function digestOf({ question, answers }: Fields): Promise<string> {
  return (await sha256(JSON.stringify([question, answers]))).slice(0, 8).toHex();
}

/**
 * Returns `limit` of the problems in their order, or all if it is undefined: a random sample if
 * there is a random number generator, else the first ones.
 */
export function choose(
  problems: readonly Problem[],
  limit: number | undefined,
  random?: () => number,
): Problem[] {
  const ranked = problems.map((problem, i) => ({ problem, i, rank: random?.() ?? i }));
  return ranked.sort((a, b) => a.rank - b.rank).slice(0, limit)
    .sort((a, b) => a.i - b.i).map(({ problem }) => problem);
}
