/** `o1-api check`: validates the configuration, and asks the upstreams. */
import { systemClock as clock } from "../../clock.ts";
import { ConfigError } from "../../config/faults/fault.ts";
import { loopWarnings } from "../../config/listen.ts";
import type { Config } from "../../config/schema/config.ts";
import { createTargetTable } from "../../config/target_table.ts";
import { allTargetsOf } from "../../reasoning/overrides.ts";
import type { Target } from "../../upstream/target.ts";
import { configOrExit, type Configuration, orExit } from "../configuration.ts";
import { parseFlags } from "../flags.ts";
import { listenAddress } from "../listener.ts";
import { plain, print } from "../terminal.ts";
import { type Finding, probeModel, probeModels } from "./probe.ts";

const OPTIONS = { clock, fetch, random: Math.random };

/**
 * Exits with 1 for an invalid configuration, and if an upstream fails.
 *
 * @throws {UsageError} for invalid arguments.
 */
export async function check(args: readonly string[], moduleDir: string | undefined): Promise<void> {
  const { flags: { online, config } } = parseFlags("check", args);
  const options = { config, moduleDir };
  const configuration = await configOrExit(options);
  const { path, isFound, resolved } = configuration;
  const models = resolved.models.map((model) => model.reasoning.id).join(", ");
  console.log(`${isFound ? path : `No ${path}, using the defaults`}: no faults. Models: ${models}`);
  const address = await orExit(() => listenAddress(configuration, options), ConfigError);
  for (const warning of loopWarnings(configuration.config, address)) console.error(warning);
  if (!online) return;
  let failed = false;
  await Promise.all(
    [...targetsByUpstream(configuration)].map(async ([name, targets]) => {
      const { text, hasFailed } = await report(name, targets);
      failed ||= hasFailed;
      print(Deno.stdout, plain(text));
    }),
  );
  if (failed) Deno.exit(1);
}

/** Returns a target for each upstream and model that is used, and for each unused upstream. */
function targetsByUpstream({ config, resolved }: Configuration): Map<string, Target[]> {
  const used = resolved.models.flatMap(({ reasoning }) => allTargetsOf(reasoning));
  const all = [...used, ...unusedTargets(config, used)];
  const distinct = new Map(all.map((target) => [`${target.name}\n${target.model}`, target]));
  return Map.groupBy(distinct.values(), ({ name }) => name);
}

/** Their model is empty if none is configured. */
function unusedTargets(config: Config, used: readonly Target[]): Target[] {
  const table = createTargetTable(config);
  return Object.keys(config.upstreams)
    .filter((name) => !used.some((target) => target.name === name))
    .flatMap((name) => table.targets(name, undefined));
}

async function report(name: string, targets: readonly Target[]) {
  const { upstream } = targets[0]!;
  const [url] = upstream.base_url.split("?", 1);
  const lines = [`\n${name} (${url})`];
  let hasFailed = false;
  const add = (indent: string, { name, text, isFailure = false }: Finding) => {
    hasFailed ||= isFailure;
    lines.push(`${indent}${name}: ${isFailure ? "FAILED: " : ""}${text}`);
  };
  const models = targets.map(({ model }) => model).filter((model) => model !== "");
  if (!upstream.base_url.startsWith("demo:")) {
    add("  ", await probeModels({ upstream }, models, OPTIONS));
  }
  for (const target of targets.filter(({ model }) => model !== "")) {
    lines.push(`  ${target.model}`);
    for (const finding of await probeModel(target, OPTIONS)) add("    ", finding);
  }
  return { text: `${lines.join("\n")}\n`, hasFailed };
}
