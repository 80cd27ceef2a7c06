import { ClientGoneError, toApiError } from "../../api/errors.ts";
import type { Clock } from "../../clock.ts";
import { shortened } from "../router.ts";
import { statusOf } from "../telemetry/error_type.ts";
import { type Log, stackWithoutMessage } from "../telemetry/log.ts";
import { StoreError } from "../../store/store.ts";
import type { Middleware } from "./chain.ts";

/** Ends every request, and then writes its log line and its metrics. */
export function logRequests(log: Log, clock: Clock): Middleware {
  return async ({ method }, exchange, next) => {
    const { id, path, dialect, observer, logFields } = exchange;
    const start = clock.now();
    let status = 200;
    exchange.onFinish((error) => {
      if (error !== undefined) status = dialect.statusCode(statusOf(error));
      observer?.end(status, error);
      const ms = Math.round(clock.now() - start);
      const { level, ...outcome } = outcomeOf(error);
      const fields = { status, ms, ...outcome, ...logFields, request_id: id };
      log[level](`${shortened(method)} ${shortened(path)}`, fields);
    });
    try {
      const response = await next();
      status = response.status;
      if (!exchange.isStreaming) exchange.finish();
      return response;
    } catch (error) {
      exchange.finish(error);
      throw error;
    }
  };
}

function outcomeOf(error: unknown) {
  if (error === undefined) return { level: "info", outcome: "ok" } as const;
  if (error instanceof ClientGoneError) return { level: "info", outcome: "cancelled" } as const;
  const { status, code, type, cause } = toApiError(error);
  return {
    // 424 is a failure of an upstream that only the operator can fix.
    level: status >= 500 || status === 424 ? "error" : "info",
    outcome: "error",
    error: code ?? type,
    ...(status === 500 && cause !== undefined || cause instanceof StoreError
      ? { cause: stackWithoutMessage(cause) }
      : {}),
  } as const;
}
