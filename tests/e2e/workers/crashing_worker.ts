import { crash } from "../../../lib/cli/log.ts";
import "../../../lib/cli/workers/worker.ts";

if (self.name === "worker 1") {
  Deno.addSignalListener("SIGUSR2", () => crash(new Error("crashed by a test")));
}
