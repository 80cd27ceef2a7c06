/**
 * The settings that refer to each other, as they are in a file that may be invalid. These schemas
 * never fail: they drop values of the wrong type, which the main schema reports.
 */
import { z } from "zod";
import { isObject } from "../../json.ts";

const anything = z.unknown().optional();

/** A non-empty string. */
const text = z.string().min(1).optional().catch(undefined);

/** A non-empty string, or a list of them. */
const textOrList = z.union([z.string().min(1), z.array(text)]).optional().catch([]);

function mapping<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.preprocess(onlyMapping, z.object(shape));
}

function record<Value extends z.ZodType>(value: Value) {
  return z.preprocess(onlyMapping, z.record(z.string(), value));
}

function list<Item extends z.ZodType>(item: Item) {
  return z.preprocess((value) => Array.isArray(value) ? value : [], z.array(item));
}

function onlyMapping(value: unknown): object {
  return isObject(value) ? value : {};
}

const model = mapping({
  // An invalid name becomes one that is skipped here.
  strategy: z.string().default("direct").catch(""),
  upstream: textOrList,
  model: anything,
  format: text,
  options: record(anything),
  modifiers: mapping({ wait: z.number().default(0).catch(0) }),
  roles: record(mapping({ upstream: textOrList })),
  prompts: record(mapping({ file: text })),
  tools: list(text),
  caps: mapping({ usd: z.number().positive().optional().catch(undefined) }),
});

/** Limits of cost; they need a price. */
const usdLimits = { daily_usd: anything, monthly_usd: anything };

const key = mapping({
  name: text,
  id: text,
  sha256: text,
  models: list(text),
  enabled: anything,
  expires: text,
  ...usdLimits,
});

export const lenientConfig = mapping({
  default_api_url: text,
  default_model: text,
  upstreams: record(mapping({ base_url: text, price: anything })),
  models: record(model),
  formats: record(anything),
  keys: list(key),
  limits: mapping(usdLimits),
  tools: record(anything),
  routing: mapping({ effort: record(text), pro: text }),
  strategies: record(text),
  store: text,
  store_ca_file: text,
});

export type LenientConfig = z.output<typeof lenientConfig>;
export type LenientModel = z.output<typeof model>;
export type LenientKey = z.output<typeof key>;
