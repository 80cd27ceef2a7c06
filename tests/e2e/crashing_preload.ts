/**
 * Lets a signal end the program's first worker by an error: its script is the program's own, with
 * a listener before it.
 *
 * @module
 */
const script = new URL("crashing_worker.ts", import.meta.url);

globalThis.Worker = class extends Worker {
  constructor(_script: string | URL, options?: WorkerOptions) {
    super(script, options);
  }
};
