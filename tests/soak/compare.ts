/**
 * Compares what the clients, the server and the upstream have recorded.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { type Entry, requestId } from "./client.ts";
import type { Report } from "./report.ts";
import type { Scrape } from "../support/parsers/scrape.ts";
import { PRICE, type SoakServer } from "./server.ts";
import { type SoakUpstream, type Tokens, UNASKED } from "./upstream.ts";

export interface Records {
  entries: readonly Entry[];
  server: SoakServer;
  /** Metrics of the idle server. */
  metrics: Scrape;
  upstream: SoakUpstream;
}

const TYPES = ["input", "cached", "output"] as const;
const NOTHING: Tokens = { input: 0, cached: 0, output: 0 };

/** Upper bound of the tokens that are estimated for a cancelled call, beyond those reported. */
const MAX_ESTIMATE = 2_000;

/** Compares each request, then the sums. */
export function compareRequests({ entries, server, metrics }: Records, report: Report): void {
  const faults: string[] = [];
  const differing: string[] = [];
  let compared = 0;
  const counted = { statuses: new Map<number, number>(), dialects: new Map<string, number>() };
  let unseen = 0;
  let cancelled = 0;
  for (const { number, status, disconnected, complete, error, dialect, model, shown } of entries) {
    const lines = server.requests.get(requestId(number)) ?? [];
    const [line] = lines;
    const name = `request ${number} (${dialect} ${model ?? ""})`;
    if (line === undefined) {
      // The client may have disconnected while it sent the request.
      if (!disconnected || status !== undefined) faults.push(`${name}: not in the log`);
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
    if (disconnected) continue;
    if (!complete) faults.push(`${name}: ${status}, incomplete (${error})`);
    else if (line.outcome !== (error === undefined ? "ok" : "error")) {
      faults.push(`${name}: logged ${line.outcome} ${line.status}, seen ${status} ${error ?? ""}`);
      // A stream that fails has started with status 200.
    } else if (status !== 200 && line.status !== status) {
      faults.push(`${name}: logged ${line.status}, seen ${status}`);
    }
  }
  const seen = entries.length - unseen;
  report.note("requests sent", entries.length);
  report.note("disconnected before the server saw them", unseen);
  report.note(
    "disconnected, according to the clients",
    entries.filter((entry) => entry.disconnected).length,
  );
  report.note("disconnected, according to the server", cancelled);
  report.none("requests with different outcomes at the client and in the log", faults);
  report.note("answers whose visible tokens were compared with the log", compared);
  report.none("answers with other visible tokens than the log", differing);
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

/** Compares calls and tokens of the upstream with the answers and the metrics. */
export function compareTokens(
  { entries, server, metrics, upstream }: Records,
  report: Report,
): void {
  // On a busy machine a call can time out although it is answered. Only the upstream knows its tokens.
  const lateCalls = ({ number }: Entry) =>
    Math.max(
      0,
      (server.timeouts.get(requestId(number)) ?? 0) -
        (upstream.requests.get(number) ?? UNASKED).hanging,
    );
  const late = entries.reduce((sum, entry) => sum + lateCalls(entry), 0);
  report.note("upstream calls that timed out although the upstream answers them", late);
  const calls = "gen_ai_client_operation_duration_seconds_count";
  for (const [provider, count] of Object.entries(upstream.calls)) {
    const labels = { gen_ai_provider_name: provider };
    const ours = metrics.sum(calls, labels);
    // Calls that were cancelled or timed out may not have reached the upstream.
    const cancelled = provider === "calm"
      ? 0
      : metrics.sum(calls, { ...labels, error_type: "cancelled" });
    const max = count + late + cancelled;
    report.within(`calls, ${provider}: metric, upstream`, ours, count, max);
  }
  const faults: string[] = [];
  const exact = { calm: { ...NOTHING }, wild: { ...NOTHING } };
  const unsure = { calm: { ...NOTHING }, wild: { ...NOTHING } };
  let compared = 0;
  for (const entry of entries) {
    const { number, dialect, model, reported, disconnected } = entry;
    if (dialect === "other") continue;
    const lane = model?.startsWith("wild") ? "wild" : "calm";
    const asked = upstream.requests.get(number) ?? UNASKED;
    const isLate = lateCalls(entry) > 0;
    if (reported !== undefined) {
      // A call that times out after its first token may have been estimated.
      if (lane === "calm" && reported.estimated && !isLate) {
        faults.push(`request ${number} (${model}): estimated`);
      }
      if (!reported.estimated) {
        compared++;
        const differs = TYPES.filter((type) =>
          isLate ? reported[type] > asked[type] : reported[type] !== asked[type]
        );
        faults.push(
          ...differs.map((type) =>
            `request ${number} (${model}): ${type} tokens: answer ${reported[type]}, upstream ${
              asked[type]
            }`
          ),
        );
      }
    }
    const certain = lane === "calm" && !disconnected && !isLate ? asked : reported;
    for (const type of TYPES) {
      if (certain !== undefined) exact[lane][type] += certain[type];
      else unsure[lane][type] += asked[type] + (type === "cached" ? 0 : asked.calls * MAX_ESTIMATE);
    }
  }
  report.note("answers whose tokens were compared", compared);
  report.none("answers with other tokens than the upstream reported", faults);
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
    for (const lane of ["calm", "wild"] as const) {
      const min = exact[lane][type];
      report.within(
        `tokens, ${type}, ${lane}: metric, client and upstream`,
        tokens(lane, type),
        min,
        min + unsure[lane][type],
      );
    }
  }
  report.same(
    "cost: metric, price × tokens",
    metrics.sum("o1_api_cost_usd_total"),
    cost(metrics),
    1e-4,
  );
}

function cost(metrics: Scrape): number {
  const tokens = (type: string) =>
    metrics.sum("gen_ai_client_token_usage_sum", { gen_ai_token_type: type });
  return ((tokens("input") - tokens("cached")) * PRICE.input +
    tokens("cached") * PRICE.cached_input + tokens("output") * PRICE.output) / 1e6;
}

/** Compares the accounts of the limiter with the metrics, after the server has exited. */
export function compareLimits(folder: string, metrics: Scrape, report: Report): void {
  const database = new DatabaseSync(`${folder}/o1-api.db`, { readOnly: true });
  const rows = database.prepare("select key, account from limits").all();
  const leases = database.prepare("select key from leases").all().map(({ key }) => String(key));
  database.close();
  const accounts = rows.map(({ key, account }) => ({
    key: String(key),
    ...JSON.parse(String(account)) as { level: number },
  }));
  const sum = (measure: string) =>
    accounts.filter(({ key }) => key.startsWith("sum:client:") && key.includes(`:${measure}:`))
      .reduce((total, { level }) => total + level, 0);
  const tokens = (type: string) =>
    metrics.sum("gen_ai_client_token_usage_sum", { gen_ai_token_type: type });
  report.same("tokens: limiter, metric", sum("tokens"), tokens("input") + tokens("output"));
  report.same(
    "cost: limiter, metric",
    sum("usd") / 1e9,
    metrics.sum("o1_api_cost_usd_total"),
    1e-6,
  );
  report.none("remaining leases", leases);
}
