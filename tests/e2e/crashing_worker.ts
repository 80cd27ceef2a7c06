import "../../lib/cli/workers/worker.ts";

if (self.name === "worker 1") {
  Deno.addSignalListener("SIGUSR2", () =>
    queueMicrotask(() => {
      throw new Error("crashed by a test");
    }));
}
