import { type AppOptions, createApp } from "../../server/app.ts";
import { silentLog } from "../../server/telemetry/log.ts";
import type { Endpoint } from "./request.ts";

/** Known to this process alone, which nobody else can connect to. */
const TOKEN = "in-process";

/** Asks the configured models through the server's handler, without a socket. */
export function inProcess(
  options: Pick<AppOptions, "config" | "clock" | "random" | "fetch">,
): Endpoint & { close(): Promise<void> } {
  const config = { ...options.config, token: TOKEN, hasRealToken: true };
  const app = createApp({ ...options, config, log: silentLog });
  return {
    baseUrl: "http://localhost/v1",
    apiKey: TOKEN,
    send: app.handle,
    close: () => app.drain(0),
  };
}
