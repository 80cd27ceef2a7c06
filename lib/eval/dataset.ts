/**
 * Problems to be solved, read from the formats that the field publishes.
 *
 * @module
 */
import { join } from "node:path";

/** One problem and its answer. */
export interface Problem {
  /** Its name, unique in the dataset. */
  id: string;
  /** What a model is asked. */
  question: string;
  /** The right answer; further entries are other ways to write it. */
  answers: readonly string[];
  /** First 16 hex digits of the SHA-256 of question and answers: tells datasets apart. */
  digest: string;
}

/** A dataset can't be read; the message says where and why, a line for each fault. */
export class DatasetError extends Error {
  /** The name of the class. */
  override readonly name = "DatasetError";
}

/** The problems that come with the program: 40 of our own making. */
export const OWN_PROBLEMS: string = join(import.meta.dirname ?? ".", "problems.jsonl");

type Row = Record<string, unknown>;
type Fields = Omit<Problem, "digest" | "id">;

/** A format: how its rows are known, and how one is read. */
interface DatasetFormat {
  name: string;
  /** Keys of which each row has one of every group. */
  keys: readonly (readonly string[])[];
  id: readonly string[];
  /** Whether a row, known to have the keys, is of this format. */
  matches(row: Row): boolean;
  /** @throws {DatasetError} without the line. */
  read(row: Row): Fields;
}

const GSM8K_MARK = "####";

/**
 * In the order in which they are tried.
 *
 * @see {@link https://github.com/openai/grade-school-math} GSM8K
 * @see {@link https://huggingface.co/datasets/HuggingFaceH4/MATH-500} MATH-500
 * @see {@link https://huggingface.co/datasets/Maxwell-Jia/AIME_2024} AIME
 */
const FORMATS: readonly DatasetFormat[] = [
  {
    name: "GSM8K",
    keys: [["question"], ["answer"]],
    id: ["id"],
    matches: (row) => String(row.answer).includes(GSM8K_MARK),
    read(row) {
      const [, gold] = text(row, ["answer"]).split(GSM8K_MARK);
      if (gold === undefined || gold.trim() === "") {
        throw new DatasetError(`'answer' lacks the line "${GSM8K_MARK} 72" of GSM8K`);
      }
      return { question: text(row, ["question"]), answers: [gold.trim().replaceAll(",", "")] };
    },
  },
  {
    name: "own",
    keys: [["question"], ["answer"]],
    id: ["id"],
    matches: () => true,
    read: readOwn,
  },
  {
    name: "MATH-500",
    keys: [["problem"], ["answer"]],
    id: ["unique_id"],
    matches: (row) => "unique_id" in row,
    read: readPlain,
  },
  {
    name: "AIME",
    keys: [["problem", "Problem"], ["answer", "Answer"]],
    id: ["id", "ID", "problem_idx"],
    matches: () => true,
    read: readPlain,
  },
];

function readPlain(row: Row): Fields {
  return {
    question: text(row, ["problem", "Problem"]),
    answers: [text(row, ["answer", "Answer"])],
  };
}

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** With options the answer is a letter or an option's text; both ways to say it are right. */
function readOwn(row: Row): Fields {
  const question = text(row, ["question"]);
  const answer = text(row, ["answer"]);
  if (row.options === undefined) return { question, answers: [answer] };
  const options: unknown = row.options;
  if (!Array.isArray(options) || options.length < 2 || options.length > LETTERS.length) {
    throw new DatasetError(`'options' must be a list of 2 to ${LETTERS.length} texts`);
  }
  const texts = options.map(String);
  const isText = texts.indexOf(answer);
  const at = isText < 0 ? LETTERS.indexOf(answer.toUpperCase()) : isText;
  if (at < 0 || at >= texts.length || (isText < 0 && answer.length !== 1)) {
    throw new DatasetError("'answer' is neither an option nor the letter of one");
  }
  const list = texts.map((option, i) => `${LETTERS[i]}) ${option}`).join("\n");
  return { question: `${question}\n\n${list}`, answers: [LETTERS[at]!, texts[at]!] };
}

/** The value of the first of the keys that is there, as text. */
function text(row: Row, keys: readonly string[]): string {
  const key = keys.find((each) => row[each] !== undefined) ?? keys[0]!;
  const value = row[key];
  if (typeof value === "number" || (typeof value === "string" && value.trim() !== "")) {
    return String(value).trim();
  }
  throw new DatasetError(`'${key}' must be a text that is not empty`);
}

const has = (row: Row, group: readonly string[]) => group.some((key) => row[key] !== undefined);

function formatOf(row: Row): DatasetFormat {
  const found = FORMATS.find((format) =>
    format.keys.every((group) => has(row, group)) && format.matches(row)
  );
  if (found !== undefined) return found;
  const near = FORMATS.find((format) => has(row, format.keys[0]!));
  const missing = near?.keys.filter((group) => !has(row, group)).map((group) => `'${group[0]}'`);
  const keys = Object.keys(row).slice(0, 8).map((key) => `'${key.slice(0, 40)}'`).join(", ");
  throw new DatasetError(
    near === undefined
      ? `neither 'question' (GSM8K, own format) nor 'problem' (MATH-500, AIME) is there, but ${
        keys || "no key"
      }`
      : `${missing?.join(" and ")} is missing`,
  );
}

function parseRow(line: string): Row {
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    // Its line is the one in the row, always 1.
    throw new DatasetError(`no JSON: ${said.replace(/ \(line \d+ column \d+\)$/, "")}`);
  }
  if (typeof row !== "object" || row === null || Array.isArray(row)) {
    throw new DatasetError("a JSON object is expected");
  }
  return { ...row };
}

/** Faults that are told; a file of another kind has one in every line. */
const MAX_FAULTS = 20;

/**
 * Reads a dataset, one JSON object a line. The first line that can be told tells the format for
 * all.
 *
 * @param file what errors call it.
 * @throws {DatasetError} with all faults and the numbers of their lines, from 1.
 */
export async function parseDataset(content: string, file: string): Promise<Problem[]> {
  const problems: Problem[] = [];
  const lineOf = new Map<string, number>();
  const faults: string[] = [];
  let format: DatasetFormat | undefined;
  for (const [i, line] of content.replace(/^\ufeff/, "").split("\n").entries()) {
    if (line.trim() === "") continue;
    const number = i + 1;
    try {
      const row = parseRow(line);
      format ??= formatOf(row);
      const missing = format.keys.find((group) => !has(row, group));
      if (missing !== undefined) throw new DatasetError(`'${missing[0]}' is missing`);
      const fields = format.read(row);
      const key = format.id.find((each) => row[each] !== undefined);
      const id = key === undefined ? `line-${number}` : String(row[key]);
      const earlier = lineOf.get(id);
      if (earlier !== undefined) {
        throw new DatasetError(`the id '${id}' is that of line ${earlier} too`);
      }
      lineOf.set(id, number);
      problems.push({ id, ...fields, digest: await digestOf(fields) });
    } catch (error) {
      if (!(error instanceof DatasetError)) throw error;
      const read = format === undefined ? "" : ` (read as ${format.name})`;
      faults.push(`${file}, line ${number}: ${error.message}${read}`);
    }
  }
  if (faults.length > 0) {
    const more = faults.length > MAX_FAULTS ? [`… and ${faults.length - MAX_FAULTS} more`] : [];
    throw new DatasetError([...faults.slice(0, MAX_FAULTS), ...more].join("\n"));
  }
  if (problems.length === 0) throw new DatasetError(`${file}: there is no problem in it`);
  return problems;
}

async function digestOf({ question, answers }: Fields): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify([question, answers]));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return hash.slice(0, 8).toHex();
}

/**
 * Some of the problems.
 *
 * @param limit how many; undefined for all.
 * @param random draws them; without it they are the first ones. Their order is kept.
 */
export function choose(
  problems: readonly Problem[],
  limit: number | undefined,
  random?: () => number,
): Problem[] {
  if (limit === undefined || limit >= problems.length) return [...problems];
  if (random === undefined) return problems.slice(0, limit);
  const order = problems.map((_, i) => [random(), i] as const).sort(([a], [b]) => a - b);
  const drawn = new Set(order.slice(0, limit).map(([, i]) => i));
  return problems.filter((_, i) => drawn.has(i));
}
