/**
 * The JSON of a stream's events, most of which are alike.
 *
 * @module
 */

/** Reads the JSON of a stream's events. */
export interface EventReader {
  /** The JSON of an event, which holds until the next call; undefined for what is no JSON. */
  read(data: string): unknown;
}

/** An event, cut where the text is in which it differs from others. */
interface Template {
  before: string;
  after: string;
  /** The event's JSON. */
  json: unknown;
  /** The part of it that holds the text. */
  delta: Record<string, unknown>;
  /** The text's key. */
  key: string;
}

/** Where an event's text is. */
const KEYS = ["content", "reasoning_content", "reasoning"];

/** What stands in JSON for something else, or ends a string. */
// deno-lint-ignore no-control-regex
const SPECIAL_REGEXP = /["\\\x00-\x1f]/;

/** What no event holds. */
const PROBE = "\u{f8ff}\u{f8fe}";

/** Templates in a row that no event was like, after which no more are made. */
const MAX_MISSES = 4;

/**
 * Creates a reader for the events of one stream. Most differ from the one before in nothing but
 * the text; what is the same is compared, which takes a tenth of the time of parsing it. The text
 * has to be one that stands for itself in JSON; everything else is parsed.
 */
export function createEventReader(): EventReader {
  let template: Template | undefined;
  let misses = 0;
  let hasText = false;

  /** Keeps a template of an event that none was like. Somebody waits for the first text, though. */
  function learn(data: string, json: unknown): void {
    const key = textKey(json);
    if (key === undefined) return;
    const made = hasText ? makeTemplate(data, json, key) : undefined;
    hasText = true;
    if (made === undefined) return;
    template = made;
    misses++;
  }

  return {
    read(data) {
      const text = template === undefined ? undefined : textOf(data, template);
      if (text !== undefined) {
        misses = 0;
        template!.delta[template!.key] = text;
        return template!.json;
      }
      const json = tryParse(data);
      if (misses < MAX_MISSES) learn(data, json);
      return json;
    },
  };
}

/** The text of an event that is like the template in all else. */
function textOf(data: string, { before, after }: Template): string | undefined {
  const end = data.length - after.length;
  if (end <= before.length || data.slice(0, before.length) !== before) return undefined;
  const text = data.slice(before.length, end);
  return data.slice(end) === after && !SPECIAL_REGEXP.test(text) ? text : undefined;
}

/** The key under which an event has a text. */
function textKey(json: unknown): string | undefined {
  const delta = deltaOf(json);
  return KEYS.find((key) => typeof delta?.[key] === "string" && delta[key] !== "");
}

/** A template of an event, where it has a text of which it is sure that it is the one. */
function makeTemplate(data: string, parsed: unknown, key: string): Template | undefined {
  const text = deltaOf(parsed)![key] as string;
  const at = data.lastIndexOf(`"${text}"`) + 1;
  if (at === 0 || SPECIAL_REGEXP.test(text)) return undefined;
  const [before, after] = [data.slice(0, at), data.slice(at + text.length)];
  const json = tryParse(before + PROBE + after);
  const delta = deltaOf(json);
  return delta?.[key] === PROBE ? { before, after, json, delta, key } : undefined;
}

function deltaOf(json: unknown): Record<string, unknown> | undefined {
  return (json as { choices?: { delta?: Record<string, unknown> }[] } | null | undefined)?.choices
    ?.[0]?.delta;
}

/** The JSON of a text; undefined for what is no JSON. */
export function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
