/** Tests that mostly wait, and so run at the same time. */
import { skippedFor } from "./skip.ts";

export interface Scenario {
  name: string;
  /** Why it is skipped, or undefined if it runs. */
  skipReason?: string | undefined;
  run(): Promise<void>;
}

/** Deno does not know which of several running steps a leak is of; the test finds it. */
const sanitizers = { sanitizeOps: false, sanitizeResources: false, sanitizeExit: false };

/** Defines a test whose steps are scenarios. They share nothing; one that fails stops no other. */
export function testTogether(name: string, scenarios: readonly Scenario[]): void {
  Deno.test(name, async (test) => {
    await Promise.all(
      scenarios.map(({ name, skipReason, run }) =>
        test.step({ ...skippedFor(skipReason, name), ...sanitizers, fn: run })
      ),
    );
  });
}
