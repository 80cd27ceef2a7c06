export type JsonObject = Record<string, unknown>;

/** Returns true for an object; false for an array and null. */
export function isObject(value: unknown): value is JsonObject {
  return isObjectOrArray(value) && !Array.isArray(value);
}

export function isObjectOrArray(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null;
}

/** Returns undefined for invalid JSON. */
export function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
