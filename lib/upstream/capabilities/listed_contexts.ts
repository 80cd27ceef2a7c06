import type { Clock } from "../../clock.ts";
import type { Fetch } from "../attempt.ts";
import { type ListedModel, listModels } from "../list_models.ts";
import type { Target } from "../target.ts";

const INTERVAL_MS = 3_600_000;
const TIMEOUT_MS = 10_000;

/** Maximum number of models that are remembered; the oldest are forgotten. */
const MAX_MODELS = 500;

interface Entry {
  /** Time on the clock at which the list was requested. */
  requestedAt: number;
  tokens: number | undefined;
}

/** Sizes of models' contexts, as the lists of upstreams name them. */
export function createListedContexts(clock: Clock) {
  const entries = new Map<string, Entry>();
  const keyOf = ({ upstream, model }: Target) => `${upstream.base_url}\n${model}`;

  async function read(
    { upstream, model }: Target,
    apiKey: string | undefined,
    fetch: Fetch,
    entry: Entry,
  ): Promise<void> {
    const controller = new AbortController();
    const cancel = clock.timer(TIMEOUT_MS, () => controller.abort());
    try {
      const models = await listModels(upstream, apiKey, controller.signal, { clock, fetch });
      entry.tokens = contextIn(models, model);
    } catch {
      // Not every upstream has such a list. The size from an earlier list is kept.
    } finally {
      cancel();
      // Frees the connection of a list that is too large.
      controller.abort();
    }
  }

  return {
    /** Returns the tokens of the model's context, if a list that was read has named them. */
    get: (target: Target) => entries.get(keyOf(target))?.tokens,
    /** Reads the upstream's list in the background, for each model at most once an hour. */
    refresh(target: Target, apiKey: string | undefined, fetch: Fetch): void {
      const key = keyOf(target);
      const earlier = entries.get(key);
      const now = clock.now();
      if (earlier !== undefined && now - earlier.requestedAt < INTERVAL_MS) return;
      const entry = { requestedAt: now, tokens: earlier?.tokens };
      entries.delete(key);
      entries.set(key, entry);
      if (entries.size > MAX_MODELS) entries.delete(entries.keys().next().value!);
      void read(target, apiKey, fetch, entry);
    },
  };
}

/** A server of one model, such as llama.cpp, may list it under a name other than the requested one. */
function contextIn(models: readonly ListedModel[], name: string): number | undefined {
  const [only] = models.length === 1 ? models : [];
  return (models.find(({ id }) => id === name) ?? only)?.contextTokens;
}
