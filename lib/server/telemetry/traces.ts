/**
 * OpenTelemetry spans of requests, strategies, steps and upstream calls. Deno itself creates those of
 * HTTP.
 *
 * @see {@link https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/}
 */
import {
  type Context,
  context,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
} from "@opentelemetry/api";
import type { RunCallObserver } from "../../reasoning/observer.ts";
import type { CallSpec } from "../../reasoning/strategy.ts";
import type { Delta } from "../../upstream/wire/deltas.ts";
import type { CallEnd } from "../../upstream/observer.ts";
import { callErrorType, errorType } from "./error_type.ts";
import { dialectLabel, type RequestObserver } from "./observer.ts";
import { messageParts } from "./trace_contents.ts";

export interface TraceOptions {
  request: Request;
  /** Id of the request. */
  id: string;
  /** Whether spans contain prompts and answers. */
  contents: boolean;
  /** Returns milliseconds since 1970. */
  date: () => number;
}

const tracer = trace.getTracer("o1-api");

/** Creates the spans of a request; returns undefined if it is not sampled. */
export function observeTrace(
  { request, id, contents, date }: TraceOptions,
): RequestObserver | undefined {
  const http = trace.getActiveSpan();
  if (http === undefined || !http.isRecording()) return undefined;
  const start = date();
  const outer = context.active();
  let requestSpan: Span | undefined;
  let strategySpan: Span | undefined;
  let dialect = "other";

  const inner = () => strategySpan === undefined ? outer : trace.setSpan(outer, strategySpan);

  return {
    routed(path) {
      dialect = dialectLabel(path);
      http.setAttribute("http.route", path);
      http.updateName(`${request.method} ${path}`);
    },
    run({ model, strategy, stream }) {
      requestSpan = tracer.startSpan(`chat ${model}`, {
        kind: SpanKind.INTERNAL,
        startTime: start,
        attributes: {
          "gen_ai.operation.name": "chat",
          "gen_ai.provider.name": "o1-api",
          "gen_ai.request.model": model,
          "gen_ai.request.stream": stream,
          "o1_api.dialect": dialect,
          "o1_api.request.id": id,
        },
      }, outer);
      const parent = trace.setSpan(outer, requestSpan);
      return {
        call(spec) {
          // Created for the first call: an invalid request has no strategy.
          strategySpan ??= tracer.startSpan(`strategy ${strategy}`, {
            attributes: { "o1_api.strategy": strategy },
          }, parent);
          return observeCall(spec, inner(), contents);
        },
        tool({ name, ms, outcome }) {
          const end = date();
          const span = tracer.startSpan(`execute_tool ${name}`, {
            startTime: end - ms,
            attributes: { "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name },
          }, inner());
          if (outcome !== "ok") fail(span, outcome);
          span.end(end);
        },
        end(_usage, isWhole, error) {
          if (strategySpan === undefined) return;
          if (!isWhole) fail(strategySpan, error === undefined ? "client_left" : errorType(error));
          strategySpan.end();
        },
      };
    },
    event(event) {
      if (event.type === "step_end") {
        const end = date();
        tracer.startSpan(`step ${event.step}`, {
          startTime: end - event.seconds * 1000,
          attributes: {
            "o1_api.step": event.step,
            ...(contents ? { "o1_api.step.title": event.title } : {}),
          },
        }, inner()).end(end);
      } else if (event.type === "usage") {
        requestSpan?.setAttributes({
          "gen_ai.usage.input_tokens": event.usage.promptTokens,
          "gen_ai.usage.output_tokens": event.usage.completionTokens,
        });
      } else if (event.type === "finish") {
        requestSpan?.setAttribute("gen_ai.response.finish_reasons", [event.reason]);
      }
    },
    end(_status, error) {
      if (error !== undefined) {
        const type = errorType(error);
        if (requestSpan !== undefined) fail(requestSpan, type);
        // The HTTP span of a stream has already ended.
        http.setAttribute("error.type", type);
      }
      requestSpan?.end();
    },
  };
}

function fail(span: Span, type: string): void {
  span.setAttribute("error.type", type);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

function observeCall(spec: CallSpec, parent: Context, contents: boolean): RunCallObserver {
  const span = tracer.startSpan("chat", {
    kind: SpanKind.CLIENT,
    attributes: { "gen_ai.operation.name": "chat", "o1_api.role": spec.role },
  }, parent);
  const pieces: string[] = [];
  if (contents) span.setAttribute("gen_ai.input.messages", messageParts(spec.messages));

  return {
    // A generator runs in the context of its reader, so the context is set here.
    wrapFetch: (fetch) => (url, init) => {
      const active = url.includes("?") ? unsampled(span) : span;
      return context.with(trace.setSpan(parent, active), () => fetch(url, init));
    },
    attempt({ name, model }) {
      span.updateName(`chat ${model}`);
      span.setAttributes({ "gen_ai.provider.name": name, "gen_ai.request.model": model });
      return () => {};
    },
    delta({ usage, finishReason, content }: Delta) {
      if (usage !== undefined) {
        span.setAttributes({
          "gen_ai.usage.input_tokens": usage.prompt,
          "gen_ai.usage.output_tokens": usage.completion,
        });
      }
      if (finishReason !== undefined) {
        span.setAttribute("gen_ai.response.finish_reasons", [finishReason]);
      }
      if (contents && content !== undefined) pieces.push(content);
    },
    retried: (_target, error) => span.addEvent("retry", { "error.type": errorType(error) }),
    fellBack: ({ name }) => span.addEvent("fallback", { "gen_ai.provider.name": name }),
    end(end: CallEnd) {
      if (contents) {
        const content = pieces.join("");
        span.setAttribute("gen_ai.output.messages", messageParts([{ role: "assistant", content }]));
      }
      const type = callErrorType(end);
      if (end === "cancelled") span.setAttribute("error.type", end);
      else if (type !== undefined) fail(span, type);
      span.end();
    },
  };
}

/**
 * Deno's span of a fetch contains the URL, whose query may contain a key. Below an unsampled parent
 * a sampler that respects the parent creates no span.
 */
function unsampled(span: Span): Span {
  return trace.wrapSpanContext({ ...span.spanContext(), traceFlags: TraceFlags.NONE });
}
