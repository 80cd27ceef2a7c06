import type { Clock } from "../clock.ts";
import { UpstreamError } from "./errors/upstream_error.ts";
import type { UpstreamOptions } from "./options.ts";

export type Watchdog = ReturnType<typeof startWatchdog>;

/** Wait for usage and the end of a stream after its finish reason. */
const TRAILER_MS = 2_000;

/** Wait for the end of a body after `[DONE]`, so that its connection can be reused. */
const CLOSE_MS = 100;

/**
 * Enforces the time limits of one attempt with a single timer.
 *
 * @param stream without a stream, only the limits for the headers and in total apply.
 * @param onTimeout called once; without an error if only the trailer of a complete stream is late.
 */
export function startWatchdog(
  clock: Clock,
  limits: UpstreamOptions["timeouts"],
  stream: boolean,
  onTimeout: (error?: UpstreamError) => void,
) {
  const start = clock.now();
  const totalDue = start + limits.total_ms;
  let phase: "headers" | "first token" | "idle" | "trailer" = "headers";
  let lastRead = start;
  let trailerMs = TRAILER_MS;
  let isReading = true;
  let armedFor = Infinity;
  let cancelTimer = () => {};

  /** Returns the time at which the limit of the phase is reached. */
  function phaseDue(): number {
    if (phase === "headers") return start + limits.headers_ms;
    if (phase === "trailer") return lastRead + trailerMs;
    if (!stream) return Infinity;
    if (phase === "first token") return start + limits.first_token_ms;
    return isReading ? lastRead + limits.idle_ms : Infinity;
  }

  function timeoutError(): UpstreamError | undefined {
    if (phase === "trailer") return undefined;
    const [what, ms] = phaseDue() >= totalDue
      ? ["did not complete its answer within", limits.total_ms]
      : phase === "headers"
      ? ["did not respond within", limits.headers_ms]
      : phase === "first token"
      ? ["sent no token within", limits.first_token_ms]
      : ["sent nothing for", limits.idle_ms];
    // A retry before the first token only restarts a slow upstream's work, such as loading a model.
    return new UpstreamError("upstream_timeout", `The upstream ${what} ${inSeconds(ms)} s.`, {
      isRetryable: phase === "idle",
    });
  }

  /** Sets the timer unless it fires early enough. If it then fires too early, it is set again. */
  function arm(): void {
    const now = clock.now();
    // Reads move the idle limit without touching the timer, so look again after each interval.
    const nextLook = phase === "idle" && stream ? now + limits.idle_ms : Infinity;
    const due = Math.min(phaseDue(), totalDue, nextLook);
    if (due >= armedFor) return;
    cancelTimer();
    armedFor = due;
    cancelTimer = clock.timer(Math.max(1, due - now), () => {
      armedFor = Infinity;
      if (clock.now() >= Math.min(phaseDue(), totalDue)) onTimeout(timeoutError());
      else arm();
    });
  }

  function enter(next: typeof phase): void {
    phase = next;
    arm();
  }

  function enterTrailer(ms: number): void {
    trailerMs = ms;
    // A slow client may have to take what came before it first.
    lastRead = isReading ? clock.now() : Infinity;
    enter("trailer");
  }

  arm();
  return {
    headersReceived: () => enter("first token"),
    firstTokenReceived: () => enter("idle"),
    /** Silence counts only during a read, not while a slow client delays the next one. */
    readStarted(): void {
      isReading = true;
      if (phase !== "trailer") lastRead = clock.now();
      else if (lastRead === Infinity) {
        lastRead = clock.now();
        arm();
      }
    },
    readEnded(): void {
      isReading = false;
    },
    /**
     * The answer is complete; only usage and the end of the stream are missing.
     *
     * @param isUncertain whether more output may follow even so, after a pause as within an answer.
     */
    answerComplete: (isUncertain = false) =>
      enterTrailer(isUncertain ? Math.max(TRAILER_MS, limits.idle_ms) : TRAILER_MS),
    /** Output has followed the supposed end of the answer. */
    answerContinues(): void {
      lastRead = clock.now();
      enter("idle");
    },
    /** `[DONE]` was received; only the end of the body is missing. */
    streamDone: () => enterTrailer(CLOSE_MS),
    stop: () => cancelTimer(),
  };
}

function inSeconds(ms: number): number {
  return Math.round(ms / 100) / 10;
}
