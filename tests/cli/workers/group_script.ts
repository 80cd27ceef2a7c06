/**
 * A thread that ends by an error when it is told to, or as soon as it begins.
 *
 * @module
 */
import { createCalls } from "../../../lib/cli/workers/calls.ts";

/** What it can be told. */
export type ScriptDoors = {
  /** Begins, or ends by an error. */
  begin(fails: boolean): void;
  /** Ends by an error, and never answers. */
  crash(): Promise<never>;
  /** Answers with an error. */
  refuse(): never;
  /** Asks the other side, and answers with its answer. */
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
    const doors: ScriptDoors = {
      begin: (fails) => void (fails && crash()),
      crash,
      refuse() {
        throw new RangeError("refused");
      },
      ask: (text) => program.call("echo", text),
    };
    const port = (event as MessageEvent<MessagePort>).data;
    const program = createCalls<{ echo(text: string): string }>(port, doors);
  }, { once: true });
}
