/**
 * Script of a thread that crashes on request, or as soon as it begins.
 *
 * @module
 */
import { connect } from "../../../lib/thread_calls.ts";

export type ScriptMethods = {
  begin(fails: boolean): void;
  /** Crashes and never answers. */
  crash(): Promise<never>;
  /** Reports an error that nothing handles, as a thread that can no longer listen does. */
  report(): Promise<never>;
  /** Throws an error. */
  refuse(): never;
  /** Returns the answer of the main thread. */
  ask(text: string): Promise<string>;
};

function crash(): Promise<never> {
  queueMicrotask(() => {
    throw new Error("crashed by a test");
  });
  return new Promise(() => {});
}

if (import.meta.main) {
  globalThis.addEventListener("message", (event) => {
    const port = (event as MessageEvent<MessagePort>).data;
    connect<{ echo(text: string): string }>(port, (call): ScriptMethods => ({
      begin: (fails) => void (fails && crash()),
      crash,
      report() {
        reportError(new Error("reported by a test"));
        return new Promise(() => {});
      },
      refuse() {
        throw new RangeError("refused");
      },
      ask: (text) => call("echo", text),
    }));
  }, { once: true });
}
