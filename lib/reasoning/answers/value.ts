/**
 * What a short answer means, and when two of them mean the same.
 *
 * @module
 */

const FRACTIONS: Readonly<Record<string, string>> = {
  "½": "1/2",
  "⅓": "1/3",
  "⅔": "2/3",
  "¼": "1/4",
  "¾": "3/4",
  "⅕": "1/5",
  "⅛": "1/8",
};

/** Numbers are equal within this relative difference. */
const TOLERANCE = 1e-6;

/** Longer answers, in characters, are compared as texts: no value is read from them. */
const LONGEST = 1_000;

const NUMBER = String.raw`[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?`;
const NUMBER_REGEXP = new RegExp(`^${NUMBER}$`, "i");
const FRACTION_REGEXP = new RegExp(`^(${NUMBER})/(${NUMBER})$`, "i");
const MIXED_REGEXP = /^([-+]?)(\d+) (\d+)\/(\d+)$/;

/** Takes LaTeX, full-width forms and typography off. */
function plain(answer: string): string {
  return answer
    .replace(/[\uff01-\uff5e]/g, (char) => String.fromCharCode(char.charCodeAt(0) - 0xfee0))
    .replace(/[−–]/g, "-")
    .replace(
      /(\d)?([½⅓⅔¼¾⅕⅛])/g,
      (_, whole, sign) => `${whole ? `${whole} ` : ""}${FRACTIONS[sign]}`,
    )
    .replace(/\\(?:text|mathrm|textbf|mathbf|mbox)\s*\{([^{}]*)\}/g, "$1")
    .replace(/\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}/g, "$1/$2")
    .replace(/\\[dt]?frac\s*(\d)\s*(\d)/g, "$1/$2")
    .replace(/\\(?:left|right|displaystyle|,|;|!| )|\\(?=[%$#&])/g, "")
    .replace(/\\?\^\s*\{?\s*\\?circ\s*\}?|°/g, "")
    .replace(/\s*(?:\\times|\\cdot|[×·])\s*/g, "*")
    .replace(/\*\*|__|`|\$/g, "")
    .replace(/\^\{([^{}]*)\}/g, "^$1")
    .replace(/\s+/g, " ")
    .trim();
}

/** Reads a number in any of its forms; undefined for what is none. */
function numberOf(text: string): number | undefined {
  const bare = text.replace(/(?<=\d)[, _](?=\d{3}(?!\d))/g, "").replace(/^[€£¥]/, "");
  if (NUMBER_REGEXP.test(bare)) return Number(bare);
  const power = new RegExp(`^(${NUMBER})\\*10\\^(-?\\d+)$`, "i").exec(bare);
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

/** A number without its unit, sign of percent or currency. */
function quantityOf(text: string): number | undefined {
  const exact = numberOf(text);
  if (exact !== undefined) return exact;
  const bare = text.replace(/^(?:usd?|eur|rmb|[€£¥])\s*/i, "")
    .replace(
      /\s*(?:%|percent|[a-zµ²³]+(?:\/[a-z]+|\^?[23])?(?: [a-z]+)?|[元个岁米天人只条本次]+)\.?$/i,
      "",
    );
  return bare === text ? undefined : numberOf(bare.trim());
}

/** Splits at the commas that stand in no bracket. */
function parts(text: string): string[] {
  const out: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if ("([{".includes(char)) depth++;
    else if (")]}".includes(char)) depth--;
    else if (char === "," && depth === 0) {
      out.push(text.slice(start, i));
      start = i + 1;
    }
  }
  return [...out, text.slice(start)];
}

/**
 * A canonical form: equal forms mean equal answers. Numbers lose their separators, units and
 * trailing zeros, words their case, articles and final punctuation; what stands behind an
 * equals sign counts alone.
 */
export function normaliseAnswer(answer: string): string {
  if (answer.length > LONGEST) return answer.replace(/\s+/g, " ").trim().toLowerCase();
  let text = plain(answer).replace(/^\((?<one>[A-Za-z])\)$/, "$<one>").replace(
    /[.。!！?？;；,，]+$/,
    "",
  );
  const equation = /^[a-z]\s*=\s*([^=]+)$/i.exec(text);
  if (equation !== null) text = equation[1]!.trim();
  const value = quantityOf(text);
  if (value !== undefined && Number.isFinite(value)) {
    const digits = text.replace(/[, _]/g, "");
    // Beyond 2^53 a double does not tell neighbours apart.
    if (/^[-+]?\d{16,}$/.test(digits)) return String(BigInt(digits));
    return String(Object.is(value, -0) ? 0 : value);
  }
  const tuple = /^([([{])(.*)([)\]}])$/.exec(text);
  if (tuple !== null && tuple[2]!.includes(",")) {
    const inner = parts(tuple[2]!).map((part) => normaliseAnswer(part.trim()));
    if (tuple[1] === "{") inner.sort();
    return `${tuple[1]}${inner.join(",")}${tuple[3]}`;
  }
  return text.toLowerCase().replace(/^(?:the|an?) /, "").replace(/ ?([-+*/=^(){}\[\],\\]) ?/g, "$1")
    .trim();
}

/** Whether two answers have the same value; numbers may differ by one part in a million. */
export function sameAnswer(a: string, b: string): boolean {
  const [x, y] = [normaliseAnswer(a), normaliseAnswer(b)];
  if (x === y) return true;
  if (!NUMBER_REGEXP.test(x) || !NUMBER_REGEXP.test(y)) return false;
  if (/^-?\d{16,}$/.test(x) && /^-?\d{16,}$/.test(y)) return false;
  const [p, q] = [Number(x), Number(y)];
  return Math.abs(p - q) <= TOLERANCE * Math.max(Math.abs(p), Math.abs(q));
}
