/** True if Deno has installed its OpenTelemetry providers, which it does before the program runs. */
const isOn = Symbol.for("opentelemetry.js.api.1") in globalThis;

// OpenTelemetry's package takes 9 ms to load.

/** Forwards metrics; undefined if OpenTelemetry is off. */
export const meters: typeof import("./meters.ts") | undefined = isOn
  ? await import("./meters.ts")
  : undefined;

/** Creates spans; undefined if OpenTelemetry is off. */
export const traces: typeof import("./traces.ts") | undefined = isOn
  ? await import("./traces.ts")
  : undefined;
