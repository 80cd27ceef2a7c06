/** Replaces the configuration of a running server. */
import { serverClock } from "../../clock.ts";
import { ConfigError } from "../../config/faults/fault.ts";
import { type ListenAddress, loopWarnings } from "../../config/listen.ts";
import { watchConfig } from "../../config/watch.ts";
import type { Log } from "../../server/telemetry/log.ts";
import {
  type CommandOptions,
  type Configuration,
  readConfiguration,
  resolveSettings,
} from "../configuration.ts";
import { type ApiServer, listenAddress } from "../listener.ts";
import { keepFixedSettings } from "./fixed_settings.ts";

export interface ReloadOptions {
  options: CommandOptions;
  configuration: Configuration;
  address: ListenAddress;
  server: Pick<ApiServer, "reload">;
  log: Log;
}

/**
 * Reloads when the configuration or one of its files changes, and on SIGHUP even if nothing
 * changed. An invalid configuration is logged and ignored.
 *
 * @returns a function that stops watching.
 */
export function reloadOnChange(
  { options, configuration, address, server, log }: ReloadOptions,
): () => void {
  const running = configuration.config;
  let { files } = configuration;
  let latest = JSON.stringify(running);
  let queue = Promise.resolve();

  async function reload(force: boolean): Promise<void> {
    const read: string[] = [];
    const next = await readConfiguration(options, read).finally(() => {
      files = read;
      watch.update();
    });
    const text = JSON.stringify(next.config);
    if (text === latest && !force) return;
    latest = text;
    const nextAddress = listenAddress(next, options);
    if (nextAddress.loopbackOnly && !address.loopbackOnly) {
      return log.error(
        "The configuration was not reloaded: it sets no api_bearer_token or keys, and this server can be reached from other machines",
      );
    }
    const { config, changed } = keepFixedSettings(next.config, running);
    const resolved = await resolveSettings(config);
    await server.reload({ ...next, config, resolved });
    log.info("The configuration was reloaded", {
      models: resolved.models.map(({ reasoning: { id } }) => id).join(", "),
    });
    for (const warning of loopWarnings(config, address)) log.warn(warning);
    // Flags and variables may override the file.
    if (nextAddress.hostname !== address.hostname) {
      if (!address.loopbackOnly) changed.push("server.host");
      else log.warn("A token or key is set now; other machines can connect after the next start");
    }
    if (nextAddress.port !== address.port) changed.push("server.port");
    if (changed.length === 0) return;
    log.warn(`Changes to these settings take effect at the next start: ${changed.join(", ")}`);
  }

  const schedule = (force: boolean) => {
    // One after another, so that the newest configuration wins.
    queue = queue.then(() => reload(force)).catch((error) => {
      if (error instanceof ConfigError) {
        log.error("The configuration was not reloaded: it is invalid", { faults: error.message });
      } else log.error("The configuration could not be reloaded", { cause: String(error) });
    });
  };
  Deno.addSignalListener("SIGHUP", () => schedule(true));
  const watch = watchConfig({
    files: () => files,
    onChange: () => schedule(false),
    onError: (folder, cause) =>
      log.warn("Can't watch a folder of the configuration; send SIGHUP to reload it", {
        folder,
        cause: String(cause),
      }),
    clock: serverClock,
  });
  return watch.close;
}
