/** Logs what upstreams and tools do: failed attempts, fallbacks, breakers and runs of tools. */
import type { UpstreamClientOptions } from "../../upstream/client.ts";
import { errorType } from "./error_type.ts";
import type { Log, LogFields } from "./log.ts";
import type { RequestObserver } from "./observer.ts";
import { withoutTexts } from "./quoted_text.ts";

/**
 * Logs failed attempts, fallbacks and tools of a request.
 *
 * @param fields the fields of the request's line; receives the names of the upstreams that answered.
 */
export function logUpstreams(log: Log, requestId: string, fields: LogFields): RequestObserver {
  const answered: string[] = [];
  return {
    run: () => ({
      call: ({ messages }) => ({
        attempt: ({ name }) => (end) => {
          if (end !== "ok" || answered.includes(name)) return;
          answered.push(name);
          fields.upstream = answered.join(" ");
        },
        failed({ name, model }, error, delayMs) {
          log.warn("An upstream call failed", {
            upstream: name,
            model,
            status: error.upstreamStatus,
            cause: errorType(error),
            detail: withoutTexts(error.detail, messages) || undefined,
            retry_in_ms: delayMs && Math.round(delayMs),
            request_id: requestId,
          });
        },
        fellBack: (from, to) =>
          log.warn("Another upstream is called instead", {
            upstream: from.name,
            fallback: to.name,
            request_id: requestId,
          }),
      }),
      tool: ({ name, ms, bytes, outcome }) =>
        log.info("A tool has run", {
          tool: name,
          ms: Math.round(ms),
          bytes,
          outcome,
          request_id: requestId,
        }),
    }),
  };
}

export function logBreaker(log: Log): NonNullable<UpstreamClientOptions["onBreaker"]> {
  return ({ name, upstream }, isOpen) =>
    isOpen
      ? log.warn("An upstream failed too often and is skipped", {
        upstream: name,
        cooldown_ms: upstream.breaker.cooldown_ms,
      })
      : log.warn("An upstream answers again", { upstream: name });
}
