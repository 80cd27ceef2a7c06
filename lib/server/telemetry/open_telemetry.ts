/**
 * What passes spans and measures on to OpenTelemetry, where Deno has it on. Loaded only there: its
 * package takes 9 ms of a start.
 *
 * @module
 */

/** Deno puts its own providers there before the program begins. */
const isOn = Symbol.for("opentelemetry.js.api.1") in globalThis;

/** Passes measures on; undefined where OpenTelemetry is off. */
export const meters: typeof import("./meters.ts") | undefined = isOn
  ? await import("./meters.ts")
  : undefined;

/** Makes spans; undefined where OpenTelemetry is off. */
export const traces: typeof import("./traces.ts") | undefined = isOn
  ? await import("./traces.ts")
  : undefined;
