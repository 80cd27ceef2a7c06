/**
 * The time limits of one attempt: headers, first token, silence, total.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { UpstreamError } from "./errors.ts";
import type { UpstreamOptions } from "./options.ts";

/** Watches one attempt. Costs a single timer, and a store for each read. */
export interface Watchdog {
  /** The headers have come. */
  headers(): void;
  /** The first token has come. */
  firstToken(): void;
  /** A read begins: silence counts from here, not while a slow client keeps nobody reading. */
  reading(): void;
  /** The read has ended. */
  read(): void;
  /** The completion is whole; only trailing counts are missing. */
  finished(): void;
  /** The stream has said that it is over; only its end is missing. */
  done(): void;
  /** Ends the watch. */
  stop(): void;
}

/** How long to wait for usage and the end of a stream that has said why it finished. */
const TRAILER_MS = 2_000;

/** How long to wait for the end of a body after `[DONE]`, so that its connection can be reused. */
const CLOSE_MS = 100;

const seconds = (ms: number) => `${Math.round(ms / 100) / 10} s`;

/**
 * Starts to watch an attempt.
 *
 * @param limits in milliseconds.
 * @param stream a plain-JSON call has only the limits for headers and in total.
 * @param onTimeout called once, with undefined where only the trailer of a whole stream is late.
 */
export function startWatchdog(
  clock: Clock,
  limits: UpstreamOptions["timeouts"],
  stream: boolean,
  onTimeout: (error: UpstreamError | undefined) => void,
): Watchdog {
  const start = clock.now();
  const total = start + limits.total_ms;
  let phase: "headers" | "first token" | "idle" | "trailer" = "headers";
  let since = start;
  let trailerMs = TRAILER_MS;
  let reading = true;
  let armed = Infinity;
  let cancel = () => {};

  /** When the limit of the present phase ends; the one in total is beside it. */
  function due(): number {
    if (phase === "headers") return start + limits.headers_ms;
    if (phase === "trailer") return since + trailerMs;
    if (!stream) return Infinity;
    if (phase === "first token") return start + limits.first_token_ms;
    return reading ? since + limits.idle_ms : Infinity;
  }

  function fault(): UpstreamError | undefined {
    if (phase === "trailer") return undefined;
    if (due() >= total) {
      return timeout("did not complete its answer", limits.total_ms);
    }
    if (phase === "headers") return timeout("did not answer", limits.headers_ms);
    if (phase === "first token") return timeout("sent no token", limits.first_token_ms);
    return timeout("fell silent", limits.idle_ms);
  }

  /** Sets the timer, unless it fires in time as it is; where that is too early, it is set anew. */
  function arm(): void {
    const now = clock.now();
    const look = phase === "idle" && stream ? now + limits.idle_ms : Infinity;
    const at = Math.min(due(), total, look);
    if (at >= armed) return;
    cancel();
    armed = at;
    cancel = clock.timer(Math.max(1, at - now), () => {
      armed = Infinity;
      if (clock.now() >= Math.min(due(), total)) onTimeout(fault());
      else arm();
    });
  }

  function trailer(ms: number): void {
    phase = "trailer";
    trailerMs = ms;
    // What came before it may have to be taken away by a slow client first.
    since = reading ? clock.now() : Infinity;
    arm();
  }

  arm();
  return {
    headers() {
      phase = "first token";
      arm();
    },
    firstToken() {
      phase = "idle";
      arm();
    },
    reading() {
      reading = true;
      if (phase !== "trailer") since = clock.now();
      else if (since === Infinity) {
        since = clock.now();
        arm();
      }
    },
    read() {
      reading = false;
    },
    finished: () => trailer(TRAILER_MS),
    done: () => trailer(CLOSE_MS),
    stop: () => cancel(),
  };
}

function timeout(what: string, ms: number): UpstreamError {
  return new UpstreamError(
    "upstream_timeout",
    `The upstream ${what} within ${seconds(ms)}.`,
    {
      isRetryable: true,
    },
  );
}
