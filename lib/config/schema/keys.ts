import { z } from "zod";
import { toolKinds } from "../../tools/mod.ts";

const count = (max: number) => z.number().int().min(1).max(max).optional();
const usd = z.number().gt(0).max(1_000_000).optional();

const limits = {
  rpm: count(1_000_000).describe(
    "Requests per minute that start a run or change conversations and stored responses.",
  ),
  tpm: count(1_000_000_000).describe(
    "Tokens per minute over all upstream calls, including prompts.",
  ),
  parallel: count(1_000_000).describe("Concurrent requests."),
  daily_usd: usd.describe("Cost per day (UTC) in USD. Needs `upstreams.<name>.price`."),
  monthly_usd: usd.describe(
    "Cost per calendar month (UTC) in USD. Needs `upstreams.<name>.price`.",
  ),
  daily_tokens: count(1_000_000_000_000).describe("Tokens per day (UTC)."),
  monthly_tokens: count(1_000_000_000_000).describe("Tokens per calendar month (UTC)."),
};

export const limitsSchema = z.strictObject(limits);

/** One entry of `keys`. */
export const keySchema = z.strictObject({
  name: z.string().regex(
    /^[\w.@+-]{1,64}$/,
    "expected at most 64 letters, digits or . _ @ + -",
  ).describe("Name of the key's owner. All keys with the same name share their limits."),
  id: z.string().regex(/^[\w-]{1,64}$/, "expected at most 64 letters, digits or _ -").optional()
    .describe("Name of the key in logs. Default: the first 8 digits of `sha256`."),
  sha256: z.string().regex(
    /^[0-9a-f]{64}$/,
    "expected the SHA-256 of the whole key, 64 digits 0-9 a-f; `o1-api keys new NAME` prints it",
  ).describe("SHA-256 of the whole key as the client sends it, in lower-case hex."),
  models: z.array(z.string().min(1)).min(1).optional().describe(
    "Models that the key may use. Default: all.",
  ),
  tools: z.array(z.enum(Object.keys(toolKinds))).optional().describe(
    "Tools of the models that the key may use; an empty list for none. Default: all.",
  ),
  ...limits,
  expires: z.string().refine(
    (text) => !Number.isNaN(timeOf(text)),
    "expected a date such as 2027-01-31, or a time such as 2027-01-31T12:00:00Z",
  ).optional().describe(
    "When the key expires: a date (at its start in UTC), or a time with a time zone.",
  ),
  enabled: z.boolean().default(true).describe("`false` disables the key."),
});

/** Limits of one client or of all clients together. Omitted values are unlimited. */
export type LimitsConfig = z.output<typeof limitsSchema>;

type KeyEntry = z.output<typeof keySchema>;

export interface KeyConfig extends Omit<KeyEntry, "id" | "expires"> {
  id: string;
  /** Milliseconds since 1970. */
  expires?: number;
}

export function resolveKey({ id, expires, ...rest }: KeyEntry): KeyConfig {
  return {
    ...rest,
    id: id ?? defaultKeyId(rest.sha256),
    ...(expires === undefined ? {} : { expires: timeOf(expires) }),
  };
}

export function defaultKeyId(sha256: string): string {
  return sha256.slice(0, 8);
}

/**
 * Parses a date, or a time with a time zone, to milliseconds since 1970. Returns NaN for any other
 * text.
 */
export function timeOf(text: string): number {
  const isTime = z.union([z.iso.date(), z.iso.datetime({ offset: true })]).safeParse(text).success;
  return isTime ? Date.parse(text) : NaN;
}
