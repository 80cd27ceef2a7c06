/**
 * `o1-api check`: tells whether the configuration is right.
 *
 * @module
 */
import type { CommandOptions } from "./options.ts";
import { configOrExit } from "./configuration.ts";

/** Checks the configuration; ends the process with 1 where it is wrong. */
export async function check(options: CommandOptions): Promise<void> {
  const { path, resolved } = await configOrExit(options);
  const models = resolved.models.map((model) => model.reasoning.id).join(", ");
  console.log(`${path ?? "No config.yaml; the defaults"}: no faults. Models: ${models}`);
}
