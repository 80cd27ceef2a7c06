import { assertEquals, assertRejects } from "@std/assert";
import { waitUntil } from "../../support/wait.ts";
import { openCode, runCode } from "./sandbox.ts";

/** A thread that answers when the test says so. */
class ControlledWorker {
  static readonly all: ControlledWorker[] = [];
  onmessage = (_event: { data: unknown }) => {};
  readonly received: unknown[] = [];
  constructor() {
    ControlledWorker.all.push(this);
  }
  postMessage(message: unknown): void {
    this.received.push(message);
  }
  answer(text: string): void {
    this.onmessage({ data: { text, isError: false, isWorn: false } });
  }
  terminate(): void {}
}

Deno.test("a thread that becomes free while its next run is cancelled serves the run after it", async () => {
  const { Worker } = globalThis;
  globalThis.Worker = ControlledWorker as unknown as typeof Worker;
  const source = openCode({ threads: 1 });
  try {
    const [thread] = ControlledWorker.all;
    const hasReceived = (count: number) =>
      waitUntil(`run ${count}`, () => thread!.received.length === count);
    thread!.onmessage({ data: { sandbox: undefined } });
    const first = runCode(source, "1");
    await hasReceived(1);
    const controller = new AbortController();
    const second = runCode(source, "2", controller.signal);
    const rejected = assertRejects(() => second, Error, "cancelled");
    // Lets the second run wait for the thread.
    await new Promise((resolve) => setTimeout(resolve));
    controller.abort(new Error("cancelled"));
    thread!.answer("one");
    assertEquals((await first).text, "one");
    await rejected;
    const third = runCode(source, "3");
    await hasReceived(2);
    thread!.answer("three");
    assertEquals((await third).text, "three");
  } finally {
    source.close();
    globalThis.Worker = Worker;
  }
});
