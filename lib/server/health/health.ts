/** What the latest calls to each upstream took and why they failed, for operators. */
import { upstreamsOf, type UpstreamSources } from "../models.ts";
import { errorType } from "../telemetry/error_type.ts";
import type { RequestObserver } from "../telemetry/observer.ts";
import { withoutTexts } from "../telemetry/quoted_text.ts";

/** Age of the calls that count, in milliseconds, and their maximum number for each upstream. */
const WINDOW_MS = 900_000;
const MAX_CALLS = 500;

/** Maximum number of errors that are kept for each upstream. */
const MAX_ERRORS = 10;

const MAX_DETAIL_CHARACTERS = 300;

interface EndedCall {
  /** Milliseconds since 1970. */
  at: number;
  ms: number;
  outcome: "ok" | "failed" | "cancelled";
}

/** A failed attempt, without keys, addresses and texts of the request. */
export interface UpstreamFault {
  /** Milliseconds since 1970. */
  at: number;
  /** The upstream's name for the model. */
  model: string;
  type: string;
  /** HTTP status of the upstream; undefined without a response. */
  status?: number | undefined;
  detail?: string | undefined;
}

/** What one process knows about an upstream. */
export interface UpstreamRecord {
  name: string;
  isOpen: boolean;
  running: number;
  calls: EndedCall[];
  faults: UpstreamFault[];
}

export function createHealth({ clock, client, models }: UpstreamSources) {
  const recordsByName = new Map<string, Omit<UpstreamRecord, "name" | "isOpen">>();

  function recordOf(name: string) {
    let record = recordsByName.get(name);
    if (record === undefined) {
      recordsByName.set(name, record = { running: 0, calls: [], faults: [] });
      const current = upstreamsOf(models());
      for (const other of recordsByName.keys()) {
        if (!current.has(other)) recordsByName.delete(other);
      }
    }
    return record;
  }

  const observer: RequestObserver = {
    run: () => ({
      call: ({ messages }) => ({
        attempt({ name }) {
          const record = recordOf(name);
          const start = clock.now();
          record.running++;
          return (end) => {
            record.running--;
            const outcome = end === "ok" || end === "cancelled" ? end : "failed";
            record.calls.push({ at: clock.date(), ms: clock.now() - start, outcome });
            if (record.calls.length > MAX_CALLS) record.calls.shift();
          };
        },
        failed({ name, model }, error) {
          const { faults } = recordOf(name);
          const detail = withoutTexts(error.detail, messages).slice(0, MAX_DETAIL_CHARACTERS);
          faults.push({
            at: clock.date(),
            model,
            type: errorType(error),
            status: error.upstreamStatus,
            detail: detail || undefined,
          });
          if (faults.length > MAX_ERRORS) faults.shift();
        },
      }),
    }),
  };

  return {
    /** Observes every request. */
    observer,
    /** Returns what this process knows, in the order of the configuration. */
    records(): UpstreamRecord[] {
      return [...upstreamsOf(models())].map(([name, target]) => ({
        name,
        isOpen: client.isCooling(target),
        ...recordsByName.get(name) ?? { running: 0, calls: [], faults: [] },
      }));
    },
  };
}

/**
 * Combines what the processes of a server know.
 *
 * @param date milliseconds since 1970.
 */
export function summarize(records: readonly UpstreamRecord[], date: number) {
  return [...Map.groupBy(records, ({ name }) => name)].map(([name, parts]) => {
    const calls = parts.flatMap(({ calls }) => calls).filter(({ at }) => at > date - WINDOW_MS);
    const count = (outcome: EndedCall["outcome"]) =>
      calls.filter((call) => call.outcome === outcome).length;
    const times = calls.filter(({ outcome }) => outcome === "ok").map(({ ms }) => ms)
      .sort((a, b) => a - b);
    const faults = parts.flatMap(({ faults }) => faults).sort((a, b) => b.at - a.at);
    return {
      name,
      /** Open while the upstream is skipped because it failed too often. */
      breaker: parts.some(({ isOpen }) => isOpen) ? "open" : "closed",
      running: parts.reduce((sum, { running }) => sum + running, 0),
      calls: calls.length,
      failed: count("failed"),
      cancelled: count("cancelled"),
      ms: times.length === 0
        ? null
        : { p50: quantile(times, 0.5), p95: quantile(times, 0.95), max: quantile(times, 1) },
      errors: faults.slice(0, MAX_ERRORS).map(({ at, ...fault }) => ({
        time: new Date(at).toISOString(),
        ...fault,
      })),
    };
  });
}

/** Returns the nearest-rank quantile of ascending numbers, rounded. */
function quantile(ascending: readonly number[], share: number): number {
  const rank = Math.max(1, Math.ceil(share * ascending.length));
  return Math.round(ascending[rank - 1]!);
}
