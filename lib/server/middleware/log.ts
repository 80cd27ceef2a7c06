import { ClientGoneError, toApiError } from "../../api/errors.ts";
import type { Clock } from "../../clock.ts";
import { shortened } from "../router.ts";
import { statusOf } from "../telemetry/error_type.ts";
import { type Log, stackWithoutMessage } from "../telemetry/log.ts";
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
      const { level, ...outcome } = outcomeOf(error);
      const fields = { status, ms, ...outcome, ...logFields, request_id: id };
      log[level](`${shortened(method)} ${shortened(path)}`, fields);
    });
  };
}

function outcomeOf(error: unknown) {
  if (error === undefined) return { level: "info", outcome: "ok" } as const;
  if (error instanceof ClientGoneError) return { level: "info", outcome: "cancelled" } as const;
  const { status, code, type, cause } = toApiError(error);
  return {
    // 402 and 424 are failures of an upstream that only the operator can fix.
    level: status >= 500 || status === 402 || status === 424 ? "error" : "info",
    outcome: "error",
    error: code ?? type,
    ...(status === 500 && cause !== undefined || cause instanceof StoreError
      ? { cause: stackWithoutMessage(cause) }
      : {}),
  } as const;
}
