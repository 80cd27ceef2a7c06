/**
 * Exits if the program starts a thread.
 *
 * @module
 */
globalThis.Worker = class extends Worker {
  constructor(script: string | URL, options?: WorkerOptions) {
    super(script, options);
    Deno.exit(9);
  }
};
