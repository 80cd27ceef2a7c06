/**
 * The time limits of one attempt: headers, first token, silence, total.
 *
 * @module
 */
import type { Clock } from "./clock.ts";
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
  let phase: "headers" | "first token" | "idle" | "trailer" = "headers";
  let since = start;
  let trailerMs = TRAILER_MS;
  let reading = true;
  let cancel = () => {};

  function due(): { at: number; error: () => UpstreamError | undefined } {
    const total = start + limits.total_ms;
    let at = Infinity;
    let error = () => timeout("did not complete its answer", limits.total_ms);
    if (phase === "headers") {
      at = start + limits.headers_ms;
      error = () => timeout("did not answer", limits.headers_ms);
    } else if (phase === "trailer") {
      return { at: Math.min(since + trailerMs, total), error: () => undefined };
    } else if (stream && phase === "first token") {
      at = start + limits.first_token_ms;
      error = () => timeout("sent no token", limits.first_token_ms);
    } else if (stream) {
      at = reading ? since + limits.idle_ms : Infinity;
      error = () => timeout("fell silent", limits.idle_ms);
    }
    return at < total ? { at, error } : {
      at: total,
      error: () => timeout("did not complete its answer", limits.total_ms),
    };
  }

  function arm(): void {
    cancel();
    const wait = Math.max(1, due().at - clock.now());
    cancel = clock.timer(
      phase === "idle" && stream ? Math.min(wait, limits.idle_ms) : wait,
      () => {
        const { at, error } = due();
        if (clock.now() >= at) onTimeout(error());
        else arm();
      },
    );
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
