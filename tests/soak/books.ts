/**
 * Compares the books of the clients, the server and the upstream.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { type Entry, requestId } from "./client.ts";
import type { Report } from "./report.ts";
import type { Scrape } from "../server/telemetry/scrape.ts";
import { PRICE, type SoakServer } from "./server.ts";
import type { SoakUpstream, Tokens } from "./upstream.ts";

/** What is compared. */
export interface Books {
  /** The clients'. */
  entries: readonly Entry[];
  /** The server's. */
  server: SoakServer;
  /** Its metrics, once it is idle. */
  metrics: Scrape;
  /** The upstream's. */
  upstream: SoakUpstream;
}

const TYPES = ["input", "cached", "output"] as const;
const NOTHING: Tokens = { input: 0, cached: 0, output: 0 };

/** What a call that was left may be thought to have used, beyond what was reported. */
const ESTIMATE_MOST = 2_000;

/** Compares request by request, then the sums. */
export function compareRequests({ entries, server, metrics }: Books, report: Report): void {
  const faults: string[] = [];
  const differing: string[] = [];
  let compared = 0;
  const counted = { statuses: new Map<number, number>(), dialects: new Map<string, number>() };
  let unseen = 0;
  let cancelled = 0;
  for (const { number, status, left, whole, error, dialect, model, shown } of entries) {
    const lines = server.requests.get(requestId(number)) ?? [];
    const [line] = lines;
    const name = `request ${number} (${dialect} ${model ?? ""})`;
    if (line === undefined) {
      // One that left while it was sent.
      if (!left || status !== undefined) faults.push(`${name}: not in the log`);
      unseen++;
      continue;
    }
    if (lines.length > 1) faults.push(`${name}: ${lines.length} times in the log`);
    if (line.outcome === "cancelled") cancelled++;
    counted.statuses.set(line.status, (counted.statuses.get(line.status) ?? 0) + 1);
    counted.dialects.set(dialect, (counted.dialects.get(dialect) ?? 0) + 1);
    if (shown !== undefined && dialect !== "other") {
      if (shown.input !== line.input || shown.output !== line.output) {
        differing.push(
          `${name}: logged ${line.input} and ${line.output}, shown ${shown.input} and ${shown.output}`,
        );
      }
      compared++;
    }
    if (left) continue;
    if (!whole) faults.push(`${name}: ${status}, no proper end (${error})`);
    else if (line.outcome !== (error === undefined ? "ok" : "error")) {
      faults.push(`${name}: logged ${line.outcome} ${line.status}, seen ${status} ${error ?? ""}`);
      // A stream that failed was 200 when it began.
    } else if (status !== 200 && line.status !== status) {
      faults.push(`${name}: logged ${line.status}, seen ${status}`);
    }
  }
  const seen = entries.length - unseen;
  report.tell("requests sent", entries.length);
  report.tell("left before the server saw them", unseen);
  report.tell(
    "left by their clients, as the clients say",
    entries.filter((each) => each.left).length,
  );
  report.tell("left by their clients, as the server says", cancelled);
  report.none("requests whose end the client and the log tell differently", faults);
  report.tell("answers whose visible tokens were compared with the log", compared);
  report.none("answers that show other tokens than the log", differing);
  report.same("requests: metric, log", metrics.sum("o1_api_requests_total"), seen);
  const by = (label: string, value: string) =>
    metrics.sum("o1_api_requests_total", { [label]: value });
  for (const [status, count] of [...counted.statuses].sort(([a], [b]) => a - b)) {
    report.same(
      `requests, ${status}: metric, log`,
      by("http_response_status_code", `${status}`),
      count,
    );
  }
  for (const [dialect, count] of counted.dialects) {
    report.same(`requests, ${dialect}: metric, client`, by("o1_api_dialect", dialect), count);
  }
}

/** Compares the upstream's calls and tokens with what the clients were told and the metrics say. */
export function compareTokens({ entries, metrics, upstream }: Books, report: Report): void {
  const calls = "gen_ai_client_operation_duration_seconds_count";
  for (const [provider, count] of Object.entries(upstream.calls)) {
    const labels = { gen_ai_provider_name: provider };
    const ours = metrics.sum(calls, labels);
    // One that was cancelled may never have got there.
    const most = count + metrics.sum(calls, { ...labels, error_type: "cancelled" });
    if (provider === "calm") report.same(`calls, ${provider}: metric, upstream`, ours, count);
    else report.within(`calls, ${provider}: metric, upstream`, ours, count, most);
  }
  const faults: string[] = [];
  const exact = { calm: { ...NOTHING }, wild: { ...NOTHING } };
  const unsure = { ...NOTHING };
  let compared = 0;
  for (const { number, dialect, model, told, left } of entries) {
    if (dialect === "other") continue;
    const lane = model?.startsWith("wild") ? "wild" : "calm";
    const asked = upstream.requests.get(number) ?? { ...NOTHING, calls: 0 };
    if (told !== undefined) {
      if (lane === "calm" && told.estimated) faults.push(`request ${number}: estimated`);
      if (!told.estimated) {
        compared++;
        const differs = TYPES.filter((type) => told[type] !== asked[type]);
        faults.push(
          ...differs.map((type) =>
            `request ${number} (${model}): told ${told[type]} ${type} tokens, reported ${
              asked[type]
            }`
          ),
        );
      }
    }
    const certain = lane === "calm" && !left ? asked : told;
    for (const type of TYPES) {
      if (certain !== undefined) exact[lane][type] += certain[type];
      else unsure[type] += asked[type] + (type === "cached" ? 0 : asked.calls * ESTIMATE_MOST);
    }
  }
  report.tell("answers whose tokens were compared one by one", compared);
  report.none("answers that tell other tokens than the upstream reported", faults);
  const tokens = (lane: string, type: string) =>
    ["direct", "think", "steps", "vote"].reduce(
      (sum, strategy) =>
        sum + metrics.sum("gen_ai_client_token_usage_sum", {
          gen_ai_request_model: `${lane}-${strategy}`,
          gen_ai_token_type: type,
        }),
      0,
    );
  for (const type of TYPES) {
    report.same(`tokens, ${type}, calm: metric, upstream`, tokens("calm", type), exact.calm[type]);
    const least = exact.wild[type];
    report.within(
      `tokens, ${type}, wild: metric, client and upstream`,
      tokens("wild", type),
      least,
      least + unsure[type],
    );
  }
  report.same(
    "cost: metric, price × tokens",
    metrics.sum("o1_api_cost_usd_total"),
    cost(metrics),
    1e-4,
  );
}

function cost(metrics: Scrape): number {
  const of = (type: string) =>
    metrics.sum("gen_ai_client_token_usage_sum", { gen_ai_token_type: type });
  return ((of("input") - of("cached")) * PRICE.input + of("cached") * PRICE.cached_input +
    of("output") * PRICE.output) / 1e6;
}

/** Compares the limiter's books, once the server has ended, with the metrics. */
export function compareLimits(folder: string, metrics: Scrape, report: Report): void {
  const database = new DatabaseSync(`${folder}/o1-api.db`, { readOnly: true });
  const rows = database.prepare("select key, account from limits").all();
  database.close();
  const accounts = rows.map(({ key, account }) => ({
    key: String(key),
    ...JSON.parse(String(account)) as { level: number; leases: Record<string, number> },
  }));
  const sum = (measure: string) =>
    accounts.filter(({ key }) => key.startsWith("sum:client:") && key.includes(`:${measure}:`))
      .reduce((total, { level }) => total + level, 0);
  const of = (type: string) =>
    metrics.sum("gen_ai_client_token_usage_sum", { gen_ai_token_type: type });
  report.same("tokens: limiter, metric", sum("tokens"), of("input") + of("output"));
  report.same(
    "cost: limiter, metric",
    sum("usd") / 1e9,
    metrics.sum("o1_api_cost_usd_total"),
    1e-6,
  );
  const leases = accounts.flatMap(({ key, leases }) => Object.keys(leases).map(() => key));
  report.none("leases that are left", leases);
}
