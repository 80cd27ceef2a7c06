/**
 * The back ends that the tests of the store run over, each with data and a clock of its own.
 *
 * @module
 */
import { createMemoryStore } from "../../lib/store/memory.ts";
import type { Store } from "../../lib/store/store.ts";

/** A back end with nothing in it. */
export interface Backend extends AsyncDisposable {
  /** Opens it; in memory always the same, else each time another handle on the same data. */
  open(): Promise<Store>;
}

/** A kind of back end. */
export interface BackendKind {
  /** Its name. */
  kind: Store["kind"];
  /** Whether this machine lacks what it needs. */
  ignore: boolean;
  /** Makes one. */
  start(now: () => number): Promise<Backend>;
}

/** All kinds. */
export const BACKENDS: readonly BackendKind[] = [
  { kind: "memory", ignore: false, start: (now) => Promise.resolve(startMemory(now)) },
];

function startMemory(now: () => number): Backend {
  const store = createMemoryStore({ now });
  return {
    open: () => Promise.resolve(store),
    [Symbol.asyncDispose]: () => store.close(),
  };
}
