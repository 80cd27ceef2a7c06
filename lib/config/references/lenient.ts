/** Schemas that never fail: they drop values of the wrong type, which the main schema reports. */
import { z } from "zod";
import { isObject } from "../../json.ts";

export const anything = z.unknown().optional();

/** A non-empty string. */
export const text = z.string().min(1).optional().catch(undefined);

/** A non-empty string, or a list of them. */
export const textOrList = z.union([z.string().min(1), z.array(text)]).optional().catch([]);

export function mapping<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.preprocess(onlyMapping, z.object(shape));
}

export function record<Value extends z.ZodType>(value: Value) {
  return z.preprocess(onlyMapping, z.record(z.string(), value));
}

export function list<Item extends z.ZodType>(item: Item) {
  return z.preprocess((value) => Array.isArray(value) ? value : [], z.array(item));
}

function onlyMapping(value: unknown): object {
  return isObject(value) ? value : {};
}
