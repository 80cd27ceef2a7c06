/** The solution of a question, as the demo model presents it. */
export interface Solution {
  task: string;
  /** The calculation with its results. */
  work: string;
  /** The same result by another method. */
  check: string;
  /** The answer in a sentence. */
  answer: string;
  /** The answer alone, such as `386`. */
  short: string;
  /** The answer, if it is a number. */
  value?: number;
  /** The answer, if it is yes or no. */
  truth?: boolean;
}

/**
 * How a question is answered. A hasty model makes the mistakes of language models that do not think:
 * it calculates from left to right, sees two equal letters as one, and tries only small divisors.
 */
export type Care = "careful" | "hasty";

const MAX_TOKENS = 100;
const MAX_PRIME = 1e12;

/** Returns up to ten decimal places, without the noise of binary fractions. */
function decimal(n: number): string {
  if (Number.isInteger(n)) return String(n);
  return Number(n.toPrecision(12)).toFixed(10).replace(/\.?0+$/, "");
}

const equals = (n: number) =>
  (Math.abs(Number(decimal(n)) - n) <= 1e-12 * Math.abs(n) ? "= " : "≈ ") + decimal(n);

interface Operator {
  precedence: number;
  apply: (a: number, b: number) => number;
  inverse?: string;
}

const OPERATORS = new Map<string | undefined, Operator>([
  ["+", { precedence: 1, apply: (a, b) => a + b, inverse: "−" }],
  ["−", { precedence: 1, apply: (a, b) => a - b, inverse: "+" }],
  ["×", { precedence: 2, apply: (a, b) => a * b, inverse: "÷" }],
  ["÷", { precedence: 2, apply: (a, b) => a / b, inverse: "×" }],
  ["^", { precedence: 3, apply: (a, b) => a ** b }],
]);

/** @throws {SyntaxError} unless `source` is an expression whose values are exact integers or small. */
function evaluate(source: string, care: Care) {
  const tokens = source.match(/\d+(?:\.\d+)?|\S/g) ?? [];
  if (tokens.length > MAX_TOKENS) throw new SyntaxError("too long");
  const work: string[] = [];
  const checks: string[] = [];
  let at = 0;

  function calculate(a: number, symbol: string, b: number): number {
    const { apply, inverse } = OPERATORS.get(symbol)!;
    const value = apply(a, b);
    if (!(Math.abs(value) <= Number.MAX_SAFE_INTEGER)) throw new SyntaxError("no such number");
    const [x, y, z] = [a, b, value].map((n) => n < 0 ? `(${decimal(n)})` : decimal(n));
    work.push(`${x} ${symbol} ${y} ${equals(value)}`);
    if (inverse && b !== 0) {
      checks.push(`${z} ${inverse} ${y} ${equals(OPERATORS.get(inverse)!.apply(value, b))}`);
    }
    return value;
  }

  function operand(): number {
    const token = tokens[at++] ?? "";
    // A sign binds less tightly than a power.
    if (token === "−") return -expression(3);
    let value = token === "(" ? expression(1) : Number(token);
    if (token === "(" ? tokens[at++] !== ")" : !/^\d/.test(token)) throw new SyntaxError(token);
    for (; tokens[at] === "%"; at++) value = calculate(value, "÷", 100);
    return value;
  }

  function expression(minPrecedence: number): number {
    let value = operand();
    for (let operator; (operator = OPERATORS.get(tokens[at])) !== undefined;) {
      const precedence = care === "hasty" ? Math.max(operator.precedence, 2) : operator.precedence;
      if (precedence < minPrecedence) break;
      const symbol = tokens[at++]!;
      value = calculate(value, symbol, expression(symbol === "^" ? 3 : precedence + 1));
    }
    return value;
  }

  const value = expression(1);
  if (at < tokens.length) throw new SyntaxError("unexpected end of the expression");
  return { value, work, checks };
}

/** Rewrites a question as an expression. */
const SPELLINGS: readonly [pattern: RegExp, replacement: string][] = [
  [/^(?:what is|what's|how much is|calculate|compute|evaluate|solve)\b:?/g, ""],
  [/(?<=\d),(?=\d{3}(?!\d))/g, ""],
  [/ ?(?:\bto the power of\b|\*\*|\^) ?/g, "^"],
  [/ ?(?:\bplus\b|\+) ?/g, " + "],
  [/ ?(?:\bminus\b|[-–−]) ?/g, " − "],
  [/ ?(?:\btimes\b|\bmultiplied by\b|[*·×]|(?<=\d )x(?= \d)) ?/g, " × "],
  [/ ?(?:\bdivided by\b|[/÷]) ?/g, " ÷ "],
  [/ ?(?:%|\bpercent\b) of /g, "% × "],
];

function arithmetic(question: string, care: Care): Solution | undefined {
  const source = SPELLINGS
    .reduce((text, [pattern, by]) => text.replace(pattern, by), withoutEnd(question.toLowerCase()))
    .replace(/\s+/g, " ").trim();
  try {
    const { value, work, checks } = evaluate(source, care);
    if (work.length === 0) return undefined;
    return {
      task: `Calculate ${source}: brackets first, then powers, × and ÷, + and −.`,
      work: work.slice(0, 8).join("\n"),
      check: ["Undo the operations:", ...checks.slice(0, 8)].join("\n"),
      answer: `${source} ${equals(value)}.`,
      short: decimal(value),
      value: Number(decimal(value)),
    };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Removes what ends a question, such as ` = .` */
function withoutEnd(question: string): string {
  let end = question.length;
  while (" =.!".includes(question.charAt(end - 1)) && end > 0) end--;
  return question.slice(0, end);
}

const LETTERS_REGEXP =
  /how many (?:times does )?(?:the )?(?:letter )?["']?(\p{L})(?:["']|'?s)? (?:(?:is|are|there|appears?|occurs?) )*in (?:the )?(?:(?:word|text|sentence|phrase) )?(?:"([^"]+)"|'([^']+)'|(\p{L}+))/iu;

function letterCount(question: string, care: Care): Solution | undefined {
  const [, letter, ...texts] = LETTERS_REGEXP.exec(question) ?? [];
  const text = texts.find((text) => text !== undefined);
  if (letter === undefined || text === undefined) return undefined;
  const characters = [...care === "hasty" ? text.replace(/(\p{L})\1/giu, "$1") : text];
  const found = characters.flatMap((character, i) =>
    character.toLowerCase() === letter.toLowerCase() ? [`${character} at ${i + 1}`] : []
  );
  const [all, count] = [characters.length, found.length];
  return {
    task: `Count the letter ${letter} in "${text}", in upper and lower case.`,
    work: `Found: ${found.slice(0, 20).join(", ") || "none"}. Total: ${count}.`,
    check: `${all - count} of ${all} characters are others: ${all} − ${all - count} = ${count}.`,
    answer: `The count of the letter ${letter} in "${text}" is ${count}.`,
    short: `${count}`,
    value: count,
  };
}

function primality(question: string, care: Care): Solution | undefined {
  const digits = /\bis (?:the number )?(\d[\d,]*) (?:an? )?prime\b/i.exec(question)?.[1];
  const n = Number(digits?.replaceAll(",", ""));
  if (!(n <= MAX_PRIME)) return undefined;
  const tried: string[] = [];
  const bound = care === "hasty" ? Math.min(n, 10 ** 2) : n;
  let divisor = 2;
  for (; divisor * divisor <= bound; divisor += divisor === 2 ? 1 : 2) {
    if (tried.length < 8) tried.push(`${n} mod ${divisor} = ${n % divisor}`);
    if (n % divisor === 0) break;
  }
  const isPrime = n > 1 && divisor * divisor > bound;
  const reason = n < 2 ? "A prime is greater than 1" : `${divisor} × ${n / divisor} = ${n}`;
  return {
    task: `Find a divisor of ${n}. The smaller of a pair is at most its square root.`,
    work: `Trial divisors: ${tried.join(", ") || "none"}.`,
    check: isPrime ? `${divisor}² = ${divisor ** 2} is greater than ${n}.` : `${reason}.`,
    answer: isPrime ? `${n} is prime.` : `${n} is not prime: ${reason.replace("A p", "a p")}.`,
    short: isPrime ? "yes" : "no",
    truth: isPrime,
  };
}

/**
 * Solves a question about arithmetic, letters in a text or a prime number, or else the first of its
 * sentences that is one. Returns undefined for all others. Nothing is executed.
 */
export function solve(question: string, care: Care = "careful"): Solution | undefined {
  const text = question.slice(0, 4000).replace(/[“”]/g, '"').replace(/[‘’]/g, "'");
  for (const part of [text, ...text.split(/[?\n]|[.!:;]\s/).slice(0, 50)]) {
    const line = part.replace(/\s+/g, " ").trim();
    const solution = letterCount(line, care) ?? primality(line, care) ?? arithmetic(line, care);
    if (solution !== undefined) return solution;
  }
}
