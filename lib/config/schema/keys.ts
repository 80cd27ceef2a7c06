/**
 * The settings of clients' keys and of limits.
 *
 * @module
 */
import { z } from "zod";

const count = (max: number) => z.number().int().min(1).max(max).optional();
const usd = z.number().gt(0).max(1_000_000).optional();

const limits = {
  rpm: count(1_000_000).describe("Requests a minute."),
  tpm: count(1_000_000_000).describe("Tokens a minute, prompts included, over all upstream calls."),
  parallel: count(1_000_000).describe("Requests at a time."),
  daily_usd: usd.describe("Cost a day (UTC) in USD; needs the upstreams' `price`."),
  monthly_usd: usd.describe("Cost a calendar month (UTC) in USD; needs the upstreams' `price`."),
  daily_tokens: count(1_000_000_000_000).describe("Tokens a day (UTC)."),
  monthly_tokens: count(1_000_000_000_000).describe("Tokens a calendar month (UTC)."),
};

/**
 * Schema of `limits`.
 *
 * @internal its type is for zod alone to say
 */
export const limitsSchema = z.strictObject(limits);

/**
 * Schema of one entry of `keys`.
 *
 * @internal its type is for zod alone to say
 */
export const keySchema = z.strictObject({
  name: z.string().regex(
    /^[\w.@+-]{1,64}$/,
    "expected at most 64 letters, digits or . _ @ + -",
  ).describe("Whose key it is; limits hold for all keys of one name together."),
  id: z.string().regex(/^[\w-]{1,64}$/, "expected at most 64 letters, digits or _ -").optional()
    .describe("What logs call the key; default: the first 8 digits of `sha256`."),
  sha256: z.string().regex(
    /^[0-9a-f]{64}$/,
    "expected the SHA-256 of the whole key, 64 digits 0-9 a-f; `o1-api keys new NAME` writes it",
  ).describe("Lower-case hex SHA-256 of the whole key as the client sends it."),
  models: z.array(z.string().min(1)).min(1).optional().describe(
    "The models that it may use; default: all.",
  ),
  ...limits,
  expires: z.string().refine(
    (text) => !Number.isNaN(timeOf(text)),
    "expected a date such as 2027-01-31, or a time such as 2027-01-31T12:00:00Z",
  ).optional().describe(
    "From when on it is refused: a date (its first moment, UTC), or a time with its zone.",
  ),
  enabled: z.boolean().default(true).describe("Whether it is switched on."),
});

/** Limits of one client, or of all together; what is left out is not limited. */
export interface LimitsConfig {
  /** Requests a minute. */
  rpm?: number | undefined;
  /** Tokens a minute. */
  tpm?: number | undefined;
  /** Requests at a time. */
  parallel?: number | undefined;
  /** USD a day. */
  daily_usd?: number | undefined;
  /** USD a calendar month. */
  monthly_usd?: number | undefined;
  /** Tokens a day. */
  daily_tokens?: number | undefined;
  /** Tokens a calendar month. */
  monthly_tokens?: number | undefined;
}

/** A client's key, as the server knows it. */
export interface KeyConfig extends LimitsConfig {
  /** What logs call it; no secret. */
  id: string;
  /** Whose it is. */
  name: string;
  /** Lower-case hex SHA-256 of the whole key. */
  sha256: string;
  /** The ids of the models that it may use; undefined: all. */
  models?: readonly string[] | undefined;
  /** From when on it is refused, in milliseconds since 1970. */
  expires?: number;
  /** Whether it is switched on. */
  enabled: boolean;
}

/** A key's entry in the file, validated. */
export interface KeyEntry extends Omit<KeyConfig, "id" | "expires"> {
  /** What logs call it. */
  id?: string | undefined;
  /** From when on it is refused: a date or a time with its zone. */
  expires?: string | undefined;
}

/** What an entry of the file comes to. */
export function keyOf({ id, expires, ...rest }: KeyEntry): KeyConfig {
  return {
    ...rest,
    id: id ?? defaultKeyId(rest.sha256),
    ...(expires === undefined ? {} : { expires: timeOf(expires) }),
  };
}

/** What logs call a key whose entry has no `id`. */
export function defaultKeyId(sha256: string): string {
  return sha256.slice(0, 8);
}

/** A date or a time with its zone in milliseconds since 1970; NaN for any other text. */
export function timeOf(text: string): number {
  const isTime = z.union([z.iso.date(), z.iso.datetime({ offset: true })]).safeParse(text).success;
  return isTime ? Date.parse(text) : NaN;
}
