import katex from "katex";
import { h } from "../dom/elements.ts";

/** Returns a formula as MathML, perhaps for a line of its own; undefined for invalid TeX. */
export function formula(tex: string, isDisplayed: boolean) {
  const math = h("span", { class: isDisplayed ? "math display" : "math" });
  try {
    katex.render(tex, math, {
      output: "mathml",
      displayMode: isDisplayed,
      throwOnError: true,
      strict: "ignore",
      trust: false,
      maxExpand: 200,
      maxSize: 20,
    });
  } catch {
    return undefined;
  }
  for (const element of math.querySelectorAll("[mathvariant]")) {
    element.textContent = inAlphabet(
      element.textContent ?? "",
      element.getAttribute("mathvariant") ?? "",
    );
  }
  for (const element of math.querySelectorAll("mo")) {
    const next = element.nextElementSibling?.textContent ?? "";
    // Between the name of a function and its argument, as TeX does.
    if (element.textContent === "\u2061" && !/^[([{]/.test(next)) {
      element.setAttribute("rspace", "0.1667em");
    }
  }
  return math;
}

/**
 * First letters of Unicode's mathematical alphabets, upper and lower case, and the letters that
 * Unicode has elsewhere. Browsers ignore `mathvariant` in MathML Core.
 */
const ALPHABETS: Record<string, { upper: number; lower: number; others: Record<string, string> }> =
  {
    "double-struck": {
      upper: 0x1d538,
      lower: 0x1d552,
      others: { C: "ℂ", H: "ℍ", N: "ℕ", P: "ℙ", Q: "ℚ", R: "ℝ", Z: "ℤ" },
    },
    script: {
      upper: 0x1d49c,
      lower: 0x1d4b6,
      others: {
        B: "ℬ",
        E: "ℰ",
        F: "ℱ",
        H: "ℋ",
        I: "ℐ",
        L: "ℒ",
        M: "ℳ",
        R: "ℛ",
        e: "ℯ",
        g: "ℊ",
        o: "ℴ",
      },
    },
    fraktur: {
      upper: 0x1d504,
      lower: 0x1d51e,
      others: { C: "ℭ", H: "ℌ", I: "ℑ", R: "ℜ", Z: "ℨ" },
    },
    bold: { upper: 0x1d400, lower: 0x1d41a, others: {} },
  };

function inAlphabet(text: string, variant: string) {
  const alphabet = ALPHABETS[variant];
  if (alphabet === undefined) return text;
  const { upper, lower, others } = alphabet;
  return text.replace(/[A-Za-z]/g, (letter) => {
    const first = letter < "a" ? upper - 65 : lower - 97;
    return others[letter] ?? String.fromCodePoint(first + letter.charCodeAt(0));
  });
}
