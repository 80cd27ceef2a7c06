/**
 * Functions for exact mathematics, which a model's code may call. Their source is evaluated in the
 * sandbox, so they must not use anything outside of `installLibrary`.
 *
 * @module
 */

/** Describes the functions to a model. */
export const LIBRARY = `Exact helpers (integers may be Number or BigInt; results are BigInt \
where a Number would be inexact):
frac("1/3") or frac(1, 3): exact fraction with .add .sub .mul .div .pow .compare .toNumber, .n, .d
gcd, lcm, modPow(base, exponent, m), modInverse(a, m), crt(remainders, moduli), isqrt(n)
isPrime, nextPrime, primes(max), factorize(n) -> [[prime, exponent], ...], divisors, totient
factorial, binomial(n, k), combinations(items, k), permutations(items, k), product(...lists)
Dates as "YYYY-MM-DD": today(), addDays(date, n), addMonths(date, n), daysBetween(a, b), weekday(date)`;

type Int = number | bigint;

export function installLibrary(): void {
  /** Returns a Number if all arguments are Numbers and the result is exact. */
  const like = (value: bigint, ...args: Int[]): Int =>
    args.every((arg) => typeof arg === "number") && Number.isSafeInteger(Number(value))
      ? Number(value)
      : value;
  const abs = (value: bigint) => value < 0n ? -value : value;
  const mod = (value: bigint, m: bigint) => ((value % m) + m) % m;
  const gcdOf = (a: bigint, b: bigint): bigint => {
    [a, b] = [abs(a), abs(b)];
    while (b !== 0n) [a, b] = [b, a % b];
    return a;
  };
  const power = (base: bigint, exponent: bigint, m: bigint): bigint => {
    let result = 1n % m;
    for (base = mod(base, m); exponent > 0n; exponent >>= 1n) {
      if (exponent & 1n) result = result * base % m;
      base = base * base % m;
    }
    return result;
  };
  const inverse = (value: bigint, m: bigint): bigint => {
    let [r0, r1, s0, s1] = [mod(value, m), m, 1n, 0n];
    while (r1 !== 0n) {
      const quotient = r0 / r1;
      [r0, r1, s0, s1] = [r1, r0 - quotient * r1, s1, s0 - quotient * s1];
    }
    if (r0 !== 1n) throw new RangeError(`${value} has no inverse modulo ${m}`);
    return mod(s0, m);
  };
  const root = (value: bigint): bigint => {
    if (value < 0n) throw new RangeError("isqrt of a negative number");
    if (value < 2n) return value;
    let x = 1n << BigInt((value.toString(2).length + 1) >> 1);
    for (;;) {
      const next = (x + value / x) >> 1n;
      if (next >= x) return x;
      x = next;
    }
  };

  const SMALL = [2n, 3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n, 29n, 31n, 37n, 41n];
  // Miller–Rabin; with these bases it is exact below 3.3e24.
  const prime = (n: bigint): boolean => {
    if (n < 2n) return false;
    for (const p of SMALL) if (n % p === 0n) return n === p;
    let [odd, twos] = [n - 1n, 0];
    while (!(odd & 1n)) [odd, twos] = [odd >> 1n, twos + 1];
    return SMALL.every((base) => {
      let x = power(base, odd, n);
      if (x === 1n || x === n - 1n) return true;
      for (let i = 1; i < twos; i++) if ((x = x * x % n) === n - 1n) return true;
      return false;
    });
  };
  /** Pollard's rho. */
  const divisorOf = (n: bigint): bigint => {
    for (let c = 1n;; c++) {
      let [x, y, d] = [2n, 2n, 1n];
      while (d === 1n) {
        x = (x * x + c) % n;
        y = (y * y + c) % n;
        y = (y * y + c) % n;
        d = gcdOf(x - y, n);
      }
      if (d !== n) return d;
    }
  };
  const factorsOf = (value: bigint): [bigint, number][] => {
    if (value < 1n) throw new RangeError("expected a positive integer");
    const counts = new Map<bigint, number>();
    const add = (p: bigint) => counts.set(p, (counts.get(p) ?? 0) + 1);
    let n = value;
    for (let p = 2n; p < 1000n && p * p <= n; p++) {
      while (n % p === 0n) {
        add(p);
        n /= p;
      }
    }
    const rest = n > 1n ? [n] : [];
    for (let m; (m = rest.pop()) !== undefined;) {
      if (prime(m)) add(m);
      else {
        const d = divisorOf(m);
        rest.push(d, m / d);
      }
    }
    return [...counts].sort(([a], [b]) => a < b ? -1 : 1);
  };

  class Fraction {
    readonly n: bigint;
    readonly d: bigint;
    constructor(n: bigint, d: bigint) {
      if (d === 0n) throw new RangeError("division by zero");
      const divisor = gcdOf(n, d) * (d < 0n ? -1n : 1n);
      this.n = n / divisor;
      this.d = d / divisor;
    }
    add(other: unknown): Fraction {
      const { n, d } = frac(other);
      return new Fraction(this.n * d + n * this.d, this.d * d);
    }
    sub(other: unknown): Fraction {
      return this.add(frac(other).mul(-1));
    }
    mul(other: unknown): Fraction {
      const { n, d } = frac(other);
      return new Fraction(this.n * n, this.d * d);
    }
    div(other: unknown): Fraction {
      const { n, d } = frac(other);
      return new Fraction(this.n * d, this.d * n);
    }
    pow(exponent: Int): Fraction {
      const e = BigInt(exponent);
      return e < 0n
        ? new Fraction(this.d ** -e, this.n ** -e)
        : new Fraction(this.n ** e, this.d ** e);
    }
    /** Returns -1, 0 or 1. */
    compare(other: unknown): number {
      const difference = this.sub(other).n;
      return difference < 0n ? -1 : difference > 0n ? 1 : 0;
    }
    toNumber(): number {
      return Number(this.n) / Number(this.d);
    }
    toString(): string {
      return this.d === 1n ? `${this.n}` : `${this.n}/${this.d}`;
    }
  }
  const frac = (n: unknown, d: unknown = 1): Fraction => {
    const toFraction = (value: unknown): Fraction => {
      if (value instanceof Fraction) return value;
      // A decimal number means what it shows: 0.1 is 1/10.
      const [top = "", bottom = "1"] = String(value).split("/");
      const match = /^\s*([+-]?\d+)(?:\.(\d+))?(?:e([+-]?\d{1,4}))?\s*$/i.exec(top);
      if (match === null) throw new TypeError(`not a fraction: ${value}`);
      const [, whole = "", decimals = "", exponent = "0"] = match;
      const shift = Number(exponent) - decimals.length;
      const scale = 10n ** BigInt(Math.abs(shift));
      const digits = BigInt(whole + decimals);
      const denominator = BigInt(bottom.trim());
      return shift < 0
        ? new Fraction(digits, scale * denominator)
        : new Fraction(digits * scale, denominator);
    };
    const [top, bottom] = [toFraction(n), toFraction(d)];
    return new Fraction(top.n * bottom.d, top.d * bottom.n);
  };

  const DAY_MS = 86_400_000;
  const dayOf = (date: string | Date): Date => {
    const day = new Date(date);
    if (Number.isNaN(day.getTime())) throw new RangeError(`not a date: ${date}`);
    return new Date(Math.floor(day.getTime() / DAY_MS) * DAY_MS);
  };
  const isoOf = (date: Date) => date.toISOString().slice(0, 10);

  function* choose<T>(items: readonly T[], k: number, ordered: boolean): Generator<T[]> {
    if (k === 0) return yield [];
    for (let i = 0; i < items.length; i++) {
      const rest = ordered ? [...items.slice(0, i), ...items.slice(i + 1)] : items.slice(i + 1);
      for (const others of choose(rest, k - 1, ordered)) yield [items[i]!, ...others];
    }
  }
  const fold = (all: Int[], join: (a: bigint, b: bigint) => bigint) =>
    like(all.map(BigInt).reduce(join), ...all);

  Object.assign(globalThis, {
    frac,
    gcd: (...all: Int[]) => fold([0, ...all], gcdOf),
    lcm: (...all: Int[]) => fold([1, ...all], (a, b) => b === 0n ? 0n : abs(a / gcdOf(a, b) * b)),
    modPow(base: Int, exponent: Int, m: Int) {
      const [b, e, n] = [BigInt(base), BigInt(exponent), BigInt(m)];
      const value = e < 0n ? power(inverse(b, n), -e, n) : power(b, e, n);
      return like(value, base, exponent, m);
    },
    modInverse: (a: Int, m: Int) => like(inverse(BigInt(a), BigInt(m)), a, m),
    crt(remainders: Int[], moduli: Int[]) {
      let [x, m] = [0n, 1n];
      for (const [i, modulus] of moduli.entries()) {
        const [r, n] = [BigInt(remainders[i]!), BigInt(modulus)];
        const g = gcdOf(m, n);
        if ((r - x) % g !== 0n) throw new RangeError("the congruences contradict each other");
        x += m * mod((r - x) / g * (n === g ? 0n : inverse(m / g, n / g)), n / g);
        m = m / g * n;
      }
      return like(mod(x, m), ...remainders, ...moduli);
    },
    isqrt: (n: Int) => like(root(BigInt(n)), n),
    isPrime: (n: Int) => prime(BigInt(n)),
    nextPrime(n: Int) {
      let next = BigInt(n) + 1n;
      while (!prime(next)) next++;
      return like(next, n);
    },
    primes(max: number) {
      const composite = new Uint8Array(max + 1);
      const found: number[] = [];
      for (let i = 2; i <= max; i++) {
        if (composite[i]) continue;
        found.push(i);
        for (let j = i * i; j <= max; j += i) composite[j] = 1;
      }
      return found;
    },
    factorize: (n: Int) => factorsOf(BigInt(n)).map(([p, e]) => [like(p, n), e]),
    divisors(n: Int) {
      let all = [1n];
      for (const [p, e] of factorsOf(BigInt(n))) {
        all = all.flatMap((d) => Array.from({ length: e + 1 }, (_, i) => d * p ** BigInt(i)));
      }
      return all.sort((a, b) => a < b ? -1 : 1).map((d) => like(d, n));
    },
    totient: (n: Int) =>
      like(factorsOf(BigInt(n)).reduce((t, [p]) => t / p * (p - 1n), BigInt(n)), n),
    factorial(n: Int) {
      let value = 1n;
      for (let i = 2n; i <= BigInt(n); i++) value *= i;
      return like(value, n);
    },
    binomial(n: Int, k: Int) {
      let [top, value] = [BigInt(n), 1n];
      if (BigInt(k) < 0n || BigInt(k) > top) return like(0n, n, k);
      for (let i = 1n; i <= BigInt(k); i++, top--) value = value * top / i;
      return like(value, n, k);
    },
    combinations: <T>(items: Iterable<T>, k: number) => [...choose([...items], k, false)],
    permutations<T>(items: Iterable<T>, k?: number) {
      const all = [...items];
      return [...choose(all, k ?? all.length, true)];
    },
    product: (...lists: unknown[][]) =>
      lists.reduce<unknown[][]>(
        (rows, list) => rows.flatMap((row) => list.map((item) => [...row, item])),
        [[]],
      ),
    today: () => isoOf(new Date()),
    addDays: (date: string, n: number) => isoOf(new Date(dayOf(date).getTime() + n * DAY_MS)),
    addMonths(date: string, n: number) {
      const day = dayOf(date);
      const first = new Date(Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + n, 1));
      const length = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0));
      first.setUTCDate(Math.min(day.getUTCDate(), length.getUTCDate()));
      return isoOf(first);
    },
    daysBetween: (a: string, b: string) => (dayOf(b).getTime() - dayOf(a).getTime()) / DAY_MS,
    weekday: (date: string) =>
      ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"][
        dayOf(date).getUTCDay()
      ],
  });
}
