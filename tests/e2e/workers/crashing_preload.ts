/**
 * Lets a signal crash the first worker: its script is wrapped in one that adds a signal listener.
 *
 * @module
 */
const script = new URL("crashing_worker.ts", import.meta.url);

globalThis.Worker = class extends Worker {
  constructor(_script: string | URL, options?: WorkerOptions) {
    super(script, options);
  }
};
