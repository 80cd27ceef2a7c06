import { assertEquals } from "@std/assert";
import { EFFORTS } from "../../../../lib/reasoning/effort.ts";
import { startUpstream, type Upstream } from "../../../support/upstream.ts";
import { casesOf } from "./cases.ts";
import { scripted } from "./script.ts";
import { createStrategyApp } from "./app.ts";

/** Runs every way of a strategy and passes on the upstream with its calls. */
export async function runAll(
  strategy: string,
  model: Record<string, unknown>,
  body: Record<string, unknown>,
  look: (upstream: Upstream) => void,
): Promise<void> {
  for (const way of casesOf(strategy).ways) {
    await using upstream = startUpstream(scripted(way.script));
    const models = { m: { strategy, upstream: "scripted", model: "scripted-model", ...model } };
    // A model that is a router runs the strategy at every effort.
    const routing = { effort: Object.fromEntries(EFFORTS.map((effort) => [effort, strategy])) };
    const { ask } = await createStrategyApp(upstream, { config: { models, routing } });
    const { status, json } = await ask("m", { ...way.body, ...body });
    assertEquals(status, 200, JSON.stringify(json));
    look(upstream);
  }
}
