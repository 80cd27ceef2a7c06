/**
 * The console of a model's code. Its source is evaluated in the sandbox, so it must not use anything
 * outside of `installConsole`.
 *
 * @module
 */

/**
 * @param write adds text to the output.
 * @returns a function that returns the text of a value.
 */
export function installConsole(write: (text: string) => void): (value: unknown) => string {
  const MAX_ITEMS = 1_000;
  const MAX_DEPTH = 6;
  const MAX_CALLS = 5;

  function list(parts: string[], more: boolean, open: string, close: string): string {
    const inner = parts.join(", ") + (more ? ", …" : "");
    return inner === "" ? open.trim() + close.trim() : open + inner + close;
  }

  function show(value: unknown, depth = 0, parents: readonly unknown[] = []): string {
    if (typeof value === "string") return depth === 0 ? value : JSON.stringify(value);
    if (typeof value === "function") return `[function ${value.name}]`;
    if (typeof value !== "object" || value === null) return String(value);
    if (value instanceof Error) {
      const calls = String(value.stack ?? "").split("\n").slice(0, MAX_CALLS);
      return [String(value), ...calls].join("\n").trimEnd();
    }
    if (value instanceof Date || value instanceof RegExp) {
      return value instanceof Date && !Number.isNaN(value.getTime())
        ? value.toISOString()
        : String(value);
    }
    if (parents.includes(value)) return "[circular]";
    if (depth > MAX_DEPTH) return "…";
    const inner = (item: unknown) => show(item, depth + 1, [...parents, value]);
    if (Array.isArray(value) || ArrayBuffer.isView(value)) {
      const items = value as unknown as ArrayLike<unknown>;
      const shown = Array.from(
        { length: Math.min(items.length ?? 0, MAX_ITEMS) },
        (_, i) => inner(items[i]),
      );
      return list(shown, items.length > MAX_ITEMS, "[", "]");
    }
    if (value instanceof Set || value instanceof Map) {
      const items: string[] = [];
      for (const item of value) {
        if (items.length === MAX_ITEMS) break;
        items.push(
          value instanceof Map ? `${inner(item[0])} => ${inner(item[1])}` : inner(item),
        );
      }
      const name = value instanceof Map ? "Map" : "Set";
      return list(items, value.size > MAX_ITEMS, `${name} {`, "}");
    }
    const { toString } = value;
    if (typeof toString === "function" && toString !== Object.prototype.toString) {
      return String(value);
    }
    const keys = Object.keys(value);
    const shown = keys.slice(0, MAX_ITEMS).map((key) =>
      `${key}: ${inner((value as Record<string, unknown>)[key])}`
    );
    return list(shown, keys.length > MAX_ITEMS, "{ ", " }");
  }

  const print = (...values: unknown[]) =>
    write(values.map((value) => show(value)).join(" ") + "\n");
  Object.assign(globalThis, {
    print,
    console: { log: print, info: print, debug: print, warn: print, error: print, table: print },
  });
  return (value) => show(value);
}
