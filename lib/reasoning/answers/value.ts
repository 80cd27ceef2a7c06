const FRACTIONS: Readonly<Record<string, string>> = {
  "½": "1/2",
  "⅓": "1/3",
  "⅔": "2/3",
  "¼": "1/4",
  "¾": "3/4",
  "⅕": "1/5",
  "⅛": "1/8",
};

/** Relative difference within which numbers are equal. */
const TOLERANCE = 1e-6;

/** Longer answers, in characters, are compared as text. */
const MAX_LENGTH = 1_000;

const SENTENCE_END = ".。!！?？;；,，";

const NUMBER = String.raw`[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?`;
const NUMBER_REGEXP = new RegExp(`^${NUMBER}$`, "i");
const WHOLE = /^[-+]?\d+$/;
const FRACTION_REGEXP = new RegExp(`^(${NUMBER})/(${NUMBER})$`, "i");
const POWER_REGEXP = new RegExp(`^(${NUMBER})\\*10\\^(-?\\d+)$`, "i");
const MIXED_REGEXP = /^([-+]?)(\d+) (\d+)\/(\d+)$/;

/** A number such as 3,5 or 1.234,5, as most of Europe writes it; 1,234 is a thousand. */
const DECIMAL_COMMA = /^[-+]?(?:\d+|\d{1,3}(?:[. ]\d{3})+),(?:\d{1,2}|\d{4,})$|^[-+]?0,\d+$/;

/** Removes LaTeX, full-width forms and typography. */
function toPlainText(answer: string): string {
  return answer
    .replace(/\s+/g, " ")
    .replace(/[\uff01-\uff5e]/g, (char) => String.fromCharCode(char.charCodeAt(0) - 0xfee0))
    .replace(/[−–]/g, "-")
    .replace(
      /(\d)?([½⅓⅔¼¾⅕⅛])/g,
      (_, whole, sign) => `${whole ? `${whole} ` : ""}${FRACTIONS[sign]}`,
    )
    .replace(/\\(?:text|mathrm|textbf|mathbf|mbox|f?boxed) ?\{([^{}]*)\}/g, "$1")
    .replace(/\\[dt]?frac ?\{([^{}]*)\} ?\{([^{}]*)\}/g, "$1/$2")
    .replace(/\\[dt]?frac ?(\d) ?(\d)/g, "$1/$2")
    .replace(/\\(?:left|right|displaystyle|,|;|!| )|\\(?=[%$#&])/g, "")
    .replace(/\\?\^ {0,3}\{? {0,3}\\?circ {0,3}\}?|°/g, "")
    .replace(/ {0,3}(?:\\times|\\cdot|[×·]) {0,3}/g, "*")
    .replace(/\*\*|__|`|\$/g, "")
    .replace(/\^\{([^{}]*)\}/g, "^$1")
    .replace(/\s+/g, " ")
    .trim();
}

/** Parses a number with separators, a power of ten, a fraction or a mixed fraction. */
function parseNumber(text: string): number | undefined {
  const bare = DECIMAL_COMMA.test(text)
    ? text.replace(/[. ]/g, "").replace(",", ".")
    : text.replace(/(?<=\d)[, _](?=\d{3}(?!\d))/g, "").replace(/^[€£¥]/, "");
  if (NUMBER_REGEXP.test(bare)) return Number(bare);
  const power = POWER_REGEXP.exec(bare);
  if (power !== null) return Number(power[1]) * 10 ** Number(power[2]);
  const fraction = FRACTION_REGEXP.exec(bare);
  if (fraction !== null && Number(fraction[2]) !== 0) {
    return Number(fraction[1]) / Number(fraction[2]);
  }
  const mixed = MIXED_REGEXP.exec(bare);
  if (mixed === null || Number(mixed[4]) === 0) return undefined;
  const value = Number(mixed[2]) + Number(mixed[3]) / Number(mixed[4]);
  return mixed[1] === "-" ? -value : value;
}

/** Parses a number that may have a unit, a percent sign or a currency. */
function parseQuantity(text: string): number | undefined {
  const exact = parseNumber(text);
  if (exact !== undefined) return exact;
  const bare = text.replace(/^(?:usd?|eur|rmb|[€£¥]) ?/i, "")
    .replace(
      / ?(?:[%€£¥]|percent|[a-zµ²³]{1,20}(?:\/[a-z]{1,20}|\^?[23])?(?: [a-z]{1,20})?|[元个岁米天人只条本次]{1,4})\.?$/i,
      "",
    );
  return bare === text ? undefined : parseNumber(bare.trim());
}

/** Splits at the commas outside brackets. */
function splitItems(text: string): string[] {
  const items: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if ("([{".includes(char)) depth++;
    else if (")]}".includes(char)) depth--;
    else if (char === "," && depth === 0) {
      items.push(text.slice(start, i));
      start = i + 1;
    }
  }
  return [...items, text.slice(start)];
}

/**
 * Returns a canonical form; equal forms mean equal answers. Numbers lose their separators, units
 * and trailing zeros, and words their case, articles and final punctuation. Of an equation like
 * "x = 4" only the right side counts.
 */
export function normaliseAnswer(answer: string): string {
  if (answer.length > MAX_LENGTH) return answer.replace(/\s+/g, " ").trim().toLowerCase();
  let text = toPlainText(answer).replace(/^\(([A-Za-z])\)$/, "$1");
  while (text !== "" && SENTENCE_END.includes(text.at(-1)!)) text = text.slice(0, -1);
  const equation = /^[a-z] ?= ?([^=]+)$/i.exec(text);
  if (equation !== null) text = equation[1]!.trim();
  const value = parseQuantity(text);
  if (value !== undefined && Number.isFinite(value)) {
    const digits = text.replace(/[, _]/g, "");
    // Beyond 2^53 neighbouring integers are the same double.
    if (/^[-+]?\d{16,}$/.test(digits)) return String(BigInt(digits));
    return String(Object.is(value, -0) ? 0 : value);
  }
  const tuple = /^([([{])(.*)([)\]}])$/.exec(text);
  if (tuple !== null && tuple[2]!.includes(",")) {
    const items = splitItems(tuple[2]!).map((item) => normaliseAnswer(item.trim()));
    if (tuple[1] === "{") items.sort();
    return `${tuple[1]}${items.join(",")}${tuple[3]}`;
  }
  return text.toLowerCase().replace(/^(?:the|an?) /, "").replace(/ ?([-+*/=^(){}\[\],\\]) ?/g, "$1")
    .trim();
}

/** Returns whether two answers have the same value; decimals may differ by one in a million. */
export function sameAnswer(a: string, b: string): boolean {
  return sameForm(normaliseAnswer(a), normaliseAnswer(b));
}

/** Like {@linkcode sameAnswer}, for the results of {@linkcode normaliseAnswer}. */
export function sameForm(x: string, y: string): boolean {
  if (x === y) return true;
  if (!NUMBER_REGEXP.test(x) || !NUMBER_REGEXP.test(y)) return false;
  const [p, q] = [Number(x), Number(y)];
  // Above 2^53, two whole numbers may have the same float.
  if (WHOLE.test(x) && WHOLE.test(y)) return p === q && Number.isSafeInteger(p);
  return Math.abs(p - q) <= TOLERANCE * Math.max(Math.abs(p), Math.abs(q));
}
