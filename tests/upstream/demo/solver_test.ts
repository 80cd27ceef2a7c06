import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { answerReader } from "../../../lib/reasoning/answers/extractor.ts";
import { solve } from "../../../lib/upstream/demo/solver.ts";

const ANSWERS: [question: string, short: string | undefined][] = [
  // Operators and their precedence.
  ["What is 17 × 23 − 5?", "386"],
  ["What is 17 * 23 + 4?", "395"],
  ["What is 17*23-5? Think step by step.", "386"],
  ["12 plus 7 times 3", "33"],
  ["What is 100 minus 1 plus 5?", "104"],
  ["100 - 10 - 5", "85"],
  ["Calculate: 3 * (4 + 5)", "27"],
  ["What's (3+4)*(2-5)?", "-21"],
  ["3 x 4", "12"],
  ["7 · 8", "56"],
  ["6 multiplied by 7", "42"],
  ["How much is 100 divided by 8?", "12.5"],
  ["2 + 2 = ?", "4"],
  ["2+2=", "4"],
  ["-3 + -4", "-7"],
  ["5 - -5", "10"],
  ["--5 + 0", "5"],
  ["((((1))))+1", "2"],
  ["twenty-one plus one", undefined],
  // Decimals, fractions and thousands.
  ["0.1 + 0.2", "0.3"],
  ["10 / 4", "2.5"],
  ["22/7", "3.1428571429"],
  ["1 ÷ 3 × 3", "1"],
  ["What is (3/4 + 5/6) × 24?", "38"],
  ["2 ÷ 3", "0.6666666667"],
  ["-2 ÷ 3", "-0.6666666667"],
  ["1,234 + 5,678", "6912"],
  ["1,234,567.5 - 0.5", "1234567"],
  ["What is 1,000 ÷ 8 − 17 × 3?", "74"],
  // Powers and percent.
  ["2 to the power of 10", "1024"],
  ["What is 2^10 + 3^5?", "1267"],
  ["2 ** 3 ** 2", "512"],
  ["2^-3", "0.125"],
  ["-3^2", "-9"],
  ["(-2)^3", "-8"],
  ["0^0", "1"],
  ["15% of 80", "12"],
  ["What is 12.5 percent of 64?", "8"],
  ["50%", "0.5"],
  // Undefined or too large.
  ["8 / 0", undefined],
  ["0^-1", undefined],
  ["(-2)^0.5", undefined],
  ["9^9999999999", undefined],
  ["100000000000000000000 * 3", undefined],
  // Letters.
  ["How many r in strawberry?", "3"],
  ['How many r are in "strawberry"?', "3"],
  ['How many r\'s are in the word "strawberry"?', "3"],
  ["How many Rs are there in Strawberry", "3"],
  ["How many times does the letter e appear in 'cheese'", "3"],
  ["How many times does the letter r appear in the word refrigerator?", "4"],
  ['How many times does the letter e appear in the sentence "Three geese"?', "5"],
  ["How many t in 'the cat'?", "2"],
  ["How many z in apple?", "0"],
  ["how many ü in “Übergrößenüberzug”?", "2"],
  // Primes.
  ["Is 97 prime?", "yes"],
  ["Is 91 a prime number?", "no"],
  ["Is 221 a prime number? Reply with yes or no alone.", "no"],
  ["Is 2 prime?", "yes"],
  ["Is 4 prime?", "no"],
  ["Is 9 prime?", "no"],
  ["Is 1 prime?", "no"],
  ["Is 0 prime?", "no"],
  ["Is the number 1,000,003 prime?", "yes"],
  ["Is 1000000000000000003 prime?", undefined],
  // In the middle of other text.
  ["I have a question. What is 2+2? Please explain.", "4"],
  ["Problem: What is 6*7?\n\nCandidate A: 6*7 = 41", "42"],
  // Others.
  ["What is 7?", undefined],
  ["3 4 + 1", undefined],
  ["1 +", undefined],
  ["(1 + 2", undefined],
  ["1,2345 + 1", undefined],
  ["0x10 + 1", undefined],
  ["Is 17*23 = 391?", undefined],
  ["8 / 0 is which error?", undefined],
  ["How many letters are in the English alphabet?", undefined],
  ["What is the capital of France?", undefined],
  ["constructor", undefined],
  ["", undefined],
];

Deno.test("solve() answers arithmetic, letter counts and primes only", () => {
  for (const [question, short] of ANSWERS) {
    assertEquals(solve(question)?.short, short, question);
  }
});

for (
  const question of [
    "What is 17 × 23 − 5?",
    "How many r in strawberry?",
    'How many times does the letter e appear in the sentence "Three geese"?',
    "Is 221 a prime number?",
  ]
) {
  Deno.test(`eval reads the answer to: ${question}`, () => {
    const messages = [{ role: "user" as const, content: question }];
    const read = answerReader({ messages, stream: false, final: {} });
    const { answer, short } = solve(question)!;
    assertEquals(read(answer), short);
  });
}

Deno.test("solve() shows the calculation and checks it by the reverse one", () => {
  const { work, check, answer, value } = solve("What is 17 × 23 − 5?")!;
  assertEquals(work, "17 × 23 = 391\n391 − 5 = 386");
  assertStringIncludes(check, "391 ÷ 23 = 17\n386 + 5 = 391");
  assertEquals(answer, "17 × 23 − 5 = 386.");
  assertEquals(value, 386);
});

Deno.test("solve() shows the first eight operations of a long calculation, and their checks", () => {
  const { work, check, short } = solve("1+2+3+4+5+6+7+8+9+10+11")!;
  const sums = [3, 6, 10, 15, 21, 28, 36, 45];
  assertEquals(work.split("\n").map((line) => Number(line.split(" = ")[1])), sums);
  assertEquals(check.split("\n").slice(1).map((line) => parseInt(line)), sums);
  assertEquals(short, "66");
});

Deno.test("solve() shows that a number is rounded", () => {
  assertEquals(solve("1/3")?.answer, "1 ÷ 3 ≈ 0.3333333333.");
  assertEquals(solve("1/3*3")?.answer, "1 ÷ 3 × 3 = 1.");
});

Deno.test("solve() shows trial divisors, factors and positions", () => {
  const prime = solve("Is 97 prime?");
  assertStringIncludes(prime?.work ?? "", "97 mod 7 = 6");
  assertStringIncludes(prime?.check ?? "", "11² = 121 is greater than 97");
  assertEquals(prime?.truth, true);
  assertStringIncludes(solve("Is 91 prime?")?.answer ?? "", "7 × 13 = 91");
  const counted = solve("How many r in strawberry?");
  assertStringIncludes(counted?.work ?? "", "r at 3, r at 8, r at 9");
  assertStringIncludes(counted?.check ?? "", "10 − 7 = 3");
});

interface Expression {
  text: string;
  value: bigint;
}

/** Sums of products of numbers and of sums in brackets, each with its value. */
const { sum } = fc.letrec<
  { sum: Expression; product: Expression; atom: Expression }
>((tie) => ({
  sum: fc.tuple(
    tie("product"),
    fc.array(fc.tuple(fc.boolean(), tie("product")), { maxLength: 4 }),
  ).map(([first, rest]) =>
    rest.reduce((left, [isPlus, { text, value }]) => ({
      text: `${left.text} ${isPlus ? "+" : "-"} ${text}`,
      value: isPlus ? left.value + value : left.value - value,
    }), first)
  ),
  product: fc.array(tie("atom"), { minLength: 1, maxLength: 3 }).map((all) => ({
    text: all.map(({ text }) => text).join("*"),
    value: all.reduce((product, { value }) => product * value, 1n),
  })),
  atom: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.integer({ min: -9, max: 99 }).map((n) => ({
      text: `${n}`,
      value: BigInt(n),
    })),
    tie("sum").map(({ text, value }) => ({ text: `(${text})`, value })),
  ),
}));

Deno.test("solve() agrees with BigInt on random expressions", () => {
  fc.assert(
    fc.property(sum, ({ text, value }) => {
      fc.pre(text.split(/\b|(?=\D)/).length <= 100 && /[\d)] ?[+*-]/.test(text));
      // Partial results are bounded too.
      fc.pre(text.replace(/\D+/g, "").length <= 14);
      assertEquals(solve(text)?.short, `${value}`, text);
    }),
    { numRuns: 300 },
  );
});

Deno.test("solve() accepts any text", () => {
  const words = fc.constantFrom(
    ..."( ) √ ^ % ! - − + * / x mod 1 9 99 0 . , how many r in is prime factor count of times letters ' \" “ ⁹ the"
      .split(" "),
  );
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.array(words, { maxLength: 250 }).map((all) => all.join(" ")),
    fc.array(words, { maxLength: 250 }).map((all) => all.join("")),
  );
  fc.assert(
    fc.property(text, (source) => {
      const solution = solve(source);
      assert(solution === undefined || solution.answer.length > 0);
    }),
    { numRuns: 500 },
  );
});

Deno.test("solve() bounds long, deep and large expressions", () => {
  const hostile = [
    "(".repeat(100_000),
    "-".repeat(499) + "1",
    "9".repeat(499),
    Array(100).fill("9").join("^"),
    Array(100).fill("1/97").join("+"),
    "how many ".repeat(10_000),
    `how many r in "${"r".repeat(100_000)}`,
    "1+".repeat(50_000) + "1",
    " ".repeat(100_000),
    `Is ${"7".repeat(60)} prime?`,
  ];
  for (const text of hostile) {
    const { answer = "" } = solve(text) ?? {};
    assert(answer.length < 5_000, text.slice(0, 40));
  }
});

for (
  const [question, careful, hasty] of [
    ["What is 36 + 64 × 5?", "356", "500"],
    ["What is (36 + 64) × 5?", "500", "500"],
    ["What is 2 × 3^4?", "162", "162"],
    ["How many r in strawberry?", "3", "2"],
    ["Is 221 prime?", "no", "yes"],
    ["Is 91 prime?", "no", "no"],
    ["Is 1 prime?", "no", "no"],
  ] as const
) {
  Deno.test(`"${question}" is answered with ${careful}, and with ${hasty} in haste`, () => {
    assertEquals(solve(question)?.short, careful);
    assertEquals(solve(question, "hasty")?.short, hasty);
  });
}
