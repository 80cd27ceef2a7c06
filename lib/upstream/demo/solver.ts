/**
 * What the demo model knows: sums, letters and primes, each worked out and checked. A question is
 * only ever parsed, never executed, and the size of every number is bounded.
 *
 * @module
 */

/** A question worked out. */
export interface Solution {
  /** What is asked, in other words. */
  task: string;
  /** The working, with its results. */
  work: string;
  /** The same by another method. */
  check: string;
  /** The answer in a sentence. */
  answer: string;
  /** The answer alone, such as `386`. */
  short: string;
  /** The answer as a number, where it is one. */
  value?: number;
  /** The answer as yes or no, where it is that. */
  truth?: boolean;
}

/** A fraction in lowest terms with `d > 0`; not `exact` once a root was rounded. */
type Rational = { n: bigint; d: bigint; exact: boolean };
type Operation = (a: Rational, b: Rational) => Rational;

const MAX_BITS = 1024;
const TOO_LARGE = "its numbers are too large for the demo model";

const abs = (a: bigint) => a < 0n ? -a : a;
const bits = (...all: bigint[]) => Math.max(...all.map((a) => abs(a).toString(2).length));
const whole = (n: bigint): Rational => ({ n, d: 1n, exact: true });

function ratio(n: bigint, d: bigint, exact: boolean): Rational {
  if (d === 0n) throw new RangeError("nothing can be divided by zero");
  let [g, rest] = [abs(d), abs(n % d)];
  while (rest !== 0n) [g, rest] = [rest, g % rest];
  if (d < 0n) g = -g;
  if (bits(n / g, d / g) > MAX_BITS) throw new RangeError(TOO_LARGE);
  return { n: n / g, d: d / g, exact };
}

const add: Operation = (a, b) => ratio(a.n * b.d + b.n * a.d, a.d * b.d, a.exact && b.exact);
const subtract: Operation = (a, b) => add(a, { ...b, n: -b.n });
const multiply: Operation = (a, b) => ratio(a.n * b.n, a.d * b.d, a.exact && b.exact);
const divide: Operation = (a, b) => ratio(a.n * b.d, a.d * b.n, a.exact && b.exact);

/** The remainder with the divisor's sign. */
const modulo: Operation = (a, b) => {
  const { n, d } = divide(a, b);
  const floor = n / d - (n % d < 0n ? 1n : 0n);
  return subtract(a, multiply(b, whole(floor)));
};

const power: Operation = (a, { n: exponent, d }) => {
  if (d !== 1n) throw new RangeError("the demo model takes whole powers only");
  if (exponent < 0n) return power(divide(whole(1n), a), whole(-exponent));
  // Powers of 0, 1 and -1 stay small: only whether the exponent is even counts.
  const isUnit = a.d === 1n && abs(a.n) <= 1n;
  const k = isUnit && exponent > 2n ? 2n + exponent % 2n : exponent;
  if (k * BigInt(bits(a.n, a.d)) > 2 * MAX_BITS) throw new RangeError(TOO_LARGE);
  return ratio(a.n ** k, a.d ** k, a.exact);
};

function squareRoot(a: Rational): Rational {
  if (a.n < 0n) throw new RangeError("no real number squared is negative");
  function floor(n: bigint): bigint {
    if (n === 0n) return n;
    // Newton's method from above.
    for (let x = 1n << BigInt((bits(n) >> 1) + 1);;) {
      const next = (x + n / x) / 2n;
      if (next >= x) return x;
      x = next;
    }
  }
  const [n, d] = [floor(a.n), floor(a.d)];
  if (n * n === a.n && d * d === a.d) return ratio(n, d, a.exact);
  const scale = 10n ** 30n;
  return ratio(floor(a.n * scale * scale / a.d), scale, false);
}

const OPERATIONS = new Map<string, { apply: Operation; inverse?: string }>([
  ["+", { apply: add, inverse: "−" }],
  ["−", { apply: subtract, inverse: "+" }],
  ["×", { apply: multiply, inverse: "÷" }],
  ["÷", { apply: divide, inverse: "×" }],
  ["mod", { apply: modulo }],
  ["^", { apply: power }],
]);

/** Whether a decimal writes the number out exactly. */
const isDecimal = (a: Rational) => a.exact && 10n ** 30n % a.d === 0n;
const sign = (...all: Rational[]) => all.every(isDecimal) ? "=" : "≈";

/** As a decimal: exact where that ends, else rounded to ten places or so. */
function decimal(a: Rational): string {
  const leadingZeros = `${a.d}`.length - `${abs(a.n)}`.length;
  const places = isDecimal(a) ? 30 : 10 + Math.max(0, leadingZeros);
  const scaled = (2n * abs(a.n) * 10n ** BigInt(places) + a.d) / (2n * a.d);
  const digits = `${scaled}`.padStart(places + 1, "0");
  const fraction = digits.slice(-places).replace(/0+$/, "");
  return (a.n < 0n ? "-" : "") + digits.slice(0, -places) + (fraction && `.${fraction}`);
}

const operand = (a: Rational) => a.n < 0n ? `(${decimal(a)})` : decimal(a);

const NUMBER = String.raw`\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+`;
const NUMBER_REGEXP = new RegExp(`^(?:${NUMBER})$`);
const TOKEN_REGEXP = new RegExp(`${NUMBER}|mod|\\S`, "g");

/**
 * Evaluates an expression by recursive descent.
 *
 * @throws {SyntaxError} where it is none.
 * @throws {RangeError} where it has no value, or one too large; the message is for people.
 */
function evaluate(source: string) {
  const tokens: string[] = source.match(TOKEN_REGEXP) ?? [];
  if (tokens.length > 200) throw new SyntaxError("too long");
  const [work, checks]: [string[], string[]] = [[], []];
  let at = 0;

  function take(...symbols: string[]): string | undefined {
    const token = tokens[at];
    if (token === undefined || !symbols.includes(token)) return undefined;
    at++;
    return token;
  }

  function note(lines: string[], text: string, value: Rational, by: Rational) {
    lines.push(`${text} ${sign(value, by)} ${decimal(value)}`);
  }

  function binary(a: Rational, symbol: string, b: Rational): Rational {
    const { apply, inverse } = OPERATIONS.get(symbol) ?? { apply: multiply };
    const value = apply(a, b);
    const [x, y, z] = [operand(a), operand(b), operand(value)];
    note(work, `${x} ${symbol} ${y}`, value, a);
    const undo = OPERATIONS.get(inverse ?? "")?.apply;
    if (undo && b.n !== 0n) {
      note(checks, `${z} ${inverse} ${y}`, undo(value, b), value);
    } else if (symbol === "mod") {
      note(checks, `(${x} − ${z}) ÷ ${y}`, divide(subtract(a, value), b), b);
    } else if (symbol === "^" && a.n !== 0n) {
      const less = power(a, subtract(b, whole(1n)));
      note(checks, `${operand(less)} × ${x}`, multiply(less, a), less);
    }
    return value;
  }

  function sum(): Rational {
    let value = product();
    for (let symbol; (symbol = take("+", "−"));) value = binary(value, symbol, product());
    return value;
  }

  function product(): Rational {
    let value = signed();
    for (;;) {
      const symbol = take("×", "÷", "mod");
      // A bracket right after a value multiplies.
      if (!symbol && tokens[at] !== "(") return value;
      value = binary(value, symbol ?? "×", signed());
    }
  }

  function signed(): Rational {
    if (take("+")) return signed();
    if (take("−")) return subtract(whole(0n), signed());
    let value = atom();
    while (take("%")) value = binary(value, "÷", whole(100n));
    return take("^") ? binary(value, "^", signed()) : value;
  }

  function atom(): Rational {
    const token = tokens[at++] ?? "";
    if (token === "(") {
      const value = sum();
      if (!take(")")) throw new SyntaxError("an open bracket");
      return value;
    }
    if (token === "√") {
      const a = atom();
      const root = squareRoot(a);
      const x = decimal(root);
      note(work, `√${operand(a)}`, root, a);
      note(checks, `${x} × ${x}`, multiply(root, root), root);
      return root;
    }
    if (!NUMBER_REGEXP.test(token)) throw new SyntaxError("no number");
    const [integer = "", part = ""] = token.replaceAll(",", "").split(".");
    return ratio(BigInt(integer + part), 10n ** BigInt(part.length), true);
  }

  const value = sum();
  if (at < tokens.length) throw new SyntaxError("something left over");
  return { value, work, checks };
}

/** How the signs of arithmetic are written and said, in the order of replacement. */
const SPELLINGS: [RegExp, string][] = [
  [/\b(?:square root of|sqrt)\b/g, "√"],
  [/\b(?:raised )?to the power(?: of)?\b|\*\*/g, "^"],
  [/\bto the (\d+)(?:st|nd|rd|th)(?: power)?\b/g, "^$1"],
  [/\bsquared\b/g, "^2"],
  [/\bcubed\b/g, "^3"],
  [/\b(?:multiplied by|times)\b|[*·⋅∙∗✕]/g, "×"],
  [/(?<=[\d)%] ?)(?<!\b0)x(?= ?[-−\d.(√])/g, "×"],
  [/\b(?:divided by|over)\b|[/∕⁄]/g, "÷"],
  [/\bplus\b/g, "+"],
  [/\b(?:minus|negative)\b|[-–]/g, "−"],
  [/\bper ?cent\b/g, "%"],
  [/% ?of\b/g, "%×"],
  [/\bmodulo\b|%(?= ?[\d.(√])/g, "mod"],
  [/\b(?:what|whats|how much|please|calculate|compute|evaluate|solve|find|work out)\b/g, ""],
  [/\b(?:can you|could you|tell me|is|are|the|value|result|of|equals?)\b|['’]s\b/g, ""],
  [/[=?.,;:\s]*$/, ""],
  [/\s+/g, " "],
  [/(?<![\d.]) | (?![\d.])/g, ""],
  [/(?<=[\d)%])(?:[+−×÷]|mod)/g, " $& "],
];

/** The first eight. */
const some = (lines: string[], separator: string) =>
  lines.slice(0, 8).join(separator) + (lines.length > 8 ? " …" : "");

function arithmetic(question: string): Solution | undefined {
  if (question.length > 500) return undefined;
  let source = question.toLowerCase();
  for (const [said, sign] of SPELLINGS) source = source.replace(said, sign);
  if (!/^(?:[\d.,+−×÷^%√() ]|mod)+$/.test(source)) return undefined;
  const task = `To work out: ${source}. Brackets first, then powers, × and ÷, + and −.`;
  try {
    const { value, work, checks } = evaluate(source);
    if (work.length === 0) return undefined;
    const short = decimal(value);
    return {
      task,
      work: some(work, "\n"),
      check: `Undoing the operations:\n${some(checks, "\n") || "there are none to undo"}`,
      answer: `${source} ${sign(value)} ${short}.`,
      short,
      value: Number(short),
    };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    if (!(error instanceof RangeError)) throw error;
    const work = `This can't be worked out: ${error.message}.`;
    const answer = `${source} has no value here: ${error.message}.`;
    const short = error.message === TOO_LARGE ? "too large" : "undefined";
    return { task, work, check: "No other way gives one.", answer, short };
  }
}

const COUNT_REGEXP =
  /\b(?:how many|count|number of) (?:(?:times|does|do|is|are|the|all|of|letters?|characters?|occurrences) ){0,7}["'“‘]?(\p{L}|words|letters|characters)["'”’]?(?:['’]?s)?["'”’]? (?:(?:are|is|there|appears?|occurs?) ){0,4}(?:in|does) (?:(?:the )?(?:word|string|text|phrase|sentence|name):? )?(?:(["'])(.+?)\2|“(.+?)”|‘(.+?)’|([^?!.;,]+?)(?: have| contain| please)?(?:[?!.;,]|$))/iu;

function counting(question: string): Solution | undefined {
  const [, asked, , ...targets] = COUNT_REGEXP.exec(question) ?? [];
  const target = targets.find(Boolean)?.trim();
  if (!asked || !target) return undefined;
  const unit = asked.toLowerCase();
  // Letters in the alphabet, words in a book: things, and not the text to count in.
  if (unit.length > 1 && targets[3]?.trim().includes(" ")) return undefined;
  const parts = unit === "words" ? target.split(" ") : [...target];
  function isCounted(part: string): boolean {
    if (unit === "letters") return /\p{L}/u.test(part);
    return unit.length > 1 || part.toLowerCase() === unit;
  }
  const found = parts.flatMap((part, i) => isCounted(part) ? [`${part} at ${i + 1}`] : []);
  const what = unit.length === 1 ? `letter ${unit}` : unit;
  const rest = parts.filter((part) => !isCounted(part)).length;
  const [all, count] = [parts.length, found.length];
  return {
    task: `To count: the ${what} in "${target}", in upper and lower case alike.`,
    work: `Going through it: ${some(found, ", ") || "none"}. Total: ${count}.`,
    check: `${rest} of ${all} are something else: ${all} − ${rest} = ${count}.`,
    answer: `Count of the ${what} in "${target}": ${count}.`,
    short: `${count}`,
    value: count,
  };
}

const PRIME_REGEXP = /\bis (?:the number )?(\d[\d,]{0,60}) (?:an? )?prime\b/i;
const FACTORS_REGEXP =
  /\b(?:prime factors of|factor|factori[sz]e|factori[sz]ation of) (\d[\d,]{0,60})/i;

/** `base^(n−1) mod n`, by squaring. */
function fermat(base: bigint, n: bigint): bigint {
  let result = 1n;
  for (let e = n - 1n; e > 0n; e >>= 1n, base = base * base % n) {
    if (e % 2n === 1n) result = result * base % n;
  }
  return result;
}

function primes(question: string): Solution | undefined {
  const asksPrime = PRIME_REGEXP.exec(question);
  const digits = (asksPrime ?? FACTORS_REGEXP.exec(question))?.[1];
  if (digits === undefined) return undefined;
  const n = BigInt(digits.replaceAll(",", ""));
  const [factors, tried]: [bigint[], string[]] = [[], []];
  let [p, rest] = [2n, n];
  for (; n > 1n && p * p <= rest && p < 100_000n; p += p === 2n ? 1n : 2n) {
    if (tried.length < 9) tried.push(`${n} mod ${p} = ${n % p}`);
    for (; rest % p === 0n; rest /= p) factors.push(p);
  }
  if (rest > 1n) factors.push(rest);
  const isWhole = p * p > rest;
  const isPrime = factors.length === 1;
  const product = factors.join(" × ");
  const doubt = isWhole ? "" : ", where the last may have divisors of its own";
  const task = `To find: divisors of ${n}. The smaller of each pair is at most its square root.`;
  const work = `Trial divisors: ${some(tried, ", ") || "none to try"}.`;
  if (isPrime && !isWhole) {
    const answer =
      `${n} has no divisor below 100,000; the demo model can't tell whether it is prime.`;
    return { task, work, check: answer, answer, short: "unknown" };
  }
  const base = n === 2n ? 3n : 2n;
  const why = n < 2n ? "a prime is greater than 1" : `${n} = ${product}${doubt}`;
  return {
    task,
    work,
    check: isPrime
      ? `Fermat's little theorem asks that ${base}^${n - 1n} mod ${n} = 1; it is ${
        fermat(base, n)
      }.`
      : `Multiplied again, ${product || n} gives ${
        factors.reduce((a, b) => a * b, n < 2n ? n : 1n)
      }.`,
    answer: isPrime ? `${n} is prime.` : `${n} is not prime: ${why}.`,
    short: asksPrime ? (isPrime ? "yes" : "no") : product || "none",
    truth: isPrime,
  };
}

/** Works a question out, or the first of its sentences that can be; undefined where none can. */
export function solve(question: string): Solution | undefined {
  const text = question.slice(0, 4000).replace(/[⁰¹²³⁴-⁹]+/g, "^$& ").normalize("NFKC");
  for (const part of [text, ...text.split(/[?\n]|[.!:;]\s/).slice(0, 50)]) {
    const line = part.replace(/\s+/g, " ").trim();
    const solution = counting(line) ?? primes(line) ?? arithmetic(line);
    if (solution) return solution;
  }
}
