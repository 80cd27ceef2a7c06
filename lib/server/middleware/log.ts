import { ClientGoneError, toApiError } from "../../api/errors.ts";
import type { Clock } from "../../clock.ts";
import { shortened } from "../router.ts";
import { statusOf } from "../telemetry/error_type.ts";
import { type Log, type LogFields, type LogLevel, stackWithoutMessage } from "../telemetry/log.ts";
import { StoreError } from "../../store/store.ts";
import type { Step } from "./chain.ts";

/** Writes the log line and the metrics of a request when it ends. */
export function logRequests(log: Log, clock: Clock): Step {
  return ({ method }, exchange) => {
    const { id, path, start, dialect, observer, logFields } = exchange;
    exchange.onFinish((error) => {
      const status = error === undefined
        ? exchange.status
        : dialect.statusCode(statusOf(error), toApiError(error).code);
      observer?.end?.(status, error);
      const ms = Math.round(clock.now() - start);
      const [level, outcome] = outcomeOf(error);
      const fields = { status, ms, ...outcome, ...logFields, request_id: id };
      log[level](`${shortened(method)} ${shortened(path)}`, fields);
    });
  };
}

function outcomeOf(error: unknown): [LogLevel, LogFields] {
  if (error === undefined) return ["info", { outcome: "ok" }];
  if (error instanceof ClientGoneError) return ["info", { outcome: "cancelled" }];
  const { status, code, type, cause } = toApiError(error);
  // 402 and 424 are failures of an upstream that only the operator can fix.
  const level = status >= 500 || status === 402 || status === 424 ? "error" : "info";
  return [level, {
    outcome: "error",
    error: code ?? type,
    ...(status === 500 && cause !== undefined || cause instanceof StoreError
      ? { cause: stackWithoutMessage(cause) }
      : {}),
  }];
}
