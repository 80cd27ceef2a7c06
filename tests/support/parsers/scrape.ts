/**
 * A strict parser of Prometheus' text format.
 *
 * @module
 */
import { assert } from "@std/assert";

export interface Scrape {
  /** Types of metrics by name. */
  types: Map<string, string>;
  /** All samples with their labels. */
  samples: { name: string; labels: Record<string, string>; value: number }[];
  /** Returns the sum of the samples with this name and these labels. */
  sum(name: string, labels?: Record<string, string>): number;
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y;

/** Parses a scrape; throws for an invalid line and for a metric without a TYPE line. */
export function parseScrape(text: string): Scrape {
  assert(text.endsWith("\n"));
  const types = new Map<string, string>();
  const samples: Scrape["samples"] = [];
  for (const line of text.split("\n").slice(0, -1)) {
    const type = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line);
    if (type !== null) {
      assert(!types.has(type[1]!), `${type[1]} is announced twice`);
      types.set(type[1]!, type[2]!);
    }
    if (line.startsWith("# ")) continue;
    const [, name = "", labels = "", value] = SAMPLE.exec(line) ?? [];
    const metric = name.replace(/_(bucket|sum|count)$/, "");
    assert(types.has(metric) || types.has(name), `no sample: ${line}`);
    assert(!Number.isNaN(Number(value)), line);
    samples.push({ name, labels: parseLabels(labels), value: Number(value) });
  }
  return {
    types,
    samples,
    sum: (name, labels = {}) =>
      samples
        .filter((sample) => sample.name === name)
        .filter((sample) => Object.entries(labels).every(([key, v]) => sample.labels[key] === v))
        .reduce((sum, { value }) => sum + value, 0),
  };
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const at = LABEL.lastIndex;
    const match = LABEL.exec(text);
    assert(match !== null, `no labels: ${text.slice(at)}`);
    labels[match[1]!] = match[2]!.replace(/\\(.)/g, (_, char) => char === "n" ? "\n" : char);
  }
  return labels;
}
